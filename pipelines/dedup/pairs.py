"""Pairs of near-equal records of a family, over a whole lake state and for any recipe.

Records that are equal and have the same gold are one node, which goes by the smallest of their content hashes. Pairs
are stored where buckets are small. The records of larger ones, a template with other names in it perhaps, are
`crowded`: whoever chooses survivors among them verifies them again, in its own order, so that what is stored stays
small and no recipe is bound to the survivors of another.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import polars_hash as plh
from numpy.typing import NDArray

from pipelines.dedup.buckets import buckets
from pipelines.dedup.candidates import Candidates, candidates
from pipelines.dedup.golds import arguments_key, codes, gold_key, group_key, node
from pipelines.dedup.jaccard import similarities
from pipelines.dedup.shingles import WORDS, gather
from pipelines.dedup.signed import Cache, band_keys, sets_of, signed
from pipelines.kernels.kernel import Floats, Int32s, UInt64s
from pipelines.parts import compared, text
from schemas.families import Family

NEAR: Final = "near-duplicate"
OTHER_GOLD: Final = "same text, other gold"
SWAP: Final = "a pair and its swap"

_SCHEMA: Final = {"left": pl.Binary, "right": pl.Binary, "similarity": pl.Float64, "kind": pl.String}
_SALT: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Pairs:
    """What a state holds of a family's duplicates.

    `table`: `left` < `right` (content hashes of nodes), `similarity`, `kind`, sorted. `crowded`: `content_hash` of the
    nodes in buckets of which no pairs are stored. `short`: nodes of fewer than 5 words, which have no near-duplicates.
    """

    table: pl.DataFrame
    crowded: pl.DataFrame
    nodes: int
    short: int


def pairs(records: pl.LazyFrame, family: Family, floor: float, cache: Cache | None = None) -> Pairs:
    """The pairs of a family's records whose similarity reaches the floor, and the conflicts among equal texts.

    Every pair is verified. Those of one group are left out: they are no duplicates of each other.
    """
    nodes = _nodes(records, family)
    signatures = signed(records, compared(family), family.name, cache)
    long = nodes.join(signatures, on="content_hash", how="left", maintain_order="left").filter(pl.col("words") >= WORDS)
    found = buckets(band_keys(long["keys"]), salt(codes(long["args"])))
    golds = codes(long["gold"])
    met = candidates(found, golds, np.zeros_like(golds))
    near = _verified(long, met, records, family, floor)
    table = pl.concat([_conflicts(nodes), _swaps(records, family), near])
    return Pairs(
        table.unique(["left", "right"], keep="first", maintain_order=True).sort("left", "right"),
        long.select("content_hash").filter(pl.Series(met.crowded, dtype=pl.Boolean)),
        nodes.height,
        nodes.height - long.height,
    )


def salt(arguments: Int32s) -> UInt64s:
    """For buckets: records with other arguments never meet, however alike their texts are."""
    return arguments.astype(np.uint64) * _SALT


def _nodes(records: pl.LazyFrame, family: Family) -> pl.DataFrame:
    """One row a node: `content_hash`, `match_hash`, `gold`, `args`, and `group` where all its records have the same."""
    rows = _by_node(records, family, group=group_key())
    group = pl.when(pl.col("group").n_unique() == 1).then(pl.col("group").first())
    keys = ["content_hash", "match_hash", "gold", "args"]
    return rows.group_by(keys).agg(group=group).sort("content_hash").collect()


def _by_node(records: pl.LazyFrame, family: Family, **more: pl.Expr) -> pl.LazyFrame:
    """Every record by the content hash of its node."""
    return records.select(
        "content_hash", "match_hash", gold=gold_key(family), args=arguments_key(family), **more
    ).with_columns(content_hash=node())


def _verified(
    nodes: pl.DataFrame, met: Candidates, records: pl.LazyFrame, family: Family, floor: float
) -> pl.DataFrame:
    involved, (left, right) = _renumbered(met.left, met.right)
    contents, groups = (nodes[name].gather(involved) for name in ("content_hash", "group"))
    sets, places = sets_of(contents, records, compared(family))
    similarity = similarities(sets, places[left], places[right], floor)
    reached = similarity >= floor
    left, right = left[reached], right[reached]
    found = pl.DataFrame(
        {
            "left": contents.gather(left),
            "right": contents.gather(right),
            "similarity": similarity[reached],
            "kind": pl.Series(_kinds(contents, left, right, records, family), dtype=pl.String),
            "same_group": groups.gather(left) == groups.gather(right),
        },
        schema_overrides=_SCHEMA,
    )
    together = pl.col("same_group").fill_null(value=False) & (pl.col("kind") == NEAR)
    return found.filter(~together).select(list(_SCHEMA))


def _renumbered(left: Int32s, right: Int32s) -> tuple[Int32s, tuple[Int32s, Int32s]]:
    """The rows that are in some pair, sorted, and the pairs by their positions among those."""
    involved, numbers = np.unique(np.concatenate([left, right]), return_inverse=True)
    return involved, (numbers[: len(left)].astype(np.int32), numbers[len(left) :].astype(np.int32))


def _kinds(
    contents: pl.Series, left: Int32s, right: Int32s, records: pl.LazyFrame, family: Family
) -> NDArray[np.object_]:
    """NEAR, but SWAP for preferences whose sides each resemble the other's opposite side more than its own.

    A pair and its swap say the same words, so they are among the near-equal pairs.
    """
    kinds = np.full(len(left), NEAR, dtype=np.object_)
    if not _has_sides(family):
        return kinds
    mentioned, (left, right) = _renumbered(left, right)
    of_side = [sets_of(contents.gather(mentioned), records, text(family, side)) for side in ("chosen", "rejected")]
    both, shift = gather(sets for sets, _ in of_side), len(of_side[0][0])
    chosen, rejected = of_side[0][1], of_side[1][1] + np.int32(shift)

    def alike(first: Int32s, second: Int32s) -> Floats:
        return np.maximum(similarities(both, first[left], second[right]), 0.0)

    straight = alike(chosen, chosen) + alike(rejected, rejected)
    crossed = alike(chosen, rejected) + alike(rejected, chosen)
    kinds[crossed > straight] = SWAP
    return kinds


def _swaps(records: pl.LazyFrame, family: Family) -> pl.DataFrame:
    """Equal prompts whose sides are equal and change places, however short they are."""
    if not _has_sides(family):
        return pl.DataFrame(schema=_SCHEMA)
    sides = {side: text(family, side) for side in ("chosen", "rejected")}
    rows = _by_node(records, family, prompt=pl.col("prompt_hash"), **sides).with_columns(
        plh.col(side).chash.blake3() for side in sides
    )
    said = ("prompt", pl.min_horizontal(*sides).alias("one"), pl.max_horizontal(*sides).alias("other"))
    ways = (
        rows.group_by(*said)
        .agg(
            left=pl.col("content_hash").filter(pl.col("chosen") < pl.col("rejected")).min(),
            right=pl.col("content_hash").filter(pl.col("chosen") > pl.col("rejected")).min(),
        )
        .drop_nulls()
        .collect()
    )
    return _conflicting(ways, SWAP)


def _conflicts(nodes: pl.DataFrame) -> pl.DataFrame:
    """Equal texts with other golds or arguments, each with the first of its text that it disagrees with."""
    said = nodes.filter(pl.len().over("match_hash") > 1).sort(pl.col("gold").is_null(), "content_hash")
    first = {name: pl.col(name).first().over("match_hash") for name in ("content_hash", "gold", "args")}
    judged = said.select(
        "content_hash",
        other=first["content_hash"],
        differ=(pl.col("gold") != first["gold"]).fill_null(value=False) | pl.col("args").ne_missing(first["args"]),
    ).filter("differ")
    return _conflicting(judged.select(left="content_hash", right="other"), OTHER_GOLD)


def _conflicting(ends: pl.DataFrame, kind: str) -> pl.DataFrame:
    """`left` and `right` as pairs of the table; they say the same."""
    return ends.select(
        left=pl.min_horizontal("left", "right"),
        right=pl.max_horizontal("left", "right"),
        similarity=pl.lit(1.0),
        kind=pl.lit(kind),
    )


def _has_sides(family: Family) -> bool:
    return {"chosen", "rejected"} <= set(family.parts)
