"""Survivors in policy order: a row goes only if a row that was kept before it is equal to it or similar enough.

So chains are cut, and the choice is made among exactly the rows that take part: another order or threshold chooses
again from the same sets and signatures.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.dedup.buckets import buckets
from pipelines.dedup.jaccard import SKETCH, draw, empty, fill, slots_for
from pipelines.dedup.meeting import (
    Found,
    Lists,
    Sets,
    ask_first,
    ask_heads,
    bands_of,
    lists,
    meet,
    nobody,
    register,
    set_apart,
    together,
)
from pipelines.dedup.shingles import Shingles
from pipelines.kernels.kernel import Bools, Floats, Int32s, Int64s, Integer, UInt32s, UInt64s, kernel

_NOBODY: Final = np.int32(-1)
_NONE: Final = np.zeros((1, 0), np.int32)
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rows:
    """Rows in policy order, the best first, each with codes from 1 on; 0 stands for none.

    `nodes`: which text it is, from 0: rows of one node are equal and have the same gold. `equal`: rows that agree in
    it are equal but for their golds. `golds`: rows that have different ones are never duplicates. `groups`: rows of one
    are duplicates only if they are equal.
    """

    nodes: Int32s
    equal: Int32s
    golds: Int32s
    groups: Int32s


@dataclass(frozen=True)
class Meetings:
    """Nodes that meet in buckets. `places`: of each node in `sets`, -1 for one that meets nobody.

    `keys` (bands times sets) and `salt` make the buckets.
    """

    places: Int32s
    sets: Shingles
    keys: UInt32s
    salt: UInt64s


@dataclass(frozen=True)
class Known:
    """Pairs of nodes whose golds agree and whose similarity was found before."""

    left: Int32s
    right: Int32s
    similarity: Floats

    @staticmethod
    def none() -> "Known":
        """No pairs."""
        return Known(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))


@dataclass(frozen=True)
class Apart:
    """Pairs of nodes that a person set apart: they are no duplicates of each other, however similar they are."""

    left: Int32s
    right: Int32s

    @staticmethod
    def nobody() -> "Apart":
        """No pairs."""
        return Apart(np.zeros(0, np.int32), np.zeros(0, np.int32))

    def keys(self) -> Int64s:
        """Both ways of each pair, `left << 32 | right`, sorted: they are few, and are looked for by bisection."""
        left, right = np.concatenate([self.left, self.right]), np.concatenate([self.right, self.left])
        return np.sort(left.astype(np.int64) << 32 | right.astype(np.int64))


@dataclass(frozen=True)
class Chosen:
    """For each row its survivor (-1: it is kept) and the similarity to it, 1 where it is equal.

    `capped`: rows that are kept after they were compared with COMPARED survivors of large buckets, which held more.
    """

    survivor: Int32s
    similarity: Floats
    capped: Bools


def choose(
    rows: Rows, threshold: float, known: Known, meetings: Meetings, *, exact: bool = True, apart: Apart | None = None
) -> Chosen:
    """Choose the survivors. `exact=False`: equal rows are no duplicates of each other. `apart`: pairs that stay both.

    A row is compared with all survivors of its buckets of up to LARGE rows, and with COMPARED of larger ones.
    """
    count, nodes = len(rows.nodes), len(meetings.places)
    chosen = Chosen(nobody(count), np.zeros(count), np.zeros(count, np.bool_))
    equals = int(rows.equal.max(initial=0)) + 1
    golds = np.zeros(nodes, np.int32)
    golds[rows.nodes] = rows.golds
    met = meetings.places >= 0
    gold_of_set = np.zeros(len(meetings.sets), np.uint64)
    gold_of_set[meetings.places[met]] = golds[met]
    shared = buckets(meetings.keys, meetings.salt)
    own = buckets(meetings.keys, meetings.salt ^ gold_of_set * _SPREAD) if gold_of_set.any() else None
    _choose(
        rows.nodes,
        rows.equal,
        rows.golds,
        rows.groups,
        (apart or Apart.nobody()).keys(),
        threshold,
        exact,
        _adjacent(known, threshold, nodes),
        meetings.places,
        (meetings.sets.offsets, meetings.sets.hashes),
        (shared.numbers, own.numbers if own else _NONE),
        lists(shared, own),
        (nobody(nodes), nobody(equals), nobody(equals)),
        chosen.survivor,
        chosen.similarity,
        chosen.capped,
    )
    return chosen


def _adjacent(known: Known, threshold: float, nodes: int) -> tuple[Int64s, Int32s, Floats]:
    """Neighbours of each node, `neighbours[starts[n]:starts[n + 1]]`, and the similarity to them."""
    near = known.similarity >= threshold
    one, other = known.left[near], known.right[near]
    ends, neighbours = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.argsort(ends, kind="stable")
    starts = np.searchsorted(ends[order], np.arange(nodes + 1)).astype(np.int64)
    return starts, neighbours[order], np.tile(known.similarity[near], 2)[order]


@kernel
def _choose(
    nodes: Int32s,
    equal: Int32s,
    golds: Int32s,
    groups: Int32s,
    apart: Int64s,
    threshold: float,
    exact: bool,
    known: tuple[Int64s, Int32s, Floats],
    places: Int32s,
    sets: Sets,
    found: Found,
    lists: Lists,
    first_kept: tuple[Int32s, Int32s, Int32s],
    survivor: Int32s,
    similarity: Floats,
    capped: Bools,
) -> None:
    """Fill the last three, one entry a row: see `Chosen`. The rows stand in policy order."""
    offsets, hashes = sets
    starts, neighbours, known_similarity = known
    shared, _ = found
    _, heads, _ = lists
    # The first row that is kept of each node, of each set of equal rows, and of those without a gold.
    kept, kept_equal, kept_bare = first_kept
    most = 0
    for place in range(len(offsets) - 1):
        most = max(most, offsets[place + 1] - offsets[place])
    seen, row_at = np.zeros(len(offsets), np.int32), np.zeros(len(offsets), np.int32)
    table, stamps = np.zeros(slots_for(most), np.uint64), np.zeros(slots_for(most), np.int64)
    sketches = np.zeros((len(offsets) - 1, SKETCH), np.uint64)
    comparing = (table, stamps, sketches, seen, row_at)

    bands_next = bands_of(shared, places[nodes[0]]) if len(nodes) > 0 else np.uint64(0)
    bands_after = bands_of(shared, places[nodes[1]]) if len(nodes) > 1 else np.uint64(0)
    for row in range(len(nodes)):
        node = nodes[row]
        bands, bands_next = bands_next, bands_after
        bands_after = bands_of(shared, places[nodes[row + 2]]) if row + 2 < len(nodes) else np.uint64(0)
        if bands_after != 0:
            ask_heads(bands_after, shared, heads, places[nodes[row + 2]])
        if bands_next != 0:
            ask_first(bands_next, shared, heads, sketches, places[nodes[row + 1]])
        if exact and equal[row] != 0:
            other = kept_equal[equal[row]] if golds[row] == 0 else _earlier(kept[node], kept_bare[equal[row]])
            if other >= 0:
                survivor[row], similarity[row] = other, 1.0
                continue
        for entry in range(starts[node], starts[node + 1]):
            other = kept[neighbours[entry]]
            if other < 0 or together(groups, row, other) or set_apart(apart, node, neighbours[entry]):
                continue
            if survivor[row] < 0 or other < survivor[row]:
                survivor[row], similarity[row] = other, known_similarity[entry]
        if survivor[row] >= 0:
            continue
        place = places[node]
        if bands != 0:
            start, end = offsets[place], offsets[place + 1]
            distinct = fill(hashes, start, end, table)
            if kept[node] < 0:
                draw(hashes, start, end, distinct, sketches, place)
            stopped = meet(
                row,
                bands,
                place,
                golds[row],
                groups,
                nodes,
                apart,
                threshold,
                sets,
                found,
                lists,
                comparing,
                survivor,
                similarity,
            )
            capped[row] = stopped and survivor[row] < 0
            empty(end - start, table)
            if survivor[row] >= 0:
                continue
            if kept[node] < 0:
                row_at[place] = row
                register(bands, place, golds[row], found, lists)
        if kept[node] < 0:
            kept[node] = row
        if equal[row] != 0:
            if kept_equal[equal[row]] < 0:
                kept_equal[equal[row]] = row
            if golds[row] == 0 and kept_bare[equal[row]] < 0:
                kept_bare[equal[row]] = row


@kernel
def _earlier(first: Integer, second: Integer) -> Integer:
    """The earlier of two rows; -1 stands for none."""
    if first < 0 or second < 0:
        return max(first, second)
    return min(first, second)
