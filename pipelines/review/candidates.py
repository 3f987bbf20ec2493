"""Which records of a pass a verdict would change much, by ground: what the review queue chooses from.

Each function gives `content_hash`, `order` (the lowest is asked first), and where the record is set against another
`other` (its id) and `similarity`. `rows` are the records that may be asked about, one a content: `content_hash`, `id`,
`source`, `fate`, `reason`, `value`, `threshold`, `survivor`, `similarity` and `marks` of the ledger, and `lot`.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipelines.dedup.golds import arguments_key, gold_key, node
from pipelines.dedup.pairs import OTHER_GOLD, SWAP
from pipelines.quality.rules import Rule, extreme, holds
from pipelines.states import State
from schemas.families import Family

SCHEMA: Final = {
    "content_hash": pl.Binary,
    "order": pl.Int64,
    "other": pl.String,
    "similarity": pl.Float64,
}

DISPUTED: Final = 0.5
"""Near-duplicates up to here are disputed, as a share of the way from the threshold to equality."""

NEAR: Final = 0.25
"""Values up to here from a rule's threshold are near it, as a share of the rule's scale."""

CROWD: Final = 0.2
"""Share of a rule's records that may be as near as one on its side: where most have the value next to the threshold,
as where a count is 0 and the rule wants 1, none of them is near it."""

_is_kept = pl.col("fate") == "kept"
_nobody = {"other": pl.lit(None, dtype=pl.String), "similarity": pl.lit(None, dtype=pl.Float64)}


def conflicts(state: State, family: Family, rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Both records of the pairs that no recipe drops though one of the two is wrong: equal text with other golds, and
    pairs with their swap. Only those of which both are kept.

    `known`: kept records, `content_hash` and `id`, those that were decided among them: a record is asked about also
    where its other was decided before.
    """
    kinds = state.scan(f"pairs_{family.name}").filter(pl.col("kind").is_in([OTHER_GOLD, SWAP])).collect()
    if kinds.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    ends = kinds["left"].append(kinds["right"]).unique().implode()
    nodes = (
        state.scan(f"records_{family.name}")
        .select("content_hash", "match_hash", gold=gold_key(family), args=arguments_key(family))
        .select("content_hash", node=node())
        .filter(pl.col("node").is_in(ends))
        .unique()
        .collect()
        .join(known, on="content_hash", how="inner")
        .sort("id")
        .unique("node", keep="first", maintain_order=True)
    )
    both = (
        kinds.select("left", "right", "similarity")
        .join(nodes.select(left="node", one="content_hash", one_id="id"), on="left")
        .join(nodes.select(right="node", two="content_hash", two_id="id"), on="right")
    )
    lots = rows.select("content_hash", "lot")
    each = pl.concat(
        [
            both.select(content_hash=mine, other=f"{other}_id", similarity="similarity", pair=pl.struct("one", "two"))
            for mine, other in (("one", "two"), ("two", "one"))
        ]
    ).join(lots, on="content_hash")
    pair = pl.struct(pl.col("lot").min().over("pair"), "pair").rank("dense").cast(pl.Int64)
    return _ordered(each.with_columns(order=pair))


def disputed(rows: pl.DataFrame, near: float | None) -> pl.DataFrame:
    """Records that go as near-duplicates at a similarity just above the threshold `near`, the least similar first."""
    least = near if near is not None else 1.0
    found = rows.filter((pl.col("fate") == "near-duplicate") & (pl.col("similarity") <= least + DISPUTED * (1 - least)))
    ranked = found.sort("similarity", "lot").with_row_index("order").with_columns(other="survivor")
    return _ordered(ranked)


def contaminated(rows: pl.DataFrame) -> pl.DataFrame:
    """Records that go for a benchmark's item, those first that are the least above what drops them."""
    above = (pl.col("value") - pl.col("threshold")) / pl.col("threshold").abs().clip(1e-9)
    found = rows.filter(pl.col("fate") == "contaminated").sort(above, "lot").with_row_index("order")
    return _ordered(found.with_columns(**_nobody))


def disagreeing(rows: pl.DataFrame, verified: pl.DataFrame) -> pl.DataFrame:
    """Records of which rules and verification say different things: dropped by a rule though the answer is verified;
    kept though two rules or more mark them; kept and marked though the answer is verified. `verified`: `content_hash`.
    """
    right = pl.col("content_hash").is_in(verified["content_hash"].implode())
    marks = pl.col("marks").list.len()
    degree = (
        pl.when((pl.col("fate") == "rule") & right)
        .then(0)
        .when(_is_kept & (marks >= 2))
        .then(1)
        .when(_is_kept & (marks == 1) & right)
        .then(2)
    )
    found = rows.with_columns(degree=degree).filter(pl.col("degree").is_not_null())
    ranked = found.sort("degree", -marks.cast(pl.Int64), "lot").with_row_index("order")
    return _ordered(ranked.with_columns(**_nobody))


def near_thresholds(state: State, family: Family, rules: Sequence[Rule], rows: pl.DataFrame) -> pl.DataFrame:
    """Records whose value is near a rule's threshold, on either side, in turns by rule, the nearest first.

    A side's records are near only where not too many are as near as they: see CROWD. Distance is measured in the rule's
    scale: the width of the middle eight tenths of the values that it looks at, or the threshold itself where these are
    all alike. Rules for one exact value have no nearness.
    """
    open_rows = rows.filter(pl.col("fate").is_in(["kept", "rule"])).select("id", "content_hash", "source", "lot")
    held = state.scan(f"signals_{family.name}")
    stored = set(held.collect_schema().names())
    judged = {
        position: columns
        for position, rule in enumerate(rules)
        if rule.comparison != "==" and (columns := rule.columns(family)) and stored.issuperset(columns)
    }
    if not judged or open_rows.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    values = held.select("id", *(_value(rules[n], columns).alias(str(n)) for n, columns in judged.items()))
    measured = open_rows.lazy().join(values, on="id", how="inner").collect()
    found = [_near(measured, rules[position], str(position)) for position in judged]
    near = pl.concat(found).sort("distance", "rule", "lot").unique("content_hash", keep="first", maintain_order=True)
    turn = pl.int_range(pl.len()).over("rule")
    ranked = near.with_columns(turn=turn).sort("turn", "distance", "rule").with_row_index("order")
    return _ordered(ranked.with_columns(**_nobody))


def _value(rule: Rule, columns: Sequence[str]) -> pl.Expr:
    return extreme(rule, [pl.col(column).cast(pl.Float64) for column in columns]).cast(pl.Float32)


def _near(measured: pl.DataFrame, rule: Rule, column: str) -> pl.DataFrame:
    seen = measured.filter(rule.looks_at(pl.col("source")) & pl.col(column).is_not_null())
    low, high = (seen[column].quantile(share) for share in (0.1, 0.9))
    width = (high - low) if high is not None and low is not None else 0.0
    scale = width or abs(rule.threshold) or 1.0
    value = pl.col(column).cast(pl.Float64)
    hit = holds(value, rule.comparison, rule.threshold)
    placed = seen.select(
        "content_hash", "lot", hit=hit, rule=pl.lit(int(column)), distance=(value - rule.threshold).abs() / scale
    )
    as_near = pl.col("distance").rank("max").over("hit") / pl.len()
    return placed.filter((pl.col("distance") <= NEAR) & (as_near <= CROWD)).drop("hit")


def _ordered(found: pl.DataFrame) -> pl.DataFrame:
    return found.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
