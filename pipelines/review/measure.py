"""What review has brought: how far people agree, how good the rules are, and what an hour of it is worth."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.recipe import Recipe
from pipelines.review import precision
from pipelines.review.agreement import agreement
from pipelines.review.thresholds import suggestions
from pipelines.review.verdicts import conflicting, resolved, submitted
from pipelines.states import Pass
from schemas.vocabulary import ARGILLA

PAUSE: Final = 600.0
"""Seconds between two answers of a person after which the second was not worked on all the time."""


@dataclass(frozen=True)
class Yield:
    """`gained`: records that are kept since people said so, or wrote them; `removed`: records that people turned down
    or replaced; `hours`: of review, as far as it was timed, and `timed`: answers that were."""

    gained: int
    removed: int
    hours: float
    timed: int

    @property
    def per_hour(self) -> float | None:
        """Records gained or removed in an hour; None where no answer was timed."""
        return (self.gained + self.removed) / self.hours if self.hours else None


@dataclass(frozen=True)
class Measures:
    """`decided`: records by what was said of them, `undecided` among them; `conflicts`: records that people disagree
    about, as of `verdicts.conflicting`. The frames are those of `agreement`, `precision.rules`, `precision.below` and
    `thresholds.suggestions`."""

    answers: int
    people: int
    decided: dict[str, int]
    conflicts: pl.DataFrame
    agreement: pl.DataFrame
    rules: pl.DataFrame
    below: pl.DataFrame
    suggestions: pl.DataFrame
    gains: Yield


def measure(published: Pass, recipe: Recipe, verdicts: pl.DataFrame) -> Measures:
    """Measure the review of a recipe: from all answers to its queues, and its pass."""
    mine = verdicts.filter(pl.col("recipe") == published.recipe)
    judged = precision.labels(verdicts, published.recipe)
    rules = precision.rules(judged, precision.strata(published, recipe, judged))
    said, counted = resolved(mine), submitted(mine)
    return Measures(
        answers=counted.height,
        people=counted["user"].n_unique(),
        decided=dict(said.group_by("says").agg(pl.len().cast(pl.Int64)).sort("says").iter_rows()),
        conflicts=conflicting(mine),
        agreement=agreement(mine),
        rules=rules,
        below=precision.below(rules, recipe),
        suggestions=suggestions(published.state, recipe, judged),
        gains=_gains(published, judged, counted),
    )


def _gains(published: Pass, judged: pl.DataFrame, counted: pl.DataFrame) -> Yield:
    ledger = published.ledger()
    kept = pl.col("fate") == "kept"
    saved = judged.filter((pl.col("says") == "keep") & (pl.col("fate") != "kept")).select("content_hash")
    gained = ledger.filter(kept & (pl.col("source") != ARGILLA)).join(saved.lazy(), on="content_hash", how="semi")
    written = ledger.filter(kept & (pl.col("source") == ARGILLA))
    removed = ledger.filter(pl.col("fate").is_in(["verdict", "replaced"]))
    counts = [int(frame.select(pl.len()).collect().item()) for frame in (gained, written, removed)]
    timed = _timed(counted)
    return Yield(counts[0] + counts[1], counts[2], float(timed.sum()) / 3600, len(timed))


def _timed(counted: pl.DataFrame) -> pl.Series:
    """Seconds that answers took: as they say themselves, else since the same person's answer before, where that is not
    longer ago than a PAUSE. Answers that came at one moment came from a file, which says nothing of their time."""
    gap = (pl.col("at") - pl.col("at").shift(1).over("user", order_by="at")).dt.total_microseconds() / 1e6
    took = counted.with_columns(gap=gap).select(
        seconds=pl.coalesce("seconds", pl.when(pl.col("gap").is_between(0, PAUSE, closed="right")).then("gap"))
    )
    return took["seconds"].drop_nulls()
