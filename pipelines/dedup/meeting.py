"""A row's search for a survivor among those of its buckets, which are kept in lists in policy order."""

from typing import Final, TypeAlias

import numpy as np

from pipelines.dedup.candidates import ALONE, Buckets
from pipelines.dedup.jaccard import drawn, jaccard, within_reach
from pipelines.dedup.kernel import Floats, Int32s, Int64s, Integer, UInt64s, kernel

LARGE: Final = 1_000
"""Rows of a bucket from which a row is not compared with every survivor in it."""
COMPARED: Final = 64
"""Survivors in large buckets, the best first, that a row is compared with in all."""

Sets: TypeAlias = tuple[Int64s, UInt64s]
Found: TypeAlias = tuple[Int32s, Int32s, Int32s, Int32s]
Lists: TypeAlias = tuple[Int64s, Int32s, Int32s]
Comparing: TypeAlias = tuple[UInt64s, Int64s, UInt64s, Int32s, Int32s]


def lists(shared: Buckets, own: Buckets | None) -> Lists:
    """Empty lists of survivors, in policy order: for each shared bucket all of them; and where there are golds, for
    each shared bucket those without one, and for each bucket of one gold (`own`) those with it.

    Where each list starts in the third array, how many it holds, and the sets that they hold.
    """
    none = np.zeros(0, np.int32)
    sizes = np.concatenate([shared.sizes, none if own is None else shared.sizes, none if own is None else own.sizes])
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
    return starts, np.zeros(len(sizes), np.int32), np.empty(starts[-1], np.int32)


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


@kernel
def extremes(shared: Int32s, sizes: Int32s, place: Integer) -> tuple[Integer, Integer]:
    """Rows of the smallest and of the largest bucket of a set; 0 and 0 where it shares none."""
    smallest, largest = 0, 0
    for bucket in shared[place]:
        if bucket != ALONE:
            smallest = sizes[bucket] if largest == 0 else min(smallest, sizes[bucket])
            largest = max(largest, sizes[bucket])
    return smallest, largest


@kernel
def register(place: Integer, gold: Integer, found: Found, lists: Lists) -> None:
    """Add a survivor to the lists of its buckets."""
    shared, shared_sizes, own, _ = found
    starts, filled, holders = lists
    for band in range(shared.shape[1]):
        bucket = np.int64(shared[place, band])
        if bucket == ALONE:
            continue
        second = np.int64(len(shared_sizes) + bucket) if own.size else np.int64(ALONE)
        if gold != 0:
            second = np.int64(own[place, band])
            if second != ALONE:
                second += 2 * len(shared_sizes)
        for number in (bucket, second):
            if number >= 0:
                holders[starts[number] + filled[number]] = place
                filled[number] += 1


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
    shared, shared_sizes, own, own_sizes = found
    starts, filled, holders = lists
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
            if number < 0:
                continue
            for entry in range(starts[number], starts[number] + filled[number]):
                theirs = np.uint64(holders[entry])
                if seen[theirs] == row + 1 or theirs == place:
                    continue
                if groups[row] != 0 and groups[row] == groups[row_at[theirs]]:
                    continue
                if set_apart(apart, nodes[row], nodes[row_at[theirs]]):
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
                    drawn(sketches, place),
                    theirs,
                    offsets[theirs],
                    offsets[theirs + 1],
                    drawn(sketches, theirs),
                    threshold,
                    table,
                    stamps,
                )
                if reached >= 0:
                    survivor[row], similarity[row] = row_at[theirs], reached
                    return left
    return left
