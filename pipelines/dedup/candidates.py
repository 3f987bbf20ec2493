"""Pairs of rows that may be similar, since they share a bucket.

What a bucket costs is bounded: all pairs of a small one are candidates, never those of a large one.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.dedup.buckets import ALONE, Buckets
from pipelines.kernels.kernel import Bools, Int32s, Integer, UInt64s, inlined, kernel

SMALL: Final = 16
"""Rows of a bucket of which every pair is a candidate: at most 7.5 pairs a row and band."""

_RIGHT: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)


@dataclass(frozen=True)
class Candidates:
    """Pairs of rows, `left < right`, sorted, each once. `crowded`: whether a row is in a bucket that gave no pairs."""

    left: Int32s
    right: Int32s
    crowded: Bools


def candidates(
    found: Buckets,
    golds: Int32s,
    arguments: Int32s,
    *,
    small: int = SMALL,
    chained: int = 0,
) -> Candidates:
    """Pairs that share a bucket and whose golds and arguments agree, where both have some (0: none).

    Buckets of more than `small` rows, and up to `chained`, pair each row with the first and the one before it;
    larger ones give no pairs.
    """
    limit = max(small, chained)
    none, last = np.empty(0, np.uint64), np.empty(len(found.sizes), np.int32)
    arguments_of = (found.numbers, found.sizes, golds, arguments, small, limit, last)
    pairs = np.empty(_pairs(*arguments_of, none), np.uint64)
    _pairs(*arguments_of, pairs)
    # Several chained buckets may give the same pair.
    pairs = np.unique(pairs) if chained else np.sort(pairs)
    in_bucket = found.numbers != ALONE
    crowded = (in_bucket & (found.sizes[found.numbers] > limit)).any(axis=1) if len(found.sizes) else in_bucket.any(1)
    return Candidates((pairs >> _HALF).astype(np.int32), (pairs & _RIGHT).astype(np.int32), crowded)


@inlined
def agree(first: Integer, second: Integer) -> bool:
    """Whether two golds (or arguments) are equal, or one of them is not there."""
    return first == second or first == 0 or second == 0


@kernel
def _pairs(
    numbers: Int32s,
    sizes: Int32s,
    golds: Int32s,
    arguments: Int32s,
    small: int,
    limit: int,
    last: Int32s,
    pairs: UInt64s,
) -> int:
    """Write the pairs, where there is room for them; how many there are."""
    rows, bands = numbers.shape
    before, count = np.empty(rows, np.int32), 0
    for band in range(bands):
        for bucket in range(len(last)):
            last[bucket] = -1
        for row in range(rows):
            bucket = numbers[row, band]
            if bucket == ALONE or sizes[bucket] > limit:
                continue
            other = last[bucket]
            last[bucket] = row
            # The walk goes from the row before to all before it, in a chained bucket straight to the first.
            before[row] = other
            if sizes[bucket] > small and other >= 0 and before[other] >= 0:
                before[row] = before[other]
            while other >= 0:
                if (
                    agree(golds[row], golds[other])
                    and agree(arguments[row], arguments[other])
                    and not _met(numbers, sizes, row, other, band, small)
                ):
                    if count < len(pairs):
                        pairs[count] = (np.uint64(other) << _HALF) | np.uint64(row)
                    count += 1
                other = before[other]
    return count


@inlined
def _met(numbers: Int32s, sizes: Int32s, row: Integer, other: Integer, band: int, small: int) -> bool:
    """Whether an earlier band gave the pair."""
    for earlier in range(band):
        bucket = numbers[row, earlier]
        if bucket != ALONE and bucket == numbers[other, earlier] and sizes[bucket] <= small:
            return True
    return False
