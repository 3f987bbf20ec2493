"""Everything that speaks against a record in one recipe, whatever its fate: each stage's hits."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from pipelines.decontaminate.dropping import dropping
from pipelines.dedup.golds import arguments_key, gold_key
from pipelines.fates import evidence, grounds
from pipelines.quality.rules import hits
from pipelines.recipe import Recipe
from pipelines.review.effect import read_by
from pipelines.review.lineage import signals
from pipelines.sources.source import Source
from pipelines.states import Pass
from pipelines.story.words import leak, rule_hit, sentence
from schemas.families import FAMILIES, Family
from schemas.vocabulary import CONTAMINATION

_NAMED: Final = 3
"""Records of each kind that are named."""

NEAR: Final = "near-duplicate"
"""The kind of a pair that a threshold may drop; the others are conflicts, which keep both."""

_SPAN: Final = ("tokens", "coverage", "part", "turn", "start", "end", "text", "item_text")

_own = pl.col("id")


def signals_of(published: Pass, recipe: Recipe, fate: Mapping[str, Any]) -> dict[str, float | None]:
    """The signals of a record that a rule of the recipe reads, in the order of the rules. `fate`: its ledger row."""
    family = FAMILIES[str(fate["family"])]
    rows = published.state.signals(family.name).filter(_own == fate["id"]).collect()
    applying = (rule for rule in recipe.rules if rule.applies_to(str(fate["source"])))
    columns = dict.fromkeys(column for rule in applying for column in rule.columns(family))
    read = [column for column in columns if column in rows.columns]
    return rows.select(pl.col(read).cast(pl.Float64)).row(0, named=True) if rows.height and read else {}


def hits_of(published: Pass, recipe: Recipe, known_sources: Mapping[str, Source], fate: Mapping[str, Any]) -> list[str]:
    """What speaks against a record beside its fate, a sentence each. `fate`: its row of the ledger.

    By the grounds that need no other record, by each rule (those that only mark too), by items of benchmarks that it
    shares text with (by rules that drop nothing in the recipe too), by records that are equal to it, and by pairs that
    reach the recipe's threshold; then the pairs that no recipe drops since their golds differ.
    """
    family = FAMILIES[str(fate["family"])]
    said = read_by(published, recipe)
    found = evidence(published.state, recipe, family, known_sources, only=_own == fate["id"], said=said)
    return [
        *_grounds(found, recipe, known_sources, fate),
        *_rules(published, recipe, family, fate),
        *_leaks(published, recipe, fate),
        *_duplicates(published, recipe, family, found, fate),
    ]


def _grounds(
    found: pl.DataFrame, recipe: Recipe, known_sources: Mapping[str, Source], fate: Mapping[str, Any]
) -> list[str]:
    said = [
        found.filter(ground.applies).select("id", said=ground.said()).unnest("said").row(0, named=True)
        for ground in grounds(recipe, known_sources)
        if ground.fate != "rule" and found.select(ground.applies).item()
    ]
    own = (fate["fate"], fate["reason"])
    return [sentence(one) for one in said if (one["fate"], one["reason"]) != own]


def _rules(published: Pass, recipe: Recipe, family: Family, fate: Mapping[str, Any]) -> list[str]:
    measured = signals(published.state, family, _own == fate["id"])
    rows = hits(measured, recipe.rules, family).sort("order").collect()
    return [
        rule_hit(row["rule"], row["value"], row["threshold"]) + (" (it only marks)" if row["action"] == "mark" else "")
        for row in rows.to_dicts()
        if (fate["fate"], fate["reason"]) != ("rule", row["rule"])
    ]


def _leaks(published: Pass, recipe: Recipe, fate: Mapping[str, Any]) -> list[str]:
    hits = published.state.scan("contamination").filter(pl.col("content_hash") == fate["content_hash"])
    drops = dropping(hits, recipe.contamination).select("benchmark", "item", "rule", drops=pl.lit(value=True))
    told = hits.join(drops, on=["benchmark", "item", "rule"], how="left").with_columns(
        pl.col("drops").fill_null(value=False)
    )
    order = pl.col("rule").replace_strict({rule: n for n, rule in enumerate(CONTAMINATION)}, return_dtype=pl.Int64)
    by_item = (
        told.sort(order)
        .group_by("benchmark", "item")
        .agg(pl.col("rule"), pl.col("drops").any(), *(pl.col(name).last() for name in _SPAN))
        .sort("drops", "coverage", "benchmark", "item", descending=[True, True, False, False])
        .collect()
    )
    shown = [leak(row) for row in by_item.head(_NAMED).to_dicts()]
    more = by_item.height - len(shown)
    return shown + ([f"shares text with {more:,} more items of benchmarks"] if more else [])


def _duplicates(
    published: Pass, recipe: Recipe, family: Family, found: pl.DataFrame, fate: Mapping[str, Any]
) -> list[str]:
    equal = _equal(published, family, found)
    survivor = _own == (fate["survivor"] or "")
    pairs = _pairs(published, family, pl.concat([found["content_hash"], equal["content_hash"]]))
    near = pairs.filter((pl.col("kind") == NEAR) & (pl.col("similarity") >= (recipe.duplicates.near or 2)))
    conflicts = pairs.filter(pl.col("kind") != NEAR)
    told = [("equal to", equal)] if recipe.duplicates.exact else []
    told.append(("near-equal to", _located(published, family, near)))
    told += [
        (f"{kind}, so neither goes:", _located(published, family, conflicts.filter(pl.col("kind") == kind)))
        for kind in conflicts["kind"].unique().sort()
    ]
    others = [(said, rows.filter(~survivor)) for said, rows in told]
    return [f"{said} {_named(published, rows)}" for said, rows in others if rows.height]


def _equal(published: Pass, family: Family, found: pl.DataFrame) -> pl.DataFrame:
    """Other records with the record's text whose golds and arguments do not differ from its own."""

    def agrees(name: str) -> pl.Expr:
        mine = pl.lit(found[name][0], dtype=pl.String)
        return (pl.col(name) == mine).fill_null(value=True)

    return (
        published.state.scan(f"records_{family.name}")
        .filter((pl.col("match_hash") == found["match_hash"][0]) & (_own != found["id"][0]))
        .select("id", "content_hash", gold=gold_key(family), args=arguments_key(family))
        .filter(agrees("gold") & agrees("args"))
        .select("id", "content_hash", similarity=pl.lit(1.0))
        .sort("id")
        .collect()
    )


def _pairs(published: Pass, family: Family, hashes: pl.Series) -> pl.DataFrame:
    """Pairs of any of the hashes with another: `content_hash` (the other), `similarity`, `kind`, the nearest first."""
    mine = hashes.implode()
    left, right = pl.col("left").is_in(mine), pl.col("right").is_in(mine)
    return (
        published.state.scan(f"pairs_{family.name}")
        .filter(left != right)
        .select("similarity", "kind", content_hash=pl.when(left).then("right").otherwise("left"))
        .sort("similarity", "content_hash", descending=[True, False])
        .collect()
    )


def _located(published: Pass, family: Family, others: pl.DataFrame) -> pl.DataFrame:
    """`others` with the `id` of each record that has the content."""
    records = published.state.scan(f"records_{family.name}").select("id", "content_hash")
    known = records.filter(pl.col("content_hash").is_in(others["content_hash"].implode())).collect()
    return others.join(known, on="content_hash", how="inner").sort("similarity", "id", descending=[True, False])


def _named(published: Pass, others: pl.DataFrame) -> str:
    """`ID (0.83, kept), ID (0.71, rule) and 3 more`: other records with their fates."""
    shown = others.head(_NAMED)
    fates = published.ledger().filter(_own.is_in(shown["id"].implode())).select("id", "fate").collect()
    rows = shown.join(fates, on="id", how="left", maintain_order="left").select("id", "similarity", "fate").rows()
    more = f" and {others.height - shown.height:,} more" if others.height > shown.height else ""
    return ", ".join(f"{id_} ({_similarity(similarity)}{fate})" for id_, similarity, fate in rows) + more


def _similarity(similarity: float) -> str:
    return "" if similarity == 1 else f"{similarity:.3f}, "
