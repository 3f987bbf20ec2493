"""Fates that need no other record: what decides each, in the order in which the first that applies is the fate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.decontaminate.dropping import decisive
from pipelines.dedup.golds import arguments_key, gold_key
from pipelines.quality.rules import hits
from pipelines.recipe import Recipe
from pipelines.states import State
from pipelines.tombstones import tombstones
from schemas.families import Family


@dataclass(frozen=True)
class Ground:
    """One ground on which a record is dropped, as expressions over `evidence`. `reason`, `value`, `threshold` and
    `item` are those of the ledger; `applies` is never null."""

    fate: str
    applies: pl.Expr
    reason: pl.Expr | None = None
    value: pl.Expr | None = None
    threshold: pl.Expr | None = None
    item: pl.Expr | None = None

    def said(self) -> pl.Expr:
        """A struct of `fate`, `reason`, `value`, `threshold` and `item`."""
        return _said(self.fate, self.reason, self.value, self.threshold, self.item)


def grounds(recipe: Recipe, known_sources: Collection[str]) -> tuple[Ground, ...]:
    """The grounds of a recipe that need no other record, in order of precedence."""
    row = pl.col("first") + pl.col("row")
    excluded = pl.col("license").is_in(recipe.licence.exclude).fill_null(recipe.licence.unknown == "drop")
    return (
        Ground("forgotten", pl.col("forgotten")),
        Ground("source removed", ~pl.col("source").is_in(list(known_sources))),
        Ground("not in recipe", ~pl.col("source").is_in(list(recipe.sources)), pl.lit("source")),
        Ground(
            "not in recipe", (row >= pl.col("limit")).fill_null(value=False), pl.lit("row limit"), row, pl.col("limit")
        ),
        Ground("licence", excluded, pl.col("license").fill_null("none stated")),
        Ground("split bridge", pl.col("bridge").fill_null(value=False)),
        Ground("rule", pl.col("rule").is_not_null(), pl.col("rule"), pl.col("value"), pl.col("threshold")),
        Ground(
            "contaminated",
            pl.col("leak").is_not_null(),
            pl.col("leak"),
            pl.col("leak_value"),
            pl.col("leak_threshold"),
            pl.col("leak_item"),
        ),
    )


def first_of(found: Sequence[Ground]) -> pl.Expr:
    """What the first ground that applies says, a struct as of `Ground.said`; its fields are null where none does."""
    return pl.coalesce(
        *(pl.when(ground.applies).then(ground.said()) for ground in found), _said(None, None, None, None, None)
    )


def _said(
    fate: str | None,
    reason: pl.Expr | None,
    value: pl.Expr | None,
    threshold: pl.Expr | None,
    item: pl.Expr | None,
) -> pl.Expr:
    def typed(expression: pl.Expr | None, dtype: type[pl.DataType]) -> pl.Expr:
        return (pl.lit(None) if expression is None else expression).cast(dtype)

    return pl.struct(
        fate=pl.lit(fate, dtype=pl.String),
        reason=typed(reason, pl.String),
        value=typed(value, pl.Float64),
        threshold=typed(threshold, pl.Float64),
        item=typed(item, pl.String),
    )


def evidence(state: State, recipe: Recipe, family: Family, only: pl.Expr | None = None) -> pl.DataFrame:
    """What the grounds read of each record of a family (of those that `only`, over `id`, is true for).

    Columns `id`, `source`, `group`, `license`, `content_hash`, `match_hash`, `file`, `row`, `split`, `gold`, `args`;
    `forgotten` (whether a tombstone names its content); `first` (upstream rows of the source before the record's
    file), `limit` (of the source in the recipe), `side`, `bridge`, `outcome` (of its verification); `rule`, `value`
    and `threshold` of the first dropping rule that it hits, and `marks`, the rules that mark; `leak`, `leak_value`,
    `leak_threshold` and `leak_item` of the benchmark item that it repeats.
    """
    chosen = pl.lit(value=True) if only is None else only
    hit = hits(state.signals(family.name).filter(chosen), recipe.rules, family).collect()
    dropping = (
        hit.filter(pl.col("action") == "drop").sort("id", "order").unique("id", keep="first", maintain_order=True)
    )
    marking = hit.filter(pl.col("action") == "mark").sort("id", "order").group_by("id").agg(marks=pl.col("rule"))
    return (
        state.scan(f"records_{family.name}")
        .filter(chosen)
        .select(
            "id",
            "source",
            "group",
            "license",
            "content_hash",
            "match_hash",
            file=pl.col("origin").struct.field("file"),
            row=pl.col("origin").struct.field("row"),
            split=pl.col("origin").struct.field("split"),
            gold=gold_key(family),
            args=arguments_key(family),
        )
        .join(tombstones(state.lake).with_columns(forgotten=pl.lit(value=True)), on="content_hash", how="left")
        .with_columns(pl.col("forgotten").fill_null(value=False))
        .join(_first_rows(state), on=["source", "file"], how="left")
        .join(_limits(recipe).lazy(), on="source", how="left")
        .join(state.scan("verification").select("id", "outcome"), on="id", how="left")
        .join(state.scan("placements").select("content_hash", "side", "bridge"), on="content_hash", how="left")
        .join(decisive(state.scan("contamination"), recipe.contamination), on="content_hash", how="left")
        .collect()
        .join(dropping.select("id", "rule", "value", "threshold"), on="id", how="left")
        .join(marking, on="id", how="left")
        .with_columns(pl.col("marks").fill_null([]))
    )


def _first_rows(state: State) -> pl.LazyFrame:
    """For each file, how many of the source's upstream rows stand before it."""
    before = pl.col("rows").cum_sum().shift(1, fill_value=0).over("source", order_by="position")
    return state.scan("files").sort("source", "position").select("source", "file", first=before)


def _limits(recipe: Recipe) -> pl.DataFrame:
    limits = [(source, recipe.limit(source)) for source in recipe.sources]
    return pl.DataFrame(limits, schema={"source": pl.String, "limit": pl.Int64}, orient="row")
