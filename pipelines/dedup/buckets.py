"""Rows that agree in a band of their signatures: a bucket.

The rows of a band are sorted by ranges of what their keys are spread to, and counted range by range: all that is
looked up lies in a cache, however many rows there are. Beside the keys, memory is a number for each row and band.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.kernels.kernel import Bools, Int32s, Int64s, Integer, UInt32s, UInt64s, inlined, kernel, mix

ALONE: Final = -1
_RANGE: Final = 1 << 13
_NOTHING: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
_ROW: Final = np.uint64(0xFFFFFFFF)
_ONE, _HALF = np.uint64(1), np.uint64(32)


@dataclass(frozen=True)
class Buckets:
    """`numbers`: bucket of each row in each band (rows times bands), ALONE where no other row shares it.

    `sizes`: rows of each bucket. No two bands share a number.
    """

    numbers: Int32s
    sizes: Int32s


class _Band:
    """Room for the rows of one band: used for all of them in turn."""

    def __init__(self, rows: int) -> None:
        ranges = 1 << (rows // _RANGE).bit_length()
        self.shift = np.uint64(33 - ranges.bit_length())
        self.ends = np.empty(ranges, np.int64)
        self.entries = np.empty(rows, np.uint64)
        # Rows whose keys are all equal are of one range.
        self.slots = np.empty(_slots_for(rows), np.uint64)

    def sort(self, keys: UInt32s, salts: UInt64s) -> None:
        _sort(keys, salts, self.shift, self.entries, self.ends)


def buckets(keys: UInt32s, salt: UInt64s | None = None) -> Buckets:
    """The buckets of all bands. `keys`: bands times rows; rows of one bucket agree in `salt` too."""
    bands, rows = keys.shape
    salts = np.zeros(0, np.uint64) if salt is None or not salt.any() else salt
    numbers, found = np.full((rows, bands), ALONE, np.int32), np.empty(rows // 2, np.int32)
    band, sizes, first = _Band(rows), [np.zeros(0, np.int32)], 0
    for number in range(bands):
        band.sort(keys[number], salts)
        count = _number(keys[number], salts, band.entries, band.ends, band.slots, first, number, numbers, found)
        sizes.append(found[:count].copy())
        first += count
    return Buckets(numbers, np.concatenate(sizes))


def shared(keys: UInt32s) -> Bools:
    """Whether each row shares a bucket with another. `keys`: bands times rows."""
    bands, rows = keys.shape
    band, salts, found = _Band(rows), np.zeros(0, np.uint64), np.zeros(rows, np.bool_)
    for number in range(bands):
        band.sort(keys[number], salts)
        _share(keys[number], salts, band.entries, band.ends, band.slots, found)
    return found


@inlined
def _slots_for(rows: int) -> int:
    """A power of two, of which at most half are taken."""
    slots = 16
    while slots < 2 * rows:
        slots *= 2
    return slots


@kernel
def _sort(keys: UInt32s, salts: UInt64s, shift: np.uint64, entries: UInt64s, ends: Int64s) -> None:
    """Fill `entries`, range by range and in each in their order: what a key is spread to, and the row.

    `ends`: of each range. `shift`: bits of a spread key below those of its range.
    """
    ends[:] = 0
    for row in range(len(keys)):
        ends[_spread(keys, salts, row) >> shift] += 1
    start: Integer = np.int64(0)
    for at in range(len(ends)):
        start, ends[at] = start + ends[at], start
    for row in range(len(keys)):
        spread = _spread(keys, salts, row)
        place = spread >> shift
        entries[ends[place]] = spread << _HALF | np.uint64(row)
        ends[place] += 1


@inlined
def _spread(keys: UInt32s, salts: UInt64s, row: int) -> np.uint64:
    """32 bits of a key and its salt. A key is itself a hash."""
    return np.uint64(keys[row]) if len(salts) == 0 else np.uint64(keys[row]) ^ mix(salts[row]) >> _HALF


@inlined
def _holder(entry: np.uint64, keys: UInt32s, salts: UInt64s, slots: UInt64s, mask: np.uint64) -> np.int64:
    """The first row of the bucket of an entry; ALONE, and it is put into its slot, where it is the first."""
    row, slot = np.int64(entry & _ROW), (entry >> _HALF) & mask
    while slots[slot] != _NOTHING:
        if (slots[slot] ^ entry) <= _ROW:
            holder = np.int64(slots[slot] & _ROW)
            if len(salts) == 0 or (keys[holder] == keys[row] and salts[holder] == salts[row]):
                return holder
        slot = (slot + _ONE) & mask
    slots[slot] = entry
    return np.int64(ALONE)


@kernel
def _number(
    keys: UInt32s,
    salts: UInt64s,
    entries: UInt64s,
    ends: Int64s,
    slots: UInt64s,
    first: int,
    band: int,
    numbers: Int32s,
    sizes: Int32s,
) -> int:
    """Number the buckets of one band from `first` on; how many there are."""
    start, count = np.int64(0), 0
    for end in ends:
        many = _slots_for(end - start)
        slots[:many] = _NOTHING
        for place in range(start, end):
            holder = _holder(entries[place], keys, salts, slots, np.uint64(many - 1))
            if holder == ALONE:
                continue
            bucket = numbers[holder, band]
            if bucket == ALONE:
                bucket = np.int32(first + count)
                numbers[holder, band] = bucket
                sizes[count] = 1
                count += 1
            numbers[np.int64(entries[place] & _ROW), band] = bucket
            sizes[bucket - first] += 1
        start = end
    return count


@kernel
def _share(keys: UInt32s, salts: UInt64s, entries: UInt64s, ends: Int64s, slots: UInt64s, found: Bools) -> None:
    start = np.int64(0)
    for end in ends:
        many = _slots_for(end - start)
        slots[:many] = _NOTHING
        for place in range(start, end):
            holder = _holder(entries[place], keys, salts, slots, np.uint64(many - 1))
            if holder != ALONE:
                found[holder] = found[np.int64(entries[place] & _ROW)] = True
        start = end
