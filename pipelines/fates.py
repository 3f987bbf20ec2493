"""Fates that need no other record: what decides each, in the order in which the first that applies is the fate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.decontaminate.dropping import decisive
from pipelines.dedup.golds import arguments_key, gold_key
from pipelines.licences import forbidding
from pipelines.quality.rules import hits
from pipelines.recipe import LicencePolicy, Recipe
from pipelines.review.effect import NOTHING, Effect
from pipelines.review.lineage import has_corrections, lineage, signals, with_origin
from pipelines.sources.source import Source
from pipelines.states import State
from pipelines.tombstones import tombstones
from schemas.families import Family
from schemas.vocabulary import ARGILLA


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


def grounds(recipe: Recipe, known_sources: Mapping[str, Source]) -> tuple[Ground, ...]:
    """The grounds of a recipe that need no other record, in order of precedence."""
    row = pl.col("first") + pl.col("of_row")
    licence = _licence(recipe.licence, known_sources)
    return (
        Ground("forgotten", pl.col("forgotten")),
        Ground("source removed", ~pl.col("of_source").is_in(list(known_sources))),
        Ground("not in recipe", ~pl.col("of_source").is_in(list(recipe.sources)), pl.lit("source")),
        Ground("not in recipe", _unheard(recipe), pl.lit("verdicts")),
        Ground(
            "not in recipe", (row >= pl.col("limit")).fill_null(value=False), pl.lit("row limit"), row, pl.col("limit")
        ),
        Ground("licence", licence.is_not_null(), licence),
        Ground("split bridge", pl.col("bridge").fill_null(value=False)),
        Ground("verdict", pl.col("dropped"), pl.col("drop_reason")),
        Ground("replaced", pl.col("correction").is_not_null()),
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


def _licence(policy: LicencePolicy, known_sources: Mapping[str, Source]) -> pl.Expr:
    """Why the policy drops a record: its licence at the revision read, or the terms of a model that wrote it."""

    def judged(stated: pl.Series) -> pl.Series:
        each = stated.unique()  # there are few
        why = pl.Series([policy.against(licence) for licence in each], dtype=pl.String)
        return pl.select(pl.lit(stated).replace_strict(each, why)).to_series()

    said = pl.col("license").map_batches(judged, return_dtype=pl.String, is_elementwise=True)
    bound = made_with(known_sources) if policy.model_terms == "drop" else {}
    if not bound:
        return said
    place = pl.concat_str("of_source", pl.lit(_CONFIG), pl.col("of_config").fill_null(""))
    terms = [
        column.replace_strict(bound, default=None, return_dtype=pl.String) for column in (pl.col("of_source"), place)
    ]
    return pl.coalesce(said, *terms)


_CONFIG: Final = "\x1f"
UNKNOWN_MODELS: Final = "made with models that are not known"


def made_with(known_sources: Mapping[str, Source]) -> dict[str, str]:
    """Why the terms of models bind who trains on a source, by its name; on one of its configs, by both.

    What is not known to be made without such a model may be made with one: unknown is a reason too.
    """
    models: dict[str, tuple[str, ...] | None] = {}
    for name, source in known_sources.items():
        by_config = {read.config: read.made_with for read in source.reads if read.made_with}
        if source.made_with is not None or not by_config:
            models[name] = source.made_with
        models |= {
            f"{name}{_CONFIG}{read.config}": (*(source.made_with or ()), *read.made_with) or source.made_with
            for read in source.reads
            if by_config
        }
    why = {place: _bound(named) for place, named in models.items()}
    return {place: said for place, said in why.items() if said}


def _bound(models: tuple[str, ...] | None) -> str | None:
    if models is None:
        return UNKNOWN_MODELS
    named = forbidding(models)
    return f"made with {', '.join(named)}" if named else None


def shut_out(policy: LicencePolicy, licence: str | None, source: Source) -> str | None:
    """Why a policy drops all records of a source, where it states this licence; None where it takes them."""
    bound = made_with({"": source}).get("") if policy.model_terms == "drop" else None
    return policy.against(licence) or bound


def _unheard(recipe: Recipe) -> pl.Expr:
    """Records that people wrote, in a recipe that takes no verdicts."""
    return pl.lit(value=False) if recipe.review.verdicts else pl.col("source") == ARGILLA


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


def evidence(
    state: State,
    recipe: Recipe,
    family: Family,
    known_sources: Mapping[str, Source],
    *,
    only: pl.Expr | None = None,
    said: Effect = NOTHING,
) -> pl.DataFrame:
    """What the grounds read of each record of a family (of those that `only`, over `id` and `source`, is true for).

    Columns `id`, `source`, `group`, `license`, `content_hash`, `match_hash`, `split`, `gold`, `args`; `of_source`,
    `of_row` and `of_config`, where upstream has it or what it corrects, `forgotten` (whether a tombstone names its
    content), `first` (upstream rows of that source before its file), `limit` (of that source in the recipe), `side`,
    `bridge`, `outcome` (of its verification); `rule`, `value` and `threshold` of the first dropping rule that it hits,
    and `marks`, the rules that mark; `leak`, `leak_value`, `leak_threshold` and `leak_item` of the benchmark item that
    it repeats; `dropped` and `drop_reason` (by people), `confirmed` (they keep it), and `correction`, the id of the
    record that replaces it.

    A correction replaces its parent as soon as no ground speaks against it but that it is corrected itself.
    """
    found = _evidence(state, recipe, family, only, said)
    if not has_corrections(state):
        return found
    written = _evidence(state, recipe, family, pl.col("source") == ARGILLA, said)
    against = [ground.applies for ground in grounds(recipe, known_sources) if ground.fate != "replaced"]
    living = written.filter(~pl.any_horizontal(against)).select("id")
    parents = lineage(state, family).select("parent", correction="id").collect()
    replacing = parents.join(living, left_on="correction", right_on="id", how="semi")
    first = replacing.sort("correction").unique("parent", keep="first")
    return found.drop("correction").join(first, left_on="id", right_on="parent", how="left", maintain_order="left")


def _evidence(state: State, recipe: Recipe, family: Family, only: pl.Expr | None, said: Effect) -> pl.DataFrame:
    """All of it but `correction`, which is null."""
    chosen = pl.lit(value=True) if only is None else only
    records = state.scan(f"records_{family.name}").filter(chosen)
    hit = _uncleared(hits(signals(state, family, chosen), recipe.rules, family).collect(), records, said)
    dropping = (
        hit.filter(pl.col("action") == "drop").sort("id", "order").unique("id", keep="first", maintain_order=True)
    )
    marking = hit.filter(pl.col("action") == "mark").sort("id", "order").group_by("id").agg(marks=pl.col("rule"))
    rows = records.select(
        "id",
        "source",
        "group",
        "license",
        "content_hash",
        "match_hash",
        file=pl.col("origin").struct.field("file"),
        row=pl.col("origin").struct.field("row"),
        config=pl.col("origin").struct.field("config"),
        split=pl.col("origin").struct.field("split"),
        gold=gold_key(family),
        args=arguments_key(family),
    )
    leaks = state.scan("contamination").join(said.items.lazy(), on=["content_hash", "benchmark", "item"], how="anti")
    return (
        with_origin(state, family, rows)
        .drop("file", "row", "config")
        .join(tombstones(state.lake).with_columns(forgotten=pl.lit(value=True)), on="content_hash", how="left")
        .with_columns(pl.col("forgotten").fill_null(value=False))
        .join(_first_rows(state), left_on=["of_source", "of_file"], right_on=["source", "file"], how="left")
        .join(_limits(recipe).lazy(), left_on="of_source", right_on="source", how="left")
        .join(state.scan("verification").select("id", "outcome"), on="id", how="left")
        .join(state.scan("placements").select("content_hash", "side", "bridge"), on="content_hash", how="left")
        .join(decisive(leaks, recipe.contamination), on="content_hash", how="left")
        .join(said.drops.with_columns(dropped=True).lazy(), on="content_hash", how="left")
        .join(said.keeps.with_columns(confirmed=True).lazy(), on="content_hash", how="left")
        .collect()
        .join(dropping.select("id", "rule", "value", "threshold"), on="id", how="left")
        .join(marking, on="id", how="left")
        .with_columns(
            pl.col("marks").fill_null([]),
            pl.col("dropped", "confirmed").fill_null(value=False),
            correction=pl.lit(None, dtype=pl.String),
        )
    )


def _uncleared(hit: pl.DataFrame, records: pl.LazyFrame, said: Effect) -> pl.DataFrame:
    """The hits of rules but those that people cleared."""
    if said.rules.is_empty():
        return hit
    cleared = records.select("id", "content_hash").join(said.rules.lazy(), on="content_hash").collect()
    return hit.join(cleared, on=["id", "rule"], how="anti")


def _first_rows(state: State) -> pl.LazyFrame:
    """For each file, how many of the source's upstream rows stand before it."""
    before = pl.col("rows").cum_sum().shift(1, fill_value=0).over("source", order_by="position")
    return state.scan("files").sort("source", "position").select("source", "file", first=before)


def _limits(recipe: Recipe) -> pl.DataFrame:
    limits = [(source, recipe.limit(source)) for source in recipe.sources]
    return pl.DataFrame(limits, schema={"source": pl.String, "limit": pl.Int64}, orient="row")
