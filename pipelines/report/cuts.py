"""What each rule of a recipe cuts off: the spread of the signal that it reads, with the threshold drawn in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe
from pipelines.report.distributions import Spread, signal_spreads
from pipelines.report.figures import short
from pipelines.report.pictures import Threshold
from pipelines.states import Pass
from schemas.families import FAMILIES

_SIDES: Final[dict[str, Literal["above", "below", "at"]]] = {
    ">": "above",
    ">=": "above",
    "<": "below",
    "<=": "below",
    "==": "at",
}


@dataclass(frozen=True)
class Cut:
    """One signal of a family, and the rules that read it. `hits`: records that these rules drop or mark.

    A record that several rules hit is counted for the one that its ledger names, and for those that only mark.
    """

    spread: Spread
    thresholds: tuple[Threshold, ...]
    notes: tuple[str, ...]
    hits: int


def cuts(published: Pass, recipe: Recipe) -> list[Cut]:
    """A cut for every signal that a rule of the recipe reads, in each family; those with most hits come first.

    Scores from outside have one whether a rule reads them or not.
    """
    counts = _hits(published)
    found = []
    for family in FAMILIES.values():
        reading: dict[str, list[Rule]] = {}
        for rule in recipe.rules:
            for column in rule.columns(family):
                reading.setdefault(column, []).append(rule)
        for score in published.state.scores():
            reading.setdefault(score, [])
        wanted = {column: [rule.threshold for rule in rules] for column, rules in reading.items()}
        for column, spread in signal_spreads(published, family.name, wanted):
            found.append(_cut(spread, reading[column], counts))
    return sorted(found, key=lambda cut: -cut.hits)


def _cut(spread: Spread, rules: Sequence[Rule], counts: Mapping[tuple[str, str], int]) -> Cut:
    hits = {rule.name: counts.get((spread.family, rule.name), 0) for rule in rules}
    return Cut(
        spread=spread,
        thresholds=tuple(
            Threshold(
                _edge(rule, whole=spread.whole),
                _SIDES[rule.comparison],
                f"{rule.comparison} {short(rule.threshold)}",
            )
            for rule in rules
        ),
        notes=tuple(f"{rule.name} {_does(rule)} {hits[rule.name]:,}{_where(rule)}" for rule in rules),
        hits=sum(hits.values()),
    )


def _edge(rule: Rule, *, whole: bool) -> float:
    """Where the values that hit begin or end: of whole numbers, those above 3 begin at 4."""
    return rule.threshold + 1 if whole and rule.comparison in (">", "<=") else rule.threshold


def _does(rule: Rule) -> str:
    return "drops" if rule.action == "drop" else "marks"


def _where(rule: Rule) -> str:
    if rule.sources is not None:
        return f", in {', '.join(rule.sources)} only"
    return f", not in {', '.join(rule.except_sources)}" if rule.except_sources else ""


def _hits(published: Pass) -> dict[tuple[str, str], int]:
    """Records by family and rule: dropped by it, or marked."""
    ledger = published.ledger()
    dropped = ledger.filter(pl.col("fate") == "rule").group_by("family", rule="reason").len()
    marked = ledger.select("family", rule="marks").explode("rule").drop_nulls("rule").group_by("family", "rule").len()
    both = pl.concat([dropped, marked]).group_by("family", "rule").agg(pl.col("len").sum()).collect()
    return {(family, rule): count for family, rule, count in both.iter_rows()}
