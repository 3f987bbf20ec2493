"""Survivors in policy order: a row goes only if a row that was kept before it is equal to it or similar enough.

So chains are cut, and the choice is made among exactly the rows that take part: another order or threshold chooses
again from the same sets and signatures.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.dedup.candidates import ALONE, Buckets, buckets
from pipelines.dedup.jaccard import SKETCH, draw, empty, fill, jaccard, slots_for, within_reach
from pipelines.dedup.kernel import kernel
from pipelines.dedup.shingles import Shingles

LARGE: Final = 1_000
"""Rows of a bucket from which a row is not compared with every survivor in it."""
COMPARED: Final = 64
"""Survivors in large buckets, the best first, that a row is compared with in all."""

_NOBODY: Final = np.int32(-1)
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rows:
    """Rows in policy order, the best first, each with codes from 1 on; 0 stands for none.

    `nodes`: which text it is, from 0: rows of one node are equal and have the same gold. `equal`: rows that agree in
    it are equal but for their golds. `golds`: rows that have different ones are never duplicates. `groups`: rows of one
    are duplicates only if they are equal.
    """

    nodes: NDArray[np.int32]
    equal: NDArray[np.int32]
    golds: NDArray[np.int32]
    groups: NDArray[np.int32]


@dataclass(frozen=True)
class Meetings:
    """Nodes that meet in buckets. `places`: of each node in `sets`, -1 for one that meets nobody.

    `keys` (bands times sets) and `salt` make the buckets.
    """

    places: NDArray[np.int32]
    sets: Shingles
    keys: NDArray[np.uint32]
    salt: NDArray[np.uint64]


@dataclass(frozen=True)
class Known:
    """Pairs of nodes whose golds agree and whose similarity was found before."""

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    similarity: NDArray[np.float64]

    @staticmethod
    def none() -> "Known":
        """No pairs."""
        return Known(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))


@dataclass(frozen=True)
class Chosen:
    """For each row its survivor (-1: it is kept), the similarity to it, and whether it went because it is equal.

    `capped`: rows that are kept after they were compared with COMPARED survivors of large buckets, which held more.
    """

    survivor: NDArray[np.int32]
    similarity: NDArray[np.float64]
    equal: NDArray[np.bool_]
    capped: NDArray[np.bool_]


def choose(rows: Rows, threshold: float, known: Known, meetings: Meetings, *, exact: bool = True) -> Chosen:
    """Choose the survivors. `exact=False`: equal rows are no duplicates of each other.

    A row is compared with all survivors of its buckets of up to LARGE rows, and with COMPARED of larger ones.
    """
    count, nodes = len(rows.nodes), len(meetings.places)
    chosen = Chosen(_nobody(count), np.zeros(count), np.zeros(count, np.bool_), np.zeros(count, np.bool_))
    equals = int(rows.equal.max(initial=0)) + 1
    golds = np.zeros(nodes, np.int32)
    golds[rows.nodes] = rows.golds
    met = meetings.places >= 0
    gold_of_set = np.zeros(len(meetings.sets), np.uint64)
    gold_of_set[meetings.places[met]] = golds[met]
    shared = buckets(meetings.keys, meetings.salt)
    own = buckets(meetings.keys, meetings.salt ^ gold_of_set * _SPREAD) if gold_of_set.any() else shared
    _choose(
        rows.nodes,
        rows.equal,
        rows.golds,
        rows.groups,
        threshold,
        exact,
        _adjacent(known, threshold, nodes),
        meetings.places,
        (meetings.sets.offsets, meetings.sets.hashes),
        (shared.numbers, shared.sizes, own.numbers, own.sizes),
        _lists(shared, own),
        (_nobody(nodes), _nobody(equals), _nobody(equals)),
        chosen.survivor,
        chosen.similarity,
        chosen.equal,
        chosen.capped,
    )
    return chosen


def _nobody(length: int) -> NDArray[np.int32]:
    return np.full(length, -1, np.int32)


def _adjacent(
    known: Known, threshold: float, nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Neighbours of each node, `neighbours[starts[n]:starts[n + 1]]`, and the similarity to them."""
    near = known.similarity >= threshold
    one, other = known.left[near], known.right[near]
    ends, neighbours = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.argsort(ends, kind="stable")
    starts = np.searchsorted(ends[order], np.arange(nodes + 1)).astype(np.int64)
    return starts, neighbours[order], np.tile(known.similarity[near], 2)[order]


def _lists(shared: Buckets, own: Buckets) -> tuple[NDArray[np.int32], ...]:
    """Empty lists of survivors, in policy order: for each shared bucket all of them, then those without a gold; then,
    for each bucket of one gold, those with it.

    First and last entry of each list; row and next entry of each entry; how many entries there are.
    """
    lists = 2 * len(shared.sizes) + len(own.sizes)
    entries = 2 * int(np.count_nonzero(shared.numbers != ALONE))
    ends = (_nobody(lists), _nobody(lists))
    return (*ends, np.empty(entries, np.int32), np.empty(entries, np.int32), np.zeros(1, np.int32))


@kernel
def _choose(  # type: ignore[no-untyped-def]
    nodes, equal, golds, groups, threshold, exact, known, places, sets, found, lists, first_kept, survivor, similarity, by_equal, capped
):
    offsets, hashes = sets
    starts, neighbours, known_similarity = known
    shared, shared_sizes, _, _ = found
    # The first row that is kept of each node, of each set of equal rows, and of those without a gold.
    kept, kept_equal, kept_bare = first_kept
    most = 0
    for place in range(len(offsets) - 1):
        most = max(most, offsets[place + 1] - offsets[place])
    seen, row_at = np.zeros(len(offsets), np.int32), np.zeros(len(offsets), np.int32)
    table, stamps = np.zeros(slots_for(most), np.uint64), np.empty(slots_for(most), np.int64)
    sketches = np.zeros((len(offsets) - 1, SKETCH), np.uint64)
    comparing = (table, stamps, sketches, seen, row_at)

    for row in range(len(nodes)):
        node = nodes[row]
        if exact and equal[row] != 0:
            other = kept_equal[equal[row]] if golds[row] == 0 else _earlier(kept[node], kept_bare[equal[row]])
            if other >= 0:
                survivor[row], similarity[row], by_equal[row] = other, 1.0, True
                continue
        for entry in range(starts[node], starts[node + 1]):
            other = kept[neighbours[entry]]
            if other >= 0 and not _together(groups, row, other) and (survivor[row] < 0 or other < survivor[row]):
                survivor[row], similarity[row] = other, known_similarity[entry]
        if survivor[row] >= 0:
            continue
        place = places[node]
        smallest, largest = _extremes(shared, shared_sizes, place) if place >= 0 else (0, 0)
        if largest > 0:
            start, end = offsets[place], offsets[place + 1]
            distinct = fill(hashes, start, end, table, stamps)
            if kept[node] < 0:
                draw(hashes, start, end, distinct, sketches[place])
            left = COMPARED
            for round in range(2):
                large = round == 1
                if (smallest > LARGE and not large) or (largest <= LARGE and large) or survivor[row] >= 0:
                    continue
                left = _meet(row, place, golds[row], groups, threshold, sets, found, lists, comparing, large, survivor, similarity)
            capped[row] = left < 0 and survivor[row] < 0
            empty(end - start, table)
            if survivor[row] >= 0:
                continue
            if kept[node] < 0:
                row_at[place] = row
                _register(place, golds[row], found, lists)
        if kept[node] < 0:
            kept[node] = row
        if equal[row] != 0:
            if kept_equal[equal[row]] < 0:
                kept_equal[equal[row]] = row
            if golds[row] == 0 and kept_bare[equal[row]] < 0:
                kept_bare[equal[row]] = row


@kernel
def _earlier(first, second):  # type: ignore[no-untyped-def]
    """The earlier of two rows; -1 stands for none."""
    if first < 0 or second < 0:
        return max(first, second)
    return min(first, second)


@kernel
def _together(groups, row, other):  # type: ignore[no-untyped-def]
    return groups[row] != 0 and groups[row] == groups[other]


@kernel
def _extremes(shared, sizes, place):  # type: ignore[no-untyped-def]
    """Rows of the smallest and of the largest bucket of a set; 0 and 0 where it shares none."""
    smallest, largest = 0, 0
    for bucket in shared[place]:
        if bucket != ALONE:
            smallest = sizes[bucket] if largest == 0 else min(smallest, sizes[bucket])
            largest = max(largest, sizes[bucket])
    return smallest, largest


@kernel
def _register(place, gold, found, lists):  # type: ignore[no-untyped-def]
    """Add a survivor to the lists of its buckets."""
    shared, shared_sizes, own, _ = found
    first, last, holder, following, used = lists
    for band in range(shared.shape[1]):
        bucket = np.int64(shared[place, band])
        if bucket == ALONE:
            continue
        second = len(shared_sizes) + bucket
        if gold != 0:
            second = np.int64(own[place, band])
            if second != ALONE:
                second += 2 * len(shared_sizes)
        for number in (bucket, second):
            if number < 0:
                continue
            entry = used[0]
            holder[entry], following[entry] = place, _NOBODY
            if first[number] < 0:
                first[number] = entry
            else:
                following[last[number]] = entry
            last[number] = entry
            used[0] += 1


@kernel
def _meet(  # type: ignore[no-untyped-def]
    row, place, gold, groups, threshold, sets, found, lists, comparing, large, survivor, similarity
):
    """Look for a survivor of the row, whose set is in the table, in its large buckets or in the others.

    Returns how many more survivors of large buckets it could be compared with; -1 where it had to stop.
    """
    offsets, hashes = sets
    shared, shared_sizes, own, own_sizes = found
    first, _, holder, following, _ = lists
    table, stamps, sketches, seen, row_at = comparing
    left, bare = COMPARED, len(shared_sizes)
    for band in range(shared.shape[1]):
        bucket = np.int64(shared[place, band])
        if bucket == ALONE:
            continue
        # A row without a gold meets all; one with a gold meets its equals and those without.
        mine, second = np.int64(ALONE), np.int64(ALONE)
        if (shared_sizes[bucket] > LARGE) == large:
            mine = bucket
        if gold != 0:
            if mine != ALONE:
                second = bare + bucket
            mine = np.int64(own[place, band])
            if mine != ALONE:
                mine = 2 * bare + mine if (own_sizes[mine] > LARGE) == large else np.int64(ALONE)
        for number in (mine, second):
            entry = first[number] if number >= 0 else _NOBODY
            while entry >= 0:
                theirs = np.uint64(holder[entry])
                entry = following[entry]
                if seen[theirs] == row + 1 or theirs == place:
                    continue
                if groups[row] != 0 and groups[row] == groups[row_at[theirs]]:
                    continue
                if large:
                    if left == 0:
                        return -1
                    left -= 1
                seen[theirs] = row + 1
                if not within_reach(sketches, place, theirs, threshold):
                    continue
                reached = jaccard(
                    hashes,
                    offsets[place + 1] - offsets[place],
                    sketches[place, SKETCH - 1],
                    theirs,
                    offsets[theirs],
                    offsets[theirs + 1],
                    sketches[theirs, SKETCH - 1],
                    threshold,
                    table,
                    stamps,
                )
                if reached >= 0:
                    survivor[row], similarity[row] = row_at[theirs], reached
                    return left
    return left
