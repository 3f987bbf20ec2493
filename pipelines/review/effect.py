"""What verdicts do to the rows of a recipe.

`drop` is a fate. `keep` clears the hits that those who said so were shown, and no others: a rule or an item that came
later still drops the record. A correction is a record of its own (see `pipelines.review.corrections`).
"""

from dataclasses import dataclass

import polars as pl

from pipelines.recipe import Recipe
from pipelines.review import shown
from pipelines.review.verdicts import SCHEMA, resolved
from pipelines.states import Pass


@dataclass(frozen=True)
class Effect:
    """What the verdicts that a ledger reads decide; contents are those of one family each, since a content hash says
    which.

    `drops`: `content_hash`, `drop_reason` (a kind of defect, or null). `keeps`: `content_hash`. Hits that people
    cleared: `rules` (`content_hash`, `rule`), `items` (`content_hash`, `benchmark`, `item`), `apart` (`content_hash`,
    `other`: no near-duplicates of each other).
    """

    drops: pl.DataFrame
    keeps: pl.DataFrame
    rules: pl.DataFrame
    items: pl.DataFrame
    apart: pl.DataFrame


def effect(verdicts: pl.DataFrame) -> Effect:
    """What the answers in the table `verdicts` decide."""
    said = resolved(verdicts)
    dropped, kept = said.filter(pl.col("says") == "drop"), said.filter(pl.col("says") == "keep")
    hits = kept.select("content_hash", hit="shown").explode("hit", empty_as_null=False, keep_nulls=False)
    return Effect(
        drops=dropped.select("content_hash", drop_reason="reason"),
        keeps=kept.select("content_hash"),
        rules=shown.rules(hits),
        items=shown.items(hits),
        apart=shown.others(hits),
    )


NOTHING = effect(pl.DataFrame(schema=SCHEMA))
"""Where nobody has said anything yet, or the recipe does not listen."""


def read_by(published: Pass, recipe: Recipe) -> Effect:
    """What the verdicts decided that a pass read."""
    return effect(verdicts_of(published)) if recipe.review.verdicts else NOTHING


def verdicts_of(published: Pass, only: pl.Expr | None = None) -> pl.DataFrame:
    """The table `verdicts` as a pass read it (those of its rows that `only` is true for)."""
    version = published.versions.get("verdicts")
    held = published.lake.scan("verdicts", version, absent=version is None)
    return (held if only is None else held.filter(only)).collect()
