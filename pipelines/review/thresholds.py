"""Where labels would put a rule's threshold: only where they speak against the place that it has."""

from typing import Final

import polars as pl

from pipelines.quality.rules import Rule, extreme, holds
from pipelines.recipe import Recipe
from pipelines.review.precision import wilson
from pipelines.states import State
from schemas.families import FAMILIES

ENOUGH: Final = 10
"""Labels between a threshold and the one that is suggested in its place."""

SCHEMA: Final = {
    "rule": pl.String,
    "threshold": pl.Float64,
    "suggested": pl.Float64,
    "labels": pl.Int64,
    "agreeing": pl.Int64,
}


def suggestions(state: State, recipe: Recipe, judged: pl.DataFrame) -> pl.DataFrame:
    """For each rule that labels would move: `rule`, `threshold`, `suggested`, `labels` (records between the two) and
    `agreeing` (those of them that the move gets right).

    `judged`: `content_hash`, `family`, `junk`. Records near a threshold are asked about by their value alone, so those
    between two thresholds are judged without bias. A threshold moves to where most labels between are got right, if
    there are ENOUGH and Wilson's 95 % interval of the share that agrees lies above a half.
    """
    rows = [_suggestion(state, rule, judged) for rule in recipe.rules if rule.comparison != "=="]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *rows])


def _suggestion(state: State, rule: Rule, judged: pl.DataFrame) -> pl.DataFrame:
    seen = pl.concat([_values(state, rule, judged, name) for name in FAMILIES])
    inside = holds(pl.col("value"), rule.comparison, rule.threshold)
    counted = (
        seen.with_columns(hit=inside, away=(pl.col("value") - rule.threshold).abs())
        .group_by("hit", "away", "value")
        .agg(labels=pl.len().cast(pl.Int64), agreeing=(pl.col("junk") != pl.col("hit")).sum().cast(pl.Int64))
        .sort("hit", "away")
        # The next value beyond stays where it is, and the threshold comes to stand half-way to it.
        .with_columns(
            pl.col("labels", "agreeing").cum_sum().over("hit"),
            suggested=(pl.col("value") + pl.col("value").shift(-1).over("hit")) / 2,
        )
    )
    low, _ = wilson(pl.col("agreeing") / pl.col("labels"), pl.col("labels").cast(pl.Float64))
    gain = 2 * pl.col("agreeing") - pl.col("labels")
    moved = counted.filter((pl.col("labels") >= ENOUGH) & (low > 0.5) & pl.col("suggested").is_not_null())
    best = moved.sort(gain, "labels", descending=[True, False]).head(1)
    return best.select(
        rule=pl.lit(rule.name),
        threshold=pl.lit(rule.threshold, dtype=pl.Float64),
        suggested="suggested",
        labels="labels",
        agreeing="agreeing",
    )


def _values(state: State, rule: Rule, judged: pl.DataFrame, family: str) -> pl.DataFrame:
    """The values that the rule looks at of the labelled contents of a family: `value`, `junk`."""
    columns, held = rule.columns(FAMILIES[family]), state.scan(f"signals_{family}")
    mine = judged.filter(pl.col("family") == family).select("content_hash", "junk")
    if mine.is_empty() or not columns or not set(columns) <= set(held.collect_schema().names()):
        return pl.DataFrame(schema={"value": pl.Float64, "junk": pl.Boolean})
    value = extreme(rule, [pl.col(column).cast(pl.Float64) for column in columns])
    found = held.filter(rule.looks_at(pl.col("source"))).select("content_hash", value=value).unique("content_hash")
    return found.join(mine.lazy(), on="content_hash").drop_nulls("value").select("value", "junk").collect()
