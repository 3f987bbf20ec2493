"""A row's search for a survivor among those of its buckets, which are kept in lists in policy order."""

from typing import Final, TypeAlias

import numpy as np

from pipelines.dedup.buckets import ALONE, Buckets
from pipelines.dedup.jaccard import SKETCH, drawn, jaccard, within_reach
from pipelines.kernels.kernel import Floats, Int32s, Int64s, Integer, UInt64s, fetch, inlined, kernel, zeros_below

LARGE: Final = 1_000
"""Rows of a bucket from which a row is not compared with every survivor in it."""
COMPARED: Final = 64
"""Survivors in large buckets, the best first, that a row is compared with in all."""

_AHEAD: Final = 6
_FIRST: Final = np.int64(0xFFFFFFFF)
_ONE: Final = np.uint64(1)
_ANOTHER: Final = np.int64(1 << 32)

Sets: TypeAlias = tuple[Int64s, UInt64s]
Found: TypeAlias = tuple[Int32s, Int32s]
Lists: TypeAlias = tuple[int, Int64s, Int32s]
Comparing: TypeAlias = tuple[UInt64s, Int64s, UInt64s, Int32s, Int32s]


def lists(shared: Buckets, own: Buckets | None) -> Lists:
    """Empty lists of survivors, in policy order: for each shared bucket all of them; and where there are golds, for
    each shared bucket those without one, and for each bucket of one gold (`own`) those with it.

    How many shared buckets there are; the heads of the lists; and the sets that they hold. A head is where its list
    begins in the third array, and how many it holds above the first of them: most lists have no other, so that the head
    is all that is looked at.
    """
    none = np.zeros(0, np.int32)
    sizes = np.concatenate([shared.sizes, none if own is None else shared.sizes, none if own is None else own.sizes])
    heads = np.zeros((len(sizes) + 1, 2), np.int64)
    np.cumsum(sizes, dtype=np.int64, out=heads[1:, 0])
    return len(shared.sizes), heads, np.empty(heads[-1, 0], np.int32)


@inlined
def _size_of(heads: Int64s, number: Integer) -> np.int64:
    """Rows of the bucket of a list."""
    size: np.int64 = heads[number + 1, 0] - heads[number, 0]
    return size


@inlined
def _holds(heads: Int64s, number: Integer) -> np.int64:
    held: np.int64 = heads[number, 1] >> 32
    return held


@inlined
def _held(heads: Int64s, holders: Int32s, number: Integer, entry: Integer) -> np.int64:
    """One of those that a list holds."""
    return heads[number, 1] & _FIRST if entry == 0 else np.int64(holders[heads[number, 0] + entry])


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
def bands_of(shared: Int32s, place: Integer) -> np.uint64:
    """A bit for each band in which a set shares a bucket; none for no set."""
    bands = np.uint64(0)
    if place >= 0:
        for band in range(shared.shape[1]):
            bands |= np.uint64(shared[place, band] != ALONE) << np.uint64(band)
    return bands


@inlined
def ask_heads(bands: np.uint64, shared: Int32s, heads: Int64s, place: Integer) -> None:
    """Have the heads that `meet` looks at brought into the cache."""
    while bands != 0:
        fetch(heads, 2 * np.int64(shared[place, zeros_below(bands)]))
        bands &= bands - _ONE


@inlined
def ask_first(bands: np.uint64, shared: Int32s, heads: Int64s, sketches: UInt64s, place: Integer) -> None:
    """The same for the sketches of those that stand in the heads."""
    while bands != 0:
        fetch(sketches, SKETCH * (heads[shared[place, zeros_below(bands)], 1] & _FIRST))
        bands &= bands - _ONE


@kernel
def register(bands: np.uint64, place: Integer, gold: Integer, found: Found, lists: Lists) -> None:
    """Add a survivor to the lists of its buckets."""
    shared, own = found
    bare, heads, holders = lists
    while bands != 0:
        band = np.int64(zeros_below(bands))
        bands &= bands - _ONE
        bucket = np.int64(shared[place, band])
        _append(heads, holders, bucket, place)
        if gold != 0:
            mine = np.int64(own[place, band])
            if mine != ALONE:
                _append(heads, holders, 2 * bare + mine, place)
        elif own.size:
            _append(heads, holders, bare + bucket, place)


@inlined
def _append(heads: Int64s, holders: Int32s, number: Integer, place: Integer) -> None:
    held = _holds(heads, number)
    if held == 0:
        heads[number, 1] = np.int64(place)
    else:
        holders[heads[number, 0] + held] = place
    heads[number, 1] += _ANOTHER


@kernel
def meet(
    row: int,
    bands: np.uint64,
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
    survivor: Int32s,
    similarity: Floats,
) -> bool:
    """Look for a survivor of the row, whose set is in the table, in its buckets, and in its large ones at last.

    Returns whether it had to stop after COMPARED survivors of large buckets.
    """
    offsets, hashes = sets
    shared, own = found
    bare, heads, holders = lists
    table, stamps, sketches, seen, row_at = comparing
    left = COMPARED
    for large in (False, True):
        some, ahead = False, bands
        while ahead != 0:
            band = np.int64(zeros_below(ahead))
            ahead &= ahead - _ONE
            bucket = np.int64(shared[place, band])
            # A row without a gold meets all; one with a gold meets its equals and those without.
            mine, second = bucket, np.int64(ALONE)
            if gold != 0:
                second = bare + bucket
                mine = np.int64(own[place, band])
                mine = mine if mine == ALONE else mine + 2 * bare
            for number in (mine, second):
                held = _holds(heads, number) if number >= 0 else np.int64(0)
                if held == 0:
                    continue
                if (_size_of(heads, number) > LARGE) != large:
                    some = True
                    continue
                for entry in range(held):
                    theirs = _held(heads, holders, number, entry)
                    if entry + _AHEAD < held:
                        fetch(sketches, SKETCH * np.int64(holders[heads[number, 0] + entry + _AHEAD]))
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
                            return True
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
                        return False
        if not some:
            break
    return False
