"""What review has brought, in words and tables: for the terminal, the HTML page, and Dagster's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.review.measure import Measures, Yield, measure
from pipelines.states import Pass


@dataclass(frozen=True)
class Reviewed:
    """`waiting`: records in the recipe's review queue. `measures`: None where nobody has answered anything."""

    waiting: int
    measures: Measures | None


def reviewed(lake: Lake, published: Pass, recipe: Recipe) -> Reviewed:
    """The review of a recipe as its verdicts stand now."""
    mine = pl.col("recipe") == published.recipe
    waiting = lake.scan("review_queue").filter(mine).select(pl.len()).collect().item()
    verdicts = lake.scan("verdicts").filter(mine).collect()
    return Reviewed(int(waiting), measure(published, recipe, verdicts) if verdicts.height else None)


def headline(found: Reviewed) -> str:
    """`20 answers of 2 people: keep 14, drop 5, undecided 1; 130 records wait`."""
    told = found.measures
    wait = f"{found.waiting:,} records wait"
    if told is None:
        return f"no verdicts yet; {wait}"
    decided = ", ".join(f"{says} {records:,}" for says, records in told.decided.items()) or "nothing decided"
    people = "one person" if told.people == 1 else f"{told.people:,} people"
    return f"{told.answers:,} answers of {people}: {decided}; {wait}"


def gains(found: Yield) -> str:
    """`3 records gained, 12 removed, 31.5 in an hour of review`."""
    hour = "" if found.per_hour is None else f", {found.per_hour:.1f} in an hour of review"
    return f"{found.gained:,} records gained, {found.removed:,} removed{hour}"


def agreements(told: Measures) -> list[str]:
    """Krippendorff's alpha of each question that two people or more answered: `decision 0.743 (12 records)`."""
    answered = told.agreement.filter(pl.col("records") > 0).to_dicts()
    return [f"{row['question']} {_two(row['alpha'])} ({row['records']:,} records)" for row in answered]


def conflicts(told: Measures) -> list[str]:
    """Records that people disagree about, by what came of it: `3 decided by most, 1 undecided`."""
    undecided = int((told.conflicts["says"] == "undecided").sum())
    counts = {"decided by most": told.conflicts.height - undecided, "undecided": undecided}
    return [f"{records:,} {word}" for word, records in counts.items() if records]


def rule_rows(told: Measures) -> list[tuple[str, str, str, str]]:
    """A rule a row: its name, judged controls, precision and recall with their 95 % intervals."""
    return [
        (row["rule"], f"{row['judged']:,}", _interval(row, "precision"), _interval(row, "recall"))
        for row in told.rules.to_dicts()
    ]


def advice(told: Measures, floor: float) -> list[str]:
    """What to look at: rules below the recipe's floor, and thresholds that labels would move."""
    low = [f"rule {row['rule']}: precision {row['precision']:.2f} is below {floor:g}" for row in told.below.to_dicts()]
    moved = [
        f"rule {row['rule']}: {row['agreeing']:,} of {row['labels']:,} labels between {row['threshold']:g} and "
        f"{row['suggested']:g} speak for {row['suggested']:g}"
        for row in told.suggestions.to_dicts()
    ]
    return low + moved


def _interval(row: Mapping[str, Any], name: str) -> str:
    if row[name] is None:
        return "not known"
    return f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"


def _two(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
