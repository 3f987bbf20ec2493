"""Survivors in policy order: a row goes only if a row that was kept before it is similar enough itself.

So chains are cut, and the choice is made among exactly the rows that take part: another order or threshold chooses
again from the same sets and signatures.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.dedup.candidates import ALONE, agree, buckets
from pipelines.dedup.jaccard import SKETCH, draw, empty, fill, jaccard, slots_for, within_reach
from pipelines.dedup.kernel import kernel
from pipelines.dedup.shingles import Shingles

LARGE: Final = 1_000
"""Rows of a bucket from which a row is not compared with every survivor in it."""
COMPARED: Final = 64
"""Survivors in large buckets, the best first, that a row is compared with in all."""

_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Terms:
    """On what terms rows, best first, are duplicates: each an array with one code a row; 0 stands for none.

    `golds`: rows that have different ones are never duplicates. `groups`: nor are rows of the same one.
    """

    golds: NDArray[np.int32]
    groups: NDArray[np.int32]

    @staticmethod
    def none(rows: int) -> "Terms":
        """Nothing but their similarity decides."""
        return Terms(np.zeros(rows, np.int32), np.zeros(rows, np.int32))


@dataclass(frozen=True)
class Known:
    """Pairs of rows, `better < worse`, whose similarity was found before; sorted by `worse`, then `better`."""

    better: NDArray[np.int32]
    worse: NDArray[np.int32]
    similarity: NDArray[np.float64]

    @staticmethod
    def none() -> "Known":
        return Known(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0))


@dataclass(frozen=True)
class Chosen:
    """For each row its survivor (-1: it is kept) and the similarity to it.

    `capped`: rows that are kept after they were compared with COMPARED survivors of large buckets, which held more.
    """

    survivor: NDArray[np.int32]
    similarity: NDArray[np.float64]
    capped: NDArray[np.bool_]


def choose(
    sets: Shingles,
    members: NDArray[np.int32],
    keys: NDArray[np.uint32],
    salt: NDArray[np.uint64],
    terms: Terms,
    threshold: float,
    known: Known | None = None,
) -> Chosen:
    """Choose survivors among rows that stand in policy order, the best first.

    `members`: for each row its place in `sets`, -1 where only `known` pairs speak for it; `keys` (bands times sets)
    and `salt`, in the order of `sets`, make the buckets in which rows are compared.
    """
    pairs = Known.none() if known is None else known
    rows = len(members)
    starts = np.searchsorted(pairs.worse, np.arange(rows + 1)).astype(np.int64)
    golds = np.zeros(len(sets), np.int32)
    golds[members[members >= 0]] = terms.golds[members >= 0]
    shared = buckets(keys, salt)
    of_gold = buckets(keys, salt ^ golds.astype(np.uint64) * _SPREAD) if golds.any() else shared
    chosen = Chosen(np.full(rows, -1, np.int32), np.zeros(rows), np.zeros(rows, np.bool_))
    _choose(
        sets.offsets,
        sets.hashes,
        members,
        shared.numbers,
        shared.sizes,
        of_gold.numbers,
        of_gold.sizes,
        terms.golds,
        terms.groups,
        threshold,
        starts,
        pairs.better,
        pairs.similarity,
        chosen.survivor,
        chosen.similarity,
        chosen.capped,
    )
    return chosen


@kernel
def _choose(  # type: ignore[no-untyped-def]
    offsets,
    hashes,
    members,
    shared,
    shared_sizes,
    of_gold,
    of_gold_sizes,
    golds,
    groups,
    threshold,
    starts,
    better,
    similarity,
    survivor,
    to_survivor,
    capped,
):
    # Survivors of each bucket in policy order, as linked lists: all of them, those without a gold, those with one.
    shared_count, gold_count = len(shared_sizes), len(of_gold_sizes)
    first = np.full(2 * shared_count + gold_count, -1, np.int32)
    last = np.full(2 * shared_count + gold_count, -1, np.int32)
    room = 1 + 2 * np.count_nonzero(shared != ALONE)
    holder, following = np.empty(room, np.int32), np.empty(room, np.int32)
    used = 0

    most = 0
    for member in members:
        if member >= 0:
            most = max(most, offsets[member + 1] - offsets[member])
    table, stamps = np.zeros(slots_for(most), np.uint64), np.empty(slots_for(most), np.int64)
    distinct = np.zeros(len(offsets) - 1, np.int32)
    sketches = np.zeros((len(offsets) - 1, SKETCH), np.uint64)
    seen = np.full(len(members), -1, np.int32)
    lists = np.empty(2, np.int64)

    for row in range(len(members)):
        for pair in range(starts[row], starts[row + 1]):
            other = better[pair]
            if survivor[other] < 0 and (groups[row] == 0 or groups[row] != groups[other]):
                survivor[row], to_survivor[row] = other, similarity[pair]
                break
        member = members[row]
        if survivor[row] >= 0 or member < 0:
            continue
        smallest, largest = _extremes(shared, shared_sizes, member)
        if largest == 0:
            continue
        length = offsets[member + 1] - offsets[member]
        distinct[member] = fill(hashes, offsets[member], offsets[member + 1], table, stamps)
        draw(hashes, offsets[member], offsets[member + 1], sketches[member])
        left = COMPARED
        for large in (False, True):
            if (smallest > LARGE and not large) or (largest <= LARGE and large):
                continue
            for band in range(shared.shape[1]):
                bucket = shared[member, band]
                if bucket == ALONE:
                    continue
                # A row without a gold meets all; one with a gold meets its equals and those without.
                lists[0], lists[1] = bucket, -1
                if golds[row] != 0:
                    own = of_gold[member, band]
                    lists[0] = -1 if own == ALONE or (of_gold_sizes[own] > LARGE) != large else 2 * shared_count + own
                    lists[1] = shared_count + bucket
                elif (shared_sizes[bucket] > LARGE) != large:
                    lists[0] = -1
                if (shared_sizes[bucket] > LARGE) != large:
                    lists[1] = -1
                for number in lists:
                    entry = first[number] if number >= 0 else -1
                    while entry >= 0 and survivor[row] < 0:
                        other = holder[entry]
                        entry = following[entry]
                        if seen[other] == row or (groups[row] != 0 and groups[row] == groups[other]):
                            continue
                        if large:
                            if left == 0:
                                capped[row] = True
                                break
                            left -= 1
                        seen[other] = row
                        theirs = members[other]
                        if not within_reach(sketches, distinct, member, theirs, threshold):
                            continue
                        found = jaccard(
                            hashes,
                            length,
                            distinct[member],
                            other,
                            offsets[theirs],
                            offsets[theirs + 1],
                            distinct[theirs],
                            threshold,
                            table,
                            stamps,
                        )
                        if found >= 0:
                            survivor[row], to_survivor[row] = other, found
                if survivor[row] >= 0:
                    break
            if survivor[row] >= 0:
                break
        empty(length, table)
        if survivor[row] >= 0:
            capped[row] = False
            continue
        for band in range(shared.shape[1]):
            bucket = shared[member, band]
            if bucket == ALONE:
                continue
            lists[0], lists[1] = bucket, shared_count + bucket
            if golds[row] != 0:
                own = of_gold[member, band]
                lists[1] = -1 if own == ALONE else 2 * shared_count + own
            for number in lists:
                if number < 0:
                    continue
                holder[used], following[used] = row, -1
                if first[number] < 0:
                    first[number] = used
                else:
                    following[last[number]] = used
                last[number] = used
                used += 1


@kernel
def _extremes(shared, sizes, member):  # type: ignore[no-untyped-def]
    """Rows of the smallest and of the largest bucket that a row shares; 0 and 0 where it shares none."""
    smallest, largest = np.int32(0), np.int32(0)
    for bucket in shared[member]:
        if bucket != ALONE:
            smallest = sizes[bucket] if largest == 0 else min(smallest, sizes[bucket])
            largest = max(largest, sizes[bucket])
    return smallest, largest
