"""A row's search for a survivor among those of its buckets, which are kept in lists in policy order."""

from typing import Final, TypeAlias

import numpy as np

from pipelines.dedup.candidates import ALONE, Buckets
from pipelines.dedup.jaccard import SKETCH, drawn, jaccard, within_reach
from pipelines.kernels.kernel import Floats, Int32s, Int64s, Integer, UInt64s, fetch, inlined, kernel

LARGE: Final = 1_000
"""Rows of a bucket from which a row is not compared with every survivor in it."""
COMPARED: Final = 64
"""Survivors in large buckets, the best first, that a row is compared with in all."""

_AHEAD: Final = 6

Sets: TypeAlias = tuple[Int64s, UInt64s]
Found: TypeAlias = tuple[Int32s, Int32s]
Lists: TypeAlias = tuple[int, Int64s, Int32s]
Comparing: TypeAlias = tuple[UInt64s, Int64s, UInt64s, Int32s, Int32s]


def lists(shared: Buckets, own: Buckets | None) -> Lists:
    """Empty lists of survivors, in policy order: for each shared bucket all of them; and where there are golds, for
    each shared bucket those without one, and for each bucket of one gold (`own`) those with it.

    How many shared buckets there are; where each list begins in the third array and where it ends so far, side by side
    so that they are one look at memory; and the sets that they hold.
    """
    none = np.zeros(0, np.int32)
    sizes = np.concatenate([shared.sizes, none if own is None else shared.sizes, none if own is None else own.sizes])
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
    return len(shared.sizes), np.repeat(starts, 2).reshape(-1, 2), np.empty(starts[-1], np.int32)


@inlined
def size_of(heads: Int64s, number: Integer) -> np.int64:
    """Rows of the bucket of a list."""
    size: np.int64 = heads[number + 1, 0] - heads[number, 0]
    return size


def nobody(length: int) -> Int32s:
    return np.full(length, -1, np.int32)


@kernel
def together(groups: Int32s, row: Integer, other: Integer) -> bool:
    return bool(groups[row] != 0 and groups[row] == groups[other])


@kernel
def set_apart(apart: Int64s, node: Integer, other: Integer) -> bool:
    """Whether a person set two nodes apart. `apart`: see `pipelines.dedup.greedy.Apart.keys`."""
    if len(apart) == 0:
        return False
    key = np.int64(node) << 32 | np.int64(other)
    place = np.searchsorted(apart, key)
    return bool(place < len(apart) and apart[place] == key)


@inlined
def ask(shared: Int32s, heads: Int64s, place: Integer) -> None:
    """Have what `extremes` and `meet` look at brought into the cache."""
    for band in range(shared.shape[1]):
        if shared[place, band] != ALONE:
            fetch(heads, 2 * np.int64(shared[place, band]))


@inlined
def extremes(shared: Int32s, heads: Int64s, place: Integer) -> tuple[Integer, Integer]:
    """Rows of the smallest and of the largest bucket of a set; 0 and 0 where it shares none."""
    smallest, largest = np.int64(0), np.int64(0)
    for band in range(shared.shape[1]):
        bucket = np.int64(shared[place, band])
        if bucket != ALONE:
            size = size_of(heads, bucket)
            smallest = size if largest == 0 else min(smallest, size)
            largest = max(largest, size)
    return smallest, largest


@kernel
def register(place: Integer, gold: Integer, found: Found, lists: Lists) -> None:
    """Add a survivor to the lists of its buckets."""
    shared, own = found
    bare, heads, holders = lists
    for band in range(shared.shape[1]):
        bucket = np.int64(shared[place, band])
        if bucket == ALONE:
            continue
        _append(heads, holders, bucket, place)
        if gold != 0:
            mine = np.int64(own[place, band])
            if mine != ALONE:
                _append(heads, holders, 2 * bare + mine, place)
        elif own.size:
            _append(heads, holders, bare + bucket, place)


@inlined
def _append(heads: Int64s, holders: Int32s, number: Integer, place: Integer) -> None:
    holders[heads[number, 1]] = place
    heads[number, 1] += 1


@kernel
def meet(
    row: int,
    place: Integer,
    gold: Integer,
    groups: Int32s,
    nodes: Int32s,
    apart: Int64s,
    threshold: float,
    sets: Sets,
    found: Found,
    lists: Lists,
    comparing: Comparing,
    large: bool,
    survivor: Int32s,
    similarity: Floats,
) -> int:
    """Look for a survivor of the row, whose set is in the table, in its large buckets or in the others.

    Returns how many more survivors of large buckets it could be compared with; -1 where it had to stop.
    """
    offsets, hashes = sets
    shared, own = found
    bare, heads, holders = lists
    table, stamps, sketches, seen, row_at = comparing
    left = COMPARED
    for band in range(shared.shape[1]):
        bucket = np.int64(shared[place, band])
        if bucket == ALONE:
            continue
        # A row without a gold meets all; one with a gold meets its equals and those without.
        mine, second = np.int64(ALONE), np.int64(ALONE)
        if (size_of(heads, bucket) > LARGE) == large:
            mine = bucket
        if gold != 0:
            if mine != ALONE:
                second = bare + bucket
            mine = np.int64(own[place, band])
            if mine != ALONE:
                mine += 2 * bare
                if (size_of(heads, mine) > LARGE) != large:
                    mine = np.int64(ALONE)
        for number in (mine, second):
            if number < 0:
                continue
            for entry in range(heads[number, 0], heads[number, 1]):
                theirs = np.int64(holders[entry])
                ahead = min(entry + _AHEAD, heads[number, 1] - 1)
                fetch(sketches, SKETCH * np.int64(holders[ahead]))
                # Most are out of reach. Whether they were met before is asked of the others: a look at memory less.
                if not large and not within_reach(sketches, place, theirs, threshold):
                    continue
                if seen[theirs] == row + 1 or theirs == place:
                    continue
                if groups[row] != 0 and groups[row] == groups[row_at[theirs]]:
                    continue
                if set_apart(apart, nodes[row], nodes[row_at[theirs]]):
                    continue
                seen[theirs] = row + 1
                if large:
                    if left == 0:
                        return -1
                    left -= 1
                    if not within_reach(sketches, place, theirs, threshold):
                        continue
                reached = jaccard(
                    hashes,
                    offsets[place + 1] - offsets[place],
                    drawn(sketches, place),
                    offsets[theirs],
                    offsets[theirs + 1],
                    drawn(sketches, theirs),
                    threshold,
                    table,
                    stamps,
                    np.int64(row + 1) << 32 | theirs,
                )
                if reached >= 0:
                    survivor[row], similarity[row] = row_at[theirs], reached
                    return left
    return left
