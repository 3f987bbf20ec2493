"""The true Jaccard similarity of two sets of shingles: a hash table of the one, probed with the other.

A table serves every comparison of its row, so a row that meets many pays for it once: 0.3 microseconds a comparison
of texts of 90 words.
"""

from typing import Final

import numpy as np

from pipelines.dedup.shingles import OPERATORS, Shingles
from pipelines.kernels.kernel import Floats, Int32s, Int64s, Integer, UInt64s, inlined, kernel, ones

AGREED: Final = 0.8
"""Of the shingles that two texts share, the part whose operators must agree too. `sin 60` and `sin(-60)`, `a == b` and
`a != b` are not similar, however many words surround them up to some fifty; a text of which a dash was changed is."""

SKETCH: Final = 8
"""64-bit numbers of a sketch, a cache line: 448 bits, by which texts of up to some 300 words are told apart without a
look at them, and how many of them are set and how many distinct shingles there are."""

_ROOMY: Final = 4_096
"""Shingles of a row up to which its table may be four times as large: a probe less often goes on to the next slot."""
_SKETCH_BITS: Final = np.uint64(64 * (SKETCH - 1))
_LOW: Final = np.uint64(0xFFFFFFFF)
_SIX: Final = np.uint64(6)
_SIXTY_THREE: Final = np.uint64(63)
_HALF: Final = np.uint64(32)
_ONE: Final = np.uint64(1)
_SLACK: Final = 1e-9


def similarities(sets: Shingles, left: Int32s, right: Int32s, floor: float = 0.0) -> Floats:
    """Jaccard similarity of each pair of rows; -1 below the floor. Fastest where equal `left` stand together."""
    distinct = np.zeros(len(sets), np.int32)
    found = np.empty(len(left), np.float64)
    _compare(sets.offsets, sets.hashes, left, right, floor, distinct, found)
    return found


@inlined
def slots_for(length: Integer) -> int:
    """Places in the hash table of a row with `length` shingles: a power of two, at most a quarter full, or half."""
    roomy, slots = length if length > _ROOMY else 2 * length, 16
    while slots < 2 * roomy:
        slots *= 2
    return slots


@kernel
def fill(hashes: UInt64s, start: Integer, end: Integer, table: UInt64s) -> int:
    """Put a row's shingles into the empty table; their number, each counted once."""
    mask = np.uint64(slots_for(end - start) - 1)
    distinct = 0
    for place in range(start, end):
        hashed = hashes[place] | _ONE
        slot = (hashed >> _HALF) & mask
        while table[slot] != 0 and table[slot] ^ hashed > OPERATORS:
            slot = (slot + _ONE) & mask
        distinct += table[slot] == 0
        table[slot] = hashed if table[slot] == 0 else table[slot]
    return distinct


@kernel
def empty(length: Integer, table: UInt64s) -> None:
    """Empty the table of a row with `length` shingles."""
    for slot in range(slots_for(length)):
        table[slot] = 0


@kernel
def jaccard(
    hashes: UInt64s,
    length: Integer,
    distinct: Integer,
    start: Integer,
    end: Integer,
    other_distinct: Integer,
    floor: float,
    table: UInt64s,
    stamps: Int64s,
    stamp: Integer,
) -> float:
    """Similarity of the row in the table, of `length` shingles, to another; -1 below the floor.

    `stamps`: as long as the table; `stamp`: a number that no comparison had before, above 0.
    """
    total = distinct + other_distinct
    # |A and B| of which J is the floor; fewer cannot reach it.
    needed = floor * total / (1.0 + floor) - _SLACK
    if min(distinct, other_distinct) < needed:
        return -1.0
    mask = np.uint64(slots_for(length) - 1)
    shared, agreed = 0, 0
    for place in range(start, end):
        if shared + end - place < needed:
            return -1.0
        hashed = hashes[place] | _ONE
        slot = (hashed >> _HALF) & mask
        while table[slot] != 0 and table[slot] ^ hashed > OPERATORS:
            slot = (slot + _ONE) & mask
        if table[slot] != 0 and stamps[slot] != stamp:
            stamps[slot] = stamp
            shared += 1
            agreed += table[slot] == hashed
    if agreed < AGREED * shared:
        return -1.0
    similarity = shared / (total - shared)
    return similarity if similarity >= floor else -1.0


@kernel
def draw(hashes: UInt64s, start: Integer, end: Integer, distinct: Integer, sketches: UInt64s, row: Integer) -> None:
    """Set a bit of a row's empty sketch for each of its shingles, and note how many distinct ones it has."""
    for place in range(start, end):
        bit = (hashes[place] >> _HALF) * _SKETCH_BITS >> _HALF
        sketches[row, bit >> _SIX] |= _ONE << (bit & _SIXTY_THREE)
    bits = np.uint64(0)
    for word in range(SKETCH - 1):
        bits += ones(sketches[row, word])
    sketches[row, SKETCH - 1] = np.uint64(distinct) | bits << _HALF


@inlined
def drawn(sketches: UInt64s, row: Integer) -> Integer:
    """How many distinct shingles a row has, by its sketch."""
    return np.int64(sketches[row, SKETCH - 1] & _LOW)


@inlined
def within_reach(sketches: UInt64s, row: Integer, other: Integer, floor: float) -> bool:
    """False where the sketches alone show that two rows have a similarity below the floor.

    A bit that only one of them has stands for a shingle at least that the other lacks.
    """
    distinct, theirs = drawn(sketches, row), drawn(sketches, other)
    shared = np.uint64(0)
    for word in range(SKETCH - 1):
        shared += ones(sketches[row, word] & sketches[other, word])
    only = np.int64((sketches[row, SKETCH - 1] >> _HALF) - shared)
    only_other = np.int64((sketches[other, SKETCH - 1] >> _HALF) - shared)
    return bool(min(distinct - only, theirs - only_other) >= floor / (1.0 + floor) * (distinct + theirs) - _SLACK)


@kernel
def longest(offsets: Int64s, rows: Int32s) -> int:
    """Shingles of the longest of the rows."""
    most = 0
    for row in rows:
        most = max(most, offsets[row + 1] - offsets[row])
    return most


@kernel
def _compare(
    offsets: Int64s,
    hashes: UInt64s,
    left: Int32s,
    right: Int32s,
    floor: float,
    distinct: Int32s,
    found: Floats,
) -> None:
    slots = slots_for(max(longest(offsets, left), longest(offsets, right)))
    table, stamps = np.zeros(slots, np.uint64), np.zeros(slots, np.int64)
    for rows in (left, right):
        for row in rows:
            if distinct[row] == 0:
                distinct[row] = fill(hashes, offsets[row], offsets[row + 1], table)
                empty(offsets[row + 1] - offsets[row], table)
    current = np.int64(-1)
    for pair in range(len(left)):
        row, other = left[pair], right[pair]
        if row != current:
            if current >= 0:
                empty(offsets[current + 1] - offsets[current], table)
            fill(hashes, offsets[row], offsets[row + 1], table)
            current = np.int64(row)
        found[pair] = jaccard(
            hashes,
            offsets[row + 1] - offsets[row],
            distinct[row],
            offsets[other],
            offsets[other + 1],
            distinct[other],
            floor,
            table,
            stamps,
            pair + 1,
        )
