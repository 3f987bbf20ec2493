"""The end of `make run`: what came of it, in a screen or two of 100 columns."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.kept_licences import most_restrictive
from pipelines.report.figures import number, share
from pipelines.report.planted import Defects, Kind
from pipelines.report.review import advice, agreements, conflicts, gains, headline, rule_rows
from pipelines.report.summary import Stage, Summary, labelled
from pipelines.training.compare import Comparison
from schemas.vocabulary import SIDES

WIDTH: Final = 100
_MISSED: Final = 5
"""Missed rows of a kind that are named; the page names all."""

_INDENT: Final = "  "


def terminal_summary(summary: Summary, report: Path) -> str:
    """The text that ends a run. `report`: where the HTML page lies."""
    parts = [
        _heading(summary),
        _sources(summary),
        _funnel(summary),
        _benchmarks(summary),
        _defects(summary.defects) if summary.defects else [],
        _review(summary),
        *[_comparison(found) for found in summary.outcome.comparisons],
        _where(summary, report),
        _failures(summary.outcome.failures),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    """Rows of cells as lines with columns two spaces apart; the columns in `right` end at the same place."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [c.rjust(w) if n in right else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


def _heading(summary: Summary) -> list[str]:
    published = summary.published
    took = f"{summary.outcome.seconds / 60:.1f} minutes"
    if published is None:
        return ["", f"Nothing is published ({took})."]
    again = "" if published.recipe in summary.outcome.recipes else ", of an earlier run"
    return [
        "",
        f"Recipe {published.recipe}: {summary.kept:,} of {summary.records:,} records kept "
        f"(pass {published.number}{again}, lake state {published.state.number}; {took})",
    ]


def _sources(summary: Summary) -> list[str]:
    dropped = labelled(summary.fates)
    rows: list[tuple[str, ...]] = [("source", "status", "rows in", "records", "kept", "dropped")]
    whys: list[list[str]] = []
    absent = pl.col("word") == "ABSENT"
    for row in summary.sources.filter(~absent | (pl.col("rows") > 0)).to_dicts():
        reasons = dropped.filter(pl.col("source") == row["source"]).select("label", "records")
        counts = [number(row[name]) for name in ("rows", "records", "kept", "dropped")]
        rows.append((row["source"], _status(row["word"], row["message"]), *counts))
        rejected = [("rejected", row["rejected"])] if row["rejected"] else []
        whys.append([f"{label} {count:,}" for label, count in [*rejected, *reasons.iter_rows()]])
    total = summary.sources.select(pl.col("rows", "records", "kept", "dropped").sum()).row(0)
    rows.append(("all", "", *(number(value) for value in total)))
    lines = aligned(rows, right=(2, 3, 4, 5))
    wide = max(len(line) for line in lines) + 2
    beside = ["why", *(_fitting(why, WIDTH - wide) for why in whys), ""]
    table = [f"{line:<{wide}}{why}".rstrip() for line, why in zip(lines, beside, strict=True)]
    missing = summary.sources.filter(absent & (pl.col("rows") == 0))["source"].to_list()
    return table + (textwrap.wrap(f"ABSENT from this Hub: {', '.join(missing)}", WIDTH) if missing else [])


def _status(word: str, message: str) -> str:
    return message if word == "-" or message == "unchanged" else word


def _fitting(items: Sequence[str], width: int) -> str:
    """As many of the items as fit, and how many more there are."""
    for shown in range(len(items), 0, -1):
        more = len(items) - shown
        text = ", ".join(items[:shown]) + (f", {more} more" if more else "")
        if len(text) <= width:
            return text
    return f"{len(items)} reasons" if items else ""


def _funnel(summary: Summary) -> list[str]:
    if summary.published is None:
        return []
    rows = [_step(stage) for stage in summary.stages]
    sides = "  ".join(f"{side} {int(summary.kept_sides[side].sum()):,}" for side in SIDES)
    table = [_INDENT + line for line in aligned(rows, right=(1, 2))]
    return ["Funnel", *table, f"{_INDENT}by side: {sides}", *_wrapped(summary.between), *_licence(summary)]


def _licence(summary: Summary) -> list[str]:
    """The licence of what is kept that permits least, and who brings it."""
    if summary.licences is None:
        return []
    said = [
        f"most restrictive licence: {one['described']}, of {one['records']:,} records of {', '.join(one['sources'])}"
        for one in most_restrictive(summary.licences)
    ]
    return _wrapped(said)


def _wrapped(said: Sequence[str]) -> list[str]:
    return [
        line
        for text in said
        for line in textwrap.wrap(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT * 2)
    ]


def _step(stage: Stage) -> tuple[str, str, str]:
    name = f"- {stage.name}" if stage.leaves else stage.name
    return name, f"{stage.count:,}", share(stage.count, stage.whole) if stage.count != stage.whole else ""


def _benchmarks(summary: Summary) -> list[str]:
    statuses = summary.benchmarks.statuses
    items, missing = int(statuses["items"].sum()), summary.benchmarks.not_checked["benchmark"].to_list()
    compared = statuses.height - len(missing)
    lines = [f"Benchmarks: records were compared with {items:,} items of {compared} of {statuses.height}"]
    named = f"NOT CHECKED: {', '.join(missing)}"
    return lines + textwrap.wrap(named, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT) if missing else lines


def _review(summary: Summary) -> list[str]:
    if summary.review is None or summary.recipe is None or not summary.recipe.review.budget:
        return []
    lines = [f"Review: {headline(summary.review)}"]
    told = summary.review.measures
    if told is None:
        return lines
    facts = [gains(told.gains), *(f"agreement: {said}" for said in agreements(told))]
    facts += [f"people disagree: {said}" for said in conflicts(told)]
    rows = [("rule", "controls", "precision", "recall"), *rule_rows(told)] if told.rules.height else []
    warned = [f"WARN {said}" for said in advice(told, summary.recipe.review.precision)]
    return lines + [_cut(_INDENT + line) for line in [*facts, *(aligned(rows, right=(1,)) if rows else []), *warned]]


def _defects(found: Defects) -> list[str]:
    unknown = found.planted - found.looked_for
    rows = [("kind", "caught", "")]
    rows += [(kind.name, *_caught(kind)) for kind in found.kinds]
    missed = [(kind.name, id_) for kind in found.kinds for id_ in kind.missed_ids[:_MISSED]]
    return [
        f"Planted defects: {found.caught} of {found.looked_for} caught" + (f", {unknown} unknown" if unknown else ""),
        *(_INDENT + line for line in aligned(rows, right=(1,))),
        *(_cut(f"{_INDENT}missed: {kind}: {id_}") for kind, id_ in missed),
        *_wronged(found),
    ]


def _wronged(found: Defects) -> list[str]:
    if not found.wronged_rows:
        return [f"{_INDENT}clean rows: none of {found.clean:,} was dropped wrongly"]
    rows = [
        (f"{label} {rows:,}", f"such as {example}")
        for label, rows, example in found.wronged.select("label", "rows", "example").iter_rows()
    ]
    return [
        f"{_INDENT}clean rows: {found.wronged_rows:,} of {found.clean:,} were dropped wrongly",
        *(_cut(_INDENT * 2 + line) for line in aligned(rows, right=())),
    ]


def _caught(kind: Kind) -> tuple[str, str]:
    looked_for = kind.caught + kind.missed
    unknown = f"{kind.not_read} not read" if kind.not_read else ""
    return (f"{kind.caught} of {looked_for}" if looked_for else "-"), unknown


def _comparison(found: Comparison) -> list[str]:
    lines = [f"Model: {found.curated} against {found.baseline}, {found.tokens:,} tokens each"]
    parts = [(name, d) for name, d in (("whole test set", found.all), ("part that is kept", found.kept)) if d]
    if parts:
        rows = [("loss per token", "rows", "curated", "raw", "difference", "95 % interval")]
        rows += [
            (
                name,
                f"{d.rows:,}",
                f"{d.curated:.4f}",
                f"{d.baseline:.4f}",
                f"{d.difference:+.4f}",
                f"{d.low:+.4f} to {d.high:+.4f}",
            )
            for name, d in parts
        ]
        lines += [_INDENT + line for line in aligned(rows, right=(1, 2, 3, 4))]
    if found.base is not None:
        lines.append(f"{_INDENT}before training: {found.base:.4f}")
    said = found.verdict if found.helped else f"WARN {found.verdict}"
    return lines + textwrap.wrap(said, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def _where(summary: Summary, report: Path) -> list[str]:
    lines = ["Where to look"]
    if summary.published is not None:
        folder = summary.workspace.exports / summary.published.recipe
        for side in SIDES:
            rows = int(summary.kept_sides[side].sum())
            lines.append(f"{_INDENT}{side:<11} {folder / '*' / side}.parquet  ({rows:,} rows)")
    lines.append(f"{_INDENT}{'report':<11} {report}")
    lines.append(f"{_INDENT}{'the graph':<11} make up   opens Dagster on http://127.0.0.1:3000, and")
    lines.append(f"{_INDENT}{'the review':<21} Argilla on http://127.0.0.1:6900")
    return lines


def _failures(failures: Sequence[str]) -> list[str]:
    return [f"{len(failures)} failed", *(f"{_INDENT}{text}" for text in failures)] if failures else []


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."
