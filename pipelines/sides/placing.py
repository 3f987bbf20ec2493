"""Where records stand: old ones stay, newcomers follow what they are tied to, new components fill the shares.

Each source and family gets its shares by itself, as far as the ties allow: its new components are put into the order
of a stable hash, and what its sides lack is cut from that order, so that a source of 60 rows has its 3 test rows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import polars_hash as plh

from pipelines.kernels.kernel import Bools, Int8s, Int32s, Int64s, kernel
from pipelines.lake_settings import Shares
from pipelines.sides.graph import Graph, components, graph
from schemas.vocabulary import SIDES

_UNIT: Final = 16**8
_SPREAD: Final = 2_654_435_761
"""Knuth's multiplier: the least hash of many is small, its product need not be."""


@dataclass(frozen=True)
class Placed:
    """`placements`: `content_hash`, `side`, `bridge`, `component`, sorted by content hash. `newcomers`: `content_hash`,
    `side`, `state` of those that got a side in this state, for the history."""

    placements: pl.DataFrame
    newcomers: pl.DataFrame


def place(nodes: pl.DataFrame, ties: pl.DataFrame, history: pl.DataFrame, shares: Shares, state: int) -> Placed:
    """Give each content a side. `nodes`: `content_hash`, `pinned` (a side, or null), `stratum`, each content once.

    `history`: `content_hash`, `side` of all that have one. Old contents keep theirs. A newcomer takes the side of what
    it is tied to, also by way of other newcomers; one that is tied to two sides, or pinned to another, is a split
    bridge and ties nothing any further. Of two old contents, or two newcomers, that a tie holds on two sides, the lower
    one is (test above validation above train). Components of newcomers alone take the highest side that upstream pins
    any of them to, else the one that their stratum lacks (see `_drawn`).
    """
    contents = nodes.sort("content_hash").join(history, on="content_hash", how="left", maintain_order="left")
    found = graph(contents["content_hash"], ties)
    sides, pinned = _codes(contents["side"]), _codes(contents["pinned"])
    old = sides > 0
    bridge = old & (pinned > 0) & (pinned != sides)
    _spread(found.starts, found.members, found.tie_starts, found.ties, old, pinned, sides, bridge)
    new = (sides == 0) & ~bridge
    if new.any():
        sides[new] = _new_sides(contents, found, new, sides, pinned, shares)
        bridge |= new & (pinned > 0) & (pinned != sides)
    sides[bridge & ~old] = 0
    placements = contents.select(
        "content_hash",
        side=pl.Series(sides).replace_strict({0: None} | dict(enumerate(SIDES, 1)), return_dtype=pl.String),
        bridge=pl.Series(bridge),
        component=pl.Series(components(found, np.ones(len(sides), np.bool_))).cast(pl.Int64),
    )
    settled = placements.filter(pl.Series(~old) & pl.col("side").is_not_null())
    return Placed(placements, settled.select("content_hash", "side", state=pl.lit(state, dtype=pl.Int64)))


def _codes(side: pl.Series) -> Int8s:
    """0 for null, else 1 for train, 2 for validation, 3 for test."""
    codes = {name: code for code, name in enumerate(SIDES, 1)}
    return side.replace_strict(codes, default=0, return_dtype=pl.Int8).to_numpy().copy()


def _new_sides(contents: pl.DataFrame, found: Graph, new: Bools, sides: Int8s, pinned: Int8s, shares: Shares) -> Int8s:
    """The side of each new content, by its component among the new ones."""
    component = components(found, new)
    rows = contents.select("stratum", component=pl.Series(component), new=pl.Series(new), pinned=pl.Series(pinned))
    # What has a side already, the pinned newcomers among it, counts for what its stratum lacks.
    settled = pl.when("new").then(pl.col("pinned").max().over("component")).otherwise(pl.Series(sides))
    rows = rows.with_columns(side=settled, members=pl.len().over("stratum"))
    drawn = _drawn(rows.filter(pl.col("new") & (pl.col("side") == 0)), rows, contents["content_hash"], shares)
    told = rows.filter("new").join(drawn, on="component", how="left", maintain_order="left")
    return told.select(pl.when(pl.col("side") > 0).then("side").otherwise("drawn")).to_series().to_numpy()


def _drawn(rows: pl.DataFrame, all_rows: pl.DataFrame, hashes: pl.Series, shares: Shares) -> pl.DataFrame:
    """`component` and `drawn`, the side of each component of `rows`, contents that no side is known of.

    A component belongs to the smallest stratum of its contents. The components of a stratum stand in the order of a
    stable hash, each as long as it has contents of it; what the stratum lacks of each side, over all of its contents,
    is cut from that line, which begins at a place that the hashes decide: one newcomer alone comes to each side as
    often as the stratum lacks it.
    """
    smallest = pl.col("stratum").sort_by("members", "stratum").first()
    whole = rows.group_by("component").agg(smallest, size=(pl.col("stratum") == smallest).sum())
    # A component goes by its smallest content hash, hashed again: the smallest of many is small.
    named = whole.select(text=hashes.gather(whole["component"]).bin.encode("hex"))
    digest = named.select(plh.col("text").chash.blake3().str.head(8).str.to_integer(base=16)).to_series()
    line = whole.with_columns(digest=digest).sort("stratum", "digest", "component")
    stood = (
        all_rows.filter(pl.col("side") > 0)
        .group_by("stratum")
        .agg((pl.col("side") == code).sum().alias(name) for code, name in enumerate(SIDES, 1))
    )
    totals = (
        line.group_by("stratum")
        .agg(total=pl.col("size").sum(), begin=(pl.col("digest").min() * _SPREAD % _UNIT) / _UNIT)
        .join(stood, on="stratum", how="left")
        .with_columns(pl.col(*SIDES).fill_null(0).cast(pl.Float64))
    )
    everything = pl.col("total") + pl.sum_horizontal(*SIDES)
    lacks = totals.with_columns(
        (everything * share / 100 - pl.col(name)).clip(lower_bound=0).alias(name)
        for name, share in zip(SIDES, (shares.train, shares.validation, shares.test), strict=True)
    ).with_columns(pl.col(*SIDES) / pl.sum_horizontal(*SIDES))
    placed = line.join(lacks, on="stratum", how="left", maintain_order="left")
    middle = (pl.col("size").cum_sum().over("stratum") - pl.col("size") / 2) / pl.col("total")
    part = (middle + pl.col("begin")) % 1
    train, validation, _ = (pl.col(name) for name in SIDES)
    return placed.select(
        "component",
        drawn=(1 + (part >= train).cast(pl.Int8) + (part >= train + validation).cast(pl.Int8)).cast(pl.Int8),
    )


@kernel
def _spread(
    starts: Int64s,
    members: Int32s,
    tie_starts: Int64s,
    ties: Int32s,
    old: Bools,
    pinned: Int8s,
    sides: Int8s,
    bridge: Bools,
) -> None:
    """Give newcomers the side of what they are tied to, and mark the bridges; `sides` and `bridge` are changed.

    In rounds, so that the order of contents does not matter: all that are tied to what the rounds before have placed
    are placed together.
    """
    _lower(starts, members, old, old, sides, bridge)
    contents = len(sides)
    reached = np.zeros(len(starts), np.int8)
    touched = np.zeros(contents, np.int8)
    placed, waiting = np.empty(contents, np.int32), np.empty(contents, np.int32)
    first, last = 0, 0
    for content in range(contents):
        if old[content]:
            placed[last] = content
            last += 1
    while first < last:
        count = 0
        for position in range(first, last):
            content = placed[position]
            bit = 1 << sides[content]
            for place in range(tie_starts[content], tie_starts[content + 1]):
                tie = ties[place]
                if reached[tie] & bit:
                    continue
                reached[tie] |= bit
                for inside in range(starts[tie], starts[tie + 1]):
                    other = members[inside]
                    if sides[other] == 0 and not bridge[other]:
                        if touched[other] == 0:
                            waiting[count] = other
                            count += 1
                        touched[other] |= bit
        first = last
        for position in range(count):
            content = waiting[position]
            wanted = touched[content] | (1 << pinned[content] if pinned[content] > 0 else 0)
            if wanted & (wanted - 1):
                bridge[content] = True
            else:
                for side in range(1, 4):
                    if wanted == 1 << side:
                        sides[content] = side
                placed[last] = content
                last += 1
    fresh = np.zeros(contents, np.bool_)
    for content in range(contents):
        fresh[content] = sides[content] > 0 and not bridge[content]
    _lower(starts, members, fresh, ~old, sides, bridge)


@kernel
def _lower(starts: Int64s, members: Int32s, among: Bools, fallible: Bools, sides: Int8s, bridge: Bools) -> None:
    """Mark what stands lower than another member of a tie."""
    for tie in range(len(starts) - 1):
        highest = 0
        for place in range(starts[tie], starts[tie + 1]):
            if among[members[place]]:
                highest = max(highest, sides[members[place]])
        for place in range(starts[tie], starts[tie + 1]):
            content = members[place]
            if among[content] and fallible[content] and sides[content] < highest:
                bridge[content] = True
