"""Bits of texts, one a byte, by which most of a text is read 64 bytes at a time."""

from typing import TypeAlias

import numpy as np

from pipelines.kernels.kernel import (
    Bytes,
    Int64s,
    Integer,
    UInt64s,
    digits_of,
    foreign_of,
    inlined,
    kernel,
    letters_of,
    points_of,
    signs_of,
)

_ONE, _SIXTY_THREE = np.uint64(1), np.uint64(63)

Planes: TypeAlias = tuple[UInt64s, UInt64s, UInt64s]


def planes_of(offsets: Int64s, data: Bytes) -> Planes:
    """Three bits for each byte of the texts: whether it is a letter, digit or underscore of ASCII, whether it is not of
    ASCII, and whether it may be an operator: a point may behind a digit.
    """
    said = data[offsets[0] : offsets[-1]]
    blocks = len(said) // 64
    planes = (np.zeros(blocks + 2, np.uint64), np.zeros(blocks + 2, np.uint64), np.zeros(blocks + 2, np.uint64))
    rest = np.zeros(64, np.uint8)
    rest[: len(said) - 64 * blocks] = said[64 * blocks :]
    # Read only like the texts, so that it is the same kernel.
    rest.flags.writeable = False
    _plane(rest, 1, _plane(said, blocks, False, 0, planes), blocks, planes)
    return planes


@kernel
def _plane(data: Bytes, blocks: int, behind_digit: bool, first: int, planes: Planes) -> bool:
    """Fill some blocks of the planes, from `first` on; whether the last byte is a digit."""
    letters, foreign, loud = planes
    before = np.uint64(behind_digit)
    for block in range(blocks):
        place = 64 * block
        digits = digits_of(data, place)
        letters[first + block] = letters_of(data, place)
        foreign[first + block] = foreign_of(data, place)
        loud[first + block] = signs_of(data, place) | points_of(data, place) & (digits << _ONE | before)
        before = digits >> _SIXTY_THREE
    return bool(before != 0)


@inlined
def window(bits: UInt64s, place: Integer) -> np.uint64:
    """64 bits from `place` on."""
    block, shift = place >> 6, np.uint64(place & 63)
    # In two steps, since a shift by 64 is none.
    window: np.uint64 = bits[block] >> shift | bits[block + 1] << _ONE << (_SIXTY_THREE - shift)
    return window
