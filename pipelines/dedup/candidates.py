"""Which rows may be similar: those that agree in a band of their signatures.

Rows that share a band's key are a bucket. What a bucket costs is bounded: all pairs of a small one are candidates,
never those of a large one. Nothing is quadratic; beside the keys, memory is a number for each row and band.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.kernels.kernel import Bools, Int32s, Integer, UInt32s, UInt64s, inlined, kernel, mix

SMALL: Final = 16
"""Rows of a bucket of which every pair is a candidate: at most 7.5 pairs a row and band."""

ALONE: Final = -1
_FILTER: Final = 8
"""Bits of the filter for each key: some 12 % of those that occur once pass it."""
_ONE, _SIX, _SIXTY_THREE = np.uint64(1), np.uint64(6), np.uint64(63)
_RIGHT: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)


@dataclass(frozen=True)
class Buckets:
    """`numbers`: bucket of each row in each band (rows times bands), ALONE where no other row shares it.

    `sizes`: rows of each bucket. No two bands share a number.
    """

    numbers: Int32s
    sizes: Int32s


@dataclass(frozen=True)
class Candidates:
    """Pairs of rows, `left < right`, sorted, each once. `crowded`: whether a row is in a bucket that gave no pairs."""

    left: Int32s
    right: Int32s
    crowded: Bools


def buckets(keys: UInt32s, salt: UInt64s | None = None) -> Buckets:
    """The buckets of all bands. `keys`: bands times rows; rows of one bucket agree in `salt` too."""
    bands, rows = keys.shape
    salts = np.zeros(rows, np.uint64) if salt is None else salt
    numbers = np.full((rows, bands), ALONE, np.int32)
    filter_ = np.empty((max(1, (1 << max(6, (_FILTER * rows - 1).bit_length())) // 64), 2), np.uint64)
    repeated, slots = np.empty(rows, np.int32), np.empty(max(16, 1 << (2 * rows - 1).bit_length()), np.int32)
    sizes = [np.zeros(0, np.int32)]
    first = 0
    for band in range(bands):
        found = np.zeros(rows // 2, np.int32)
        count = _number(keys[band], salts, filter_, repeated, slots, first, band, numbers, found)
        sizes.append(found[:count].copy())
        first += count
    return Buckets(numbers, np.concatenate(sizes))


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
def _number(
    keys: UInt32s,
    salts: UInt64s,
    filter_: UInt64s,
    repeated: Int32s,
    slots: Int32s,
    first: int,
    band: int,
    numbers: Int32s,
    sizes: Int32s,
) -> int:
    """Number the buckets of one band from `first` on; how many there are.

    Most keys occur once. A filter that fits a cache, with a bit for what was seen and one for what was seen again,
    leaves the others, and some that only share a bit with another: a table of them all would be a miss for each key.
    """
    filter_[:] = 0
    last = np.uint64(64 * len(filter_) - 1)
    for row in range(len(keys)):
        at = mix(np.uint64(keys[row]) ^ salts[row]) & last
        word, bit = at >> _SIX, _ONE << (at & _SIXTY_THREE)
        filter_[word, 1] |= filter_[word, 0] & bit
        filter_[word, 0] |= bit
    left: Integer = 0
    for row in range(len(keys)):
        at = mix(np.uint64(keys[row]) ^ salts[row]) & last
        repeated[left] = row
        left += np.int64(filter_[at >> _SIX, 1] >> (at & _SIXTY_THREE) & _ONE)
    many = 16
    while many < 2 * left:
        many *= 2
    slots[:many] = ALONE
    mask, count = np.uint64(many - 1), 0
    for row in repeated[:left]:
        at = (mix(np.uint64(keys[row]) ^ salts[row]) >> _HALF) & mask
        while slots[at] >= 0 and (keys[slots[at]] != keys[row] or salts[slots[at]] != salts[row]):
            at = (at + _ONE) & mask
        holder = slots[at]
        if holder < 0:
            slots[at] = row
            continue
        if numbers[holder, band] == ALONE:
            numbers[holder, band] = first + count
            sizes[count] = 1
            count += 1
        numbers[row, band] = numbers[holder, band]
        sizes[numbers[row, band] - first] += 1
    return count


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
