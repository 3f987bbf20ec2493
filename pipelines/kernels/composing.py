"""Unicode's form NFC, for the few texts that are not in it already.

Normalising runs at 70-125 MB of text a CPU-second; telling which texts it may change, at over 1 GB.
"""

import functools
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from pipelines.kernels.encoding import Messages, Texts
from pipelines.kernels.kernel import Bools, Bytes, Int64s, Integer, kernel

ASCII: Final = 0x80
_ONE: Final = np.uint64(1)

BEYOND: Final = 0x20000
"""From here on there are only Han, tags and private characters: none has case, none composes."""

_HAN_ENDS: Final = 0x323B0
_COMPATIBLE: Final = (0x2F800, 0x2FA20)
"""Forms of Han that NFC writes as others."""


def in_nfc(column: Texts | Messages) -> Texts | Messages:
    """The same texts, or the same messages with their contents, in NFC."""
    if isinstance(column, Messages):
        role, content, calls, answered, name = column.fields
        return replace(column, fields=(role, _composed(content), calls, answered, name))
    return _composed(column)


def _composed(texts: Texts) -> Texts:
    foreign = _foreign(texts)
    if len(foreign) == 0:
        return texts
    chosen = foreign[_uncomposed(foreign, texts, _stays())]
    if len(chosen) == 0:
        return texts
    suspects = texts.taken(chosen)
    normal = suspects.str.normalize("NFC")
    changed = (suspects != normal).to_numpy()
    if not changed.any():
        return texts
    composed = Texts.of(texts.series().scatter(pl.Series(chosen[changed]), normal.filter(pl.Series(changed))))
    return composed._replace(there=texts.there)


@functools.cache
def characters() -> pl.Series:
    """Every character below BEYOND; a space for each surrogate."""
    return pl.Series([" " if 0xD800 <= code < 0xE000 else chr(code) for code in range(BEYOND)])


@functools.cache
def _stays() -> Bools:
    """For each code point below BEYOND whether it is the same in NFC whatever stands around it.

    Not so are marks, letters of Hangul's syllables, whatever a composed character ends in, characters that NFC writes
    as others, and those that this version of Unicode does not know.
    """
    every = characters()
    loose = every.str.contains(r"[\p{M}\p{Cn}\x{1100}-\x{11FF}]") | (every.str.normalize("NFC") != every)
    ends = every.str.normalize("NFD").str.slice(1).str.split("").explode().drop_nulls().unique()
    return (~(loose | every.is_in(ends.implode()))).to_numpy()


@kernel
def decoded(data: Bytes, place: Integer) -> tuple[Integer, Integer]:
    """The character at `place`, which is not ASCII, and its bytes."""
    first, second = np.int64(data[place]), np.int64(data[place + 1] & 0x3F)
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, 2
    third = np.int64(data[place + 2] & 0x3F)
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, 3
    return (first & 0x07) << 18 | second << 12 | third << 6 | np.int64(data[place + 3] & 0x3F), 4


@kernel
def _foreign(texts: Texts) -> Int64s:
    """The texts in which a byte is not ASCII: 20 GB a CPU-second."""
    found = np.empty(len(texts.offsets), np.int64)
    count: Integer = 0
    for row in range(len(texts.offsets) - 1):
        met = np.uint8(0)
        for byte in texts.data[texts.offsets[row] : texts.offsets[row + 1]]:
            met |= byte
        found[count] = row
        count += met >= ASCII
    return found[:count]


@kernel
def _uncomposed(rows: Int64s, texts: Texts, stays: Bools) -> Bools:
    """Which of the rows may change in NFC."""
    found = np.zeros(len(rows), np.bool_)
    for number in range(len(rows)):
        row = np.int64(rows[number])
        data, place, end = texts.data, texts.offsets[row], texts.offsets[row + 1]
        while place < end:
            # A signed index would be looked at for its sign at each byte.
            source, last = np.uint64(place), np.uint64(end)
            while source < last and data[source] < ASCII:
                source += _ONE
            place = np.int64(source)
            if place == end:
                break
            code, length = decoded(data, place)
            composite = _COMPATIBLE[0] <= code < _COMPATIBLE[1] or code >= _HAN_ENDS
            sound = stays[code] if code < BEYOND else not composite
            if not sound:
                found[number] = True
                break
            place += length
    return found
