"""The HTML report: one page that holds everything it shows, and asks nothing of the network."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.kept_licences import binding_models, most_restrictive
from pipelines.report import samples
from pipelines.report.benchmarks import unseen, where
from pipelines.report.cuts import cuts
from pipelines.report.distributions import lengths
from pipelines.report.figures import number, share, short
from pipelines.report.pictures import TEMPLATES, colour, histogram, interval
from pipelines.report.review import advice, agreements, conflicts, gains, headline, rule_rows
from pipelines.report.summary import Stage, Summary, labelled
from pipelines.training.compare import SEEDS, Comparison
from pipelines.workspace import SAMPLE
from schemas.families import FAMILIES
from schemas.vocabulary import SIDES

_FOLD: Final = 420
"""Characters of a message from which it is folded to its first `_PREVIEW`."""

_PREVIEW: Final = 280
_REASONS: Final = 12
"""Reasons that have a colour of their own; the rest are `other`."""

_RULE_COLOURS: Final = 8
_TILES: Final = 12
"""Signals that are shown at once; the rest unfold."""

_TONES: Final = {
    "OK": "good",
    "ABSENT": "warn",
    "STALE": "warn",
    "FAILED": "bad",
    "-": "",
    "all caught": "good",
    "missed": "bad",
    "not read": "warn",
}
_CONTENTS: Final = (
    ("sources", "Sources"),
    ("funnel", "Funnel"),
    ("dropped", "Reasons"),
    ("defects", "Planted defects"),
    ("model", "Model"),
    ("lengths", "Lengths"),
    ("sides", "Sides"),
    ("rules", "Rules"),
    ("dropped-rows", "Dropped records"),
    ("kept-rows", "Kept records"),
    ("rejects", "Rejects"),
    ("benchmarks", "Benchmarks"),
    ("review", "Review"),
)

# Control characters but tab and line feed: an HTML page may not hold them.
_UNPRINTABLE: Final = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160)], "\ufffd")


def write_report(summary: Summary) -> Path:
    """Write the workspace's report and return where it lies; a reader sees the old page or the new one."""
    page = render(summary)
    path = summary.workspace.report
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(page, encoding="utf-8")
    scratch.replace(path)
    return path


def render(summary: Summary) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "short": short, "shown": _shown}
    environment.globals |= {"fold": _FOLD, "preview": _PREVIEW, "colour": colour}
    context = _context(summary)
    return environment.get_template("report.html.j2").render(context)


def _context(summary: Summary) -> dict[str, Any]:
    published = summary.published
    colours = _colours(summary)
    stages = summary.stages
    signals = [
        {"cut": cut, "picture": Markup(histogram(cut.spread, cut.thresholds, roots=True))}
        for cut in (cuts(published, summary.recipe) if published and summary.recipe else [])
    ]
    context = {
        "summary": summary,
        "published": published,
        "title": _title(summary),
        "hub": "the sample Hub" if summary.workspace.hub == SAMPLE else summary.workspace.hub,
        "earlier": published is not None and published.recipe not in summary.outcome.recipes,
        "took": f"{summary.outcome.seconds / 60:.1f} minutes",
        "failures": summary.outcome.failures,
        "figures": _figures(summary),
        "families": list(FAMILIES),
        "side_names": list(SIDES),
        "tones": _TONES,
        "sources": summary.sources.to_dicts(),
        "total": summary.sources.select(pl.col(pl.Int64).sum()).row(0, named=True),
        "funnel": [_bar(stage, stages) for stage in stages],
        "colours": colours,
        "fates": summary.fates.to_dicts(),
        "defects": summary.defects,
        "wronged": summary.defects.wronged.to_dicts() if summary.defects else [],
        "comparisons": [_losses(found) for found in summary.outcome.comparisons],
        "seeds": SEEDS,
        "lengths": [{"spread": s, "picture": Markup(histogram(s))} for s in lengths(published)] if published else [],
        "sides": _sides(summary),
        "recipes": summary.recipes.to_dicts(),
        "signals": signals,
        "tiles": _TILES,
        "recipe_moved": published is not None and summary.recipe is None,
        "drops": samples.dropped(published) if published else [],
        "kept": samples.kept(published) if published else [],
        "rejects": summary.rejects.to_dicts(),
        "benchmarks": _benchmarks(summary),
        "review": _review(summary),
        "unseen": unseen(summary.benchmarks),
        "exports": _exports(summary),
        "licences": _licences(summary),
        **_reasons(summary, colours),
    }
    there = {
        "funnel": published,
        "dropped": published,
        "sides": published,
        "model": context["comparisons"],
        "rules": context["signals"],
        "dropped-rows": context["drops"],
        "kept-rows": context["kept"],
    }
    shown = [(anchor, name) for anchor, name in _CONTENTS if there.get(anchor, context.get(anchor, True))]
    return context | {"contents": shown}


def _review(summary: Summary) -> dict[str, Any] | None:
    """What people were asked and what came of it; None where the recipe asks nobody."""
    if summary.review is None or summary.recipe is None or not summary.recipe.review.budget:
        return None
    told = summary.review.measures
    facts = [gains(told.gains), *(f"agreement: {said}" for said in agreements(told))] if told else []
    return {
        "headline": headline(summary.review),
        "facts": facts + ([f"people disagree: {said}" for said in conflicts(told)] if told else []),
        "rules": rule_rows(told) if told else [],
        "advice": advice(told, summary.recipe.review.precision) if told else [],
    }


def _benchmarks(summary: Summary) -> list[dict[str, object]]:
    """One row a benchmark, with the records of the recipe that each of its items cost."""
    dropped = (
        summary.fates.filter(pl.col("fate") == "contaminated")
        .with_columns(benchmark=pl.col("reason").str.extract(r" of (.*)$"))
        .group_by("benchmark")
        .agg(dropped=pl.col("records").sum())
    )
    rows = summary.benchmarks.statuses.join(dropped, on="benchmark", how="left", maintain_order="left")
    return [row | {"where": where(row)} for row in rows.with_columns(pl.col("dropped").fill_null(0)).to_dicts()]


def _title(summary: Summary) -> str:
    if summary.published is None:
        return "Nothing is published"
    return f"Recipe {summary.published.recipe} keeps {summary.kept:,} of {summary.records:,} records"


def _figures(summary: Summary) -> list[dict[str, str]]:
    total = summary.sources.select(pl.col(pl.Int64).sum()).row(0, named=True)
    words = dict(summary.sources["word"].value_counts().iter_rows())
    off = [f"{words[word]} {word.lower()}" for word in ("FAILED", "STALE", "ABSENT") if words.get(word)]
    found = [
        _figure("Sources", len(summary.sources) - words.get("ABSENT", 0), ", ".join(off) or "all there"),
        _figure("Upstream rows", total["rows"], f"{total['rejected']:,} rejected"),
        _figure("Records", total["records"], f"of {sum(1 for f in FAMILIES if total[f])} families"),
    ]
    if summary.published is not None:
        dropped = summary.records - summary.kept
        found.append(_figure("Kept", summary.kept, share(summary.kept, summary.records)))
        found.append(_figure("Dropped", dropped, share(dropped, summary.records)))
    if summary.defects is not None:
        unknown = summary.defects.planted - summary.defects.looked_for
        note = f"{unknown} more unknown" if unknown else "all looked for"
        found.append(
            {
                "name": "Defects caught",
                "value": f"{summary.defects.caught} / {summary.defects.looked_for}",
                "note": note,
            }
        )
    return found


def _figure(name: str, value: int, note: str) -> dict[str, str]:
    return {"name": name, "value": f"{value:,}", "note": note}


def _bar(stage: Stage, all_stages: list[Stage]) -> dict[str, Any]:
    """A row of the funnel: what stays, and what leaves where it is cut off."""
    whole = stage.whole
    stays = stage.before - stage.count if stage.leaves else stage.count
    parts = [_part(stays, whole, "c-kept" if stage.name == "kept" else "remains", f"{stays:,}")]
    if stage.leaves:
        parts.append(_part(stage.count, whole, colour(stage.name), f"{stage.name}: {stage.count:,}"))
    last_of_unit = [s for s in all_stages if s.unit == stage.unit][-1]
    return {
        "stage": stage,
        "parts": parts,
        "share": share(stage.count, whole) if stage.count != whole else "",
        "gap": stage is last_of_unit and stage.unit == "rows",
    }


def _part(count: int, whole: int, class_: str, title: str) -> dict[str, Any]:
    return {"percent": 100 * count / whole if whole else 0, "colour": class_, "title": title, "gone": count > 0}


def _colours(summary: Summary) -> dict[str, str]:
    """The class of each of the commonest reasons; what is not among them is `other`."""
    totals = labelled(summary.fates).group_by("fate", "label").agg(pl.col("records").sum())
    commonest = totals.sort("records", "label", descending=[True, False])
    found: dict[str, str] = {}
    rules = 0
    for fate, label in commonest.select("fate", "label").iter_rows():
        if fate != "rule":
            found[label] = colour(fate)
        elif rules < _RULE_COLOURS:
            rules += 1
            found[label] = f"c-rule-{rules}"
    return dict(list(found.items())[:_REASONS])


def _reasons(summary: Summary, colours: Mapping[str, str]) -> dict[str, Any]:
    """Each source's drops as a bar of its reasons, and their legend."""
    dropped = labelled(summary.fates)
    rows = []
    for source, records in summary.sources.select("source", "records").iter_rows():
        mine = dropped.filter(pl.col("source") == source)
        gone = int(mine["records"].sum())
        shown = [(label, count) for label, count in mine.select("label", "records").iter_rows() if label in colours]
        rest = gone - sum(count for _, count in shown)
        parts = [_part(count, gone, colours[label], f"{label}: {count:,}") for label, count in shown]
        parts += [_part(rest, gone, "c-other", f"other: {rest:,}")] if rest else []
        rows.append({"source": source, "parts": parts, "records": gone, "share": share(gone, records)})
    totals = dict(dropped.group_by("label").agg(pl.col("records").sum()).iter_rows())
    legend = [(label, name, totals[label]) for label, name in colours.items()]
    other = sum(totals.values()) - sum(count for _, _, count in legend)
    return {
        "reasons": rows if totals else [],
        "legend": legend + ([("other", "c-other", other)] if other else []),
    }


def _losses(found: Comparison) -> dict[str, Any]:
    parts = [(name, d) for name, d in (("whole test set", found.all), ("part that is kept", found.kept)) if d]
    reach = 1.15 * max((abs(v) for _, d in parts for v in (d.low, d.high, SEEDS)), default=1)
    return {"found": found, "rows": [(name, d, Markup(interval(d, reach))) for name, d in parts]}


def _sides(summary: Summary) -> list[dict[str, Any]]:
    rows = []
    for row in summary.kept_sides.to_dicts():
        counts = {side: row[side] for side in SIDES}
        whole = sum(counts.values())
        parts = [_part(count, whole, colour(side), f"{side}: {count:,}") for side, count in counts.items() if count]
        rows.append({"family": row["family"], "records": whole, "parts": parts, "counts": counts})
    return rows


def _licences(summary: Summary) -> list[dict[str, Any]]:
    """The licence that permits least: of all exports, then of each file."""
    if summary.licences is None:
        return []
    every = [{"family": "all", "side": ""} | one for one in most_restrictive(summary.licences)]
    models = binding_models(summary.licences["source"].unique().sort().to_list())
    found = every + most_restrictive(summary.licences, "family", "side")
    return [one | {"models": [f"{s}: {', '.join(models[s])}" for s in one["sources"] if s in models]} for one in found]


def _exports(summary: Summary) -> list[dict[str, Any]]:
    if summary.published is None:
        return []
    folder = summary.workspace.exports / summary.published.recipe
    return [
        {"side": side, "records": int(summary.kept_sides[side].sum()), "path": folder / "*" / f"{side}.parquet"}
        for side in SIDES
    ]


def _shown(text: str) -> str:
    return text.translate(_UNPRINTABLE)
