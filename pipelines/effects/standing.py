"""Where the records of a pass stand with regard to rules: which reach them, and which have a living twin."""

from typing import Final

import polars as pl

from pipelines.decontaminate.dropping import dropping
from pipelines.dedup.golds import EQUAL, arguments_key, gold_key, node
from pipelines.dedup.pairs import NEAR
from pipelines.quality.rules import Rule, hits
from pipelines.recipe import Recipe
from pipelines.states import Pass
from schemas.families import Family
from schemas.vocabulary import FATES

DUPLICATES: Final = ("exact duplicate", "near-duplicate")

_BEFORE_RULES: Final = FATES[: FATES.index("rule")]


def reaching(published: Pass, family: Family) -> pl.LazyFrame:
    """The ledger's rows of a family that no fate before `rule` took: those that a rule can cost or give back."""
    return published.ledger().filter((pl.col("family") == family.name) & ~pl.col("fate").is_in(_BEFORE_RULES))


def leaked(published: Pass, recipe: Recipe) -> pl.LazyFrame:
    """Content that repeats a benchmark by what the recipe drops by: `content_hash`, each once."""
    return dropping(published.state.scan("contamination"), recipe.contamination).select("content_hash").unique()


def dependents(published: Pass, family: Family) -> pl.LazyFrame:
    """How many records each survivor stands for: `id` of the survivor, `stands_for`."""
    duplicates = published.ledger().filter((pl.col("family") == family.name) & pl.col("survivor").is_not_null())
    return duplicates.group_by(id="survivor").agg(stands_for=pl.len().cast(pl.Int64))


def hits_of_dropping(published: Pass, rules: list[Rule], family: Family, only: pl.LazyFrame) -> pl.LazyFrame:
    """The hits (as of `rules.hits`) of those of the rules that drop, on the records of `only` (`id`)."""
    dropping_rules = [rule for rule in rules if rule.action == "drop"]
    return hits(published.state.signals(family.name).join(only, on="id", how="semi"), dropping_rules, family)


def twins(published: Pass, recipe: Recipe, family: Family, ids: pl.Series) -> pl.Series:
    """Those of `ids`, records that a rule took, that would meet a kept record equal or near enough to be a duplicate.

    Which of the two would stay is for a ledger to say.
    """
    if ids.is_empty():
        return ids
    rows = (
        published.state.scan(f"records_{family.name}")
        .select("id", "match_hash", "content_hash", gold=gold_key(family), args=arguments_key(family))
        .with_columns(node=node())
        .join(published.ledger().select("id", kept=pl.col("fate") == "kept"), on="id", how="left")
        .collect()
    )
    mine = rows.filter(pl.col("id").is_in(ids.implode()))
    kept = rows.filter(pl.col("kept"))
    found = [mine.clear().select("id")]
    if recipe.duplicates.exact:
        found.append(mine.join(kept, on=EQUAL, how="semi", nulls_equal=True).select("id"))
    if recipe.duplicates.near is not None:
        pairs = published.state.scan(f"pairs_{family.name}").filter(
            (pl.col("kind") == NEAR) & (pl.col("similarity") >= recipe.duplicates.near)
        )
        ends = pl.concat([pairs.select(node="left", other="right"), pairs.select(node="right", other="left")]).collect()
        alive = ends.join(kept, left_on="other", right_on="node", how="semi")
        found.append(mine.join(alive, on="node", how="semi").select("id"))
    return pl.concat(found)["id"].unique().sort()
