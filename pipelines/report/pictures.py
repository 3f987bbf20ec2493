"""Pictures as SVG that is written by hand: no plotting library to import, and they take the page's colours.

Shapes have classes (`kept`, `before`, `rule`, ...) whose colours stand in `templates/palette.css`, for light and dark.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, sqrt
from pathlib import Path
from typing import Final, Literal

from pipelines.report.distributions import Spread
from pipelines.report.figures import short
from pipelines.report.summary import Stage
from pipelines.training.compare import Difference

TEMPLATES: Final = Path(__file__).parent / "templates"

_WIDTH: Final = 300
_HEIGHT: Final = 96
"""Of a histogram's bars, in units of its picture."""
_LINE: Final = 13
"""Of text."""


@dataclass(frozen=True)
class Threshold:
    """A line in a histogram: `side` is where values hit the rule. `text` stands beside the line."""

    value: float
    side: Literal["above", "below", "at"]
    text: str


def colour(name: str) -> str:
    """The class of a fate, a side or another named thing."""
    return "c-" + "".join(c if c.isalnum() else "-" for c in name)


def histogram(spread: Spread, thresholds: Sequence[Threshold] = (), *, roots: bool = False) -> str:
    """Bars of all records behind those of the kept ones. `roots`: heights are square roots, so that tails show."""
    scaled = (lambda count: sqrt(count)) if roots else float
    most = scaled(max(spread.most, 1))
    wide = _WIDTH / len(spread.bins)
    shapes = []
    for n, bin_ in enumerate(spread.bins):
        for count, name in ((bin_.before, "before"), (bin_.after, "after")):
            if count:
                high = max(_HEIGHT * scaled(count) / most, 1)
                shapes.append(_rectangle(n * wide + 0.5, _HEIGHT - high, wide - 1, high, name))
    edges = [b.low for b in spread.bins] + [spread.bins[-1].high]
    lines = [_line(_place(edges, t.value, wide), t, n) for n, t in enumerate(thresholds)]
    zones = [_zone(edges, wide, t) for t in thresholds]
    labels = _labels(spread, wide)
    above = 4 + _LINE * len(thresholds)
    title = f"{spread.name}: {spread.before:,} records before, {spread.after:,} after"
    return (
        f'<svg viewBox="0 {-above} {_WIDTH} {_HEIGHT + 18 + above}" role="img" aria-label="{escape(title)}">'
        f'{"".join(zones)}{"".join(shapes)}<path class="axis" d="M0 {_HEIGHT}H{_WIDTH}"/>{labels}{"".join(lines)}</svg>'
    )


def interval(difference: Difference, reach: float) -> str:
    """A difference of losses as a point with its interval around a line at 0; the picture spans -`reach` to `reach`."""
    half = _WIDTH / 2
    low, point, high = (
        half + half * value / reach for value in (difference.low, difference.difference, difference.high)
    )
    title = f"{difference.difference:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
    return (
        f'<svg viewBox="0 0 {_WIDTH} 20" role="img" aria-label="{escape(title)}">'
        f'<path class="zero" d="M{half:g} 0V20"/><path class="whisker" d="M{low:.1f} 10H{high:.1f}"/>'
        f'<circle class="point" cx="{point:.1f}" cy="10" r="4"/></svg>'
    )


def funnel(stages: Sequence[Stage]) -> str:
    """The funnel as a picture that stands alone: one bar a stage, what leaves drawn where it is cut off."""
    row, left, wide = 24, 170, 380
    shapes = []
    for n, stage in enumerate(stages):
        whole = max(stage.whole, 1)
        y = n * row
        stays = stage.before - stage.count if stage.leaves else stage.count
        shapes.append(
            _rectangle(left, y + 5, wide * stays / whole, 14, "c-kept" if stage.name == "kept" else "remains")
        )
        if stage.leaves:
            gone = max(wide * stage.count / whole, 1.5)
            shapes.append(_rectangle(left + wide * stays / whole, y + 5, gone, 14, colour(stage.name)))
        name = f"− {stage.name}" if stage.leaves else stage.name
        shapes.append(f'<text x="{left - 10}" y="{y + 16}" text-anchor="end">{escape(name)}</text>')
        shapes.append(f'<text x="{left + wide + 10}" y="{y + 16}">{stage.count:,}</text>')
    style = (TEMPLATES / "palette.css").read_text(encoding="utf-8")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 {len(stages) * row}" width="660" '
        f'height="{len(stages) * row}" font-family="system-ui, sans-serif" font-size="13">'
        f"<style>{style}text{{fill:var(--ink)}}svg{{background:var(--paper)}}</style>{''.join(shapes)}</svg>"
    )


def data_uri(svg: str) -> str:
    """The picture as an address that holds it."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _rectangle(x: float, y: float, width: float, height: float, name: str) -> str:
    return f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}"/>'


def _place(edges: Sequence[float], value: float, wide: float) -> float:
    """Where a value lies across the picture: within its bin in proportion."""
    if value <= edges[0]:
        return 0.0
    for n in range(len(edges) - 1):
        if value < edges[n + 1]:
            return wide * (n + (value - edges[n]) / (edges[n + 1] - edges[n]))
    return wide * (len(edges) - 1)


def _line(x: float, threshold: Threshold, place: int) -> str:
    """The line of the threshold at `place`, with its text above the bars and those of the ones before it."""
    anchor = "start" if x < _WIDTH / 2 else "end"
    return (
        f'<path class="threshold" d="M{x:.1f} -2V{_HEIGHT}"/>'
        f'<text class="cut" x="{x:.1f}" y="{-5 - place * _LINE}" text-anchor="{anchor}">{escape(threshold.text)}</text>'
    )


def _zone(edges: Sequence[float], wide: float, threshold: Threshold) -> str:
    """A tint over the values that hit; of one value, over the bin that it lies in."""
    x = _place(edges, threshold.value, wide)
    bin_start = wide * min(floor(x / wide), len(edges) - 2)
    start, end = {"above": (x, float(_WIDTH)), "below": (0.0, x), "at": (bin_start, bin_start + wide)}[threshold.side]
    return _rectangle(start, 0, end - start, _HEIGHT, "zone")


def _labels(spread: Spread, wide: float) -> str:
    """Values along the axis: below their bins where each bin is one value, else below edges."""
    edges = [b.low for b in spread.bins] + [spread.bins[-1].high]
    last = len(spread.bins)
    if spread.whole and edges[-1] - edges[0] == last:
        ticks = {(n + 0.5) * wide: (n, "middle") for n in sorted({0, (last - 1) // 2, last - 1})}
    else:
        ticks = {0.0: (0, "start"), last // 2 * wide: (last // 2, "middle"), last * wide: (last, "end")}
    return "".join(
        f'<text class="tick" x="{x:.1f}" y="{_HEIGHT + 14}" text-anchor="{anchor}">{short(edges[n])}</text>'
        for x, (n, anchor) in ticks.items()
    )
