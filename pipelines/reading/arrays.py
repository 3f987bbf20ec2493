"""The elements of a JSON array in a stream, cut apart so that a damaged one costs no other.

A scanner follows strings and brackets and cuts at the commas between elements. It stops where JSON cannot go on
(a control character in a string, a bracket that closes another, a value after a value), and the next element is
then looked for by the first key of the array's elements: `{"key":` cannot stand inside a string of JSON, where its
quotes would be escaped.
"""

import re
from collections.abc import Iterator
from typing import Final

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.reading.lines import LONGEST, block
from pipelines.reading.streams import Array

_MORE, _FULL, _CLOSED, _DAMAGED = 0, 1, 2, 3
_CUTS: Final = 1 << 14


def elements(stream: pa.NativeFile, size: int, array: Array) -> Iterator[pa.LargeBinaryArray]:
    """Blocks of elements of about `size` bytes, the commas between them blanked.

    What is damaged comes as it stands, up to where the next element begins. An element longer than `LONGEST` comes
    cut one byte after that, as a block of its own.
    """
    stream.read(array.begins)
    key = re.escape(array.first_key) + rb"\s*:" if array.first_key else b'"'
    boundary = re.compile(rb"[,\s](?=\{\s*" + key + rb")")
    held, step = b"", size
    while True:
        chunk = stream.read(step)
        data = bytearray(held + chunk)
        ends, closed = _cut(data, boundary, alone=array.alone, ended=not chunk)
        cut = int(ends[-1]) if len(ends) else 0
        held = bytes(data[cut:])
        if cut:
            yield block(data[:cut], ends)
        if closed or not chunk:
            break
        step = size if cut else min(step * 2, LONGEST)
        if len(held) > LONGEST:
            yield block(held[: LONGEST + 1], np.array([LONGEST + 1]))
            held = _next_element(stream, held, boundary, size)
    if held and not closed:
        yield block(held, np.array([len(held)]))


def _next_element(stream: pa.NativeFile, held: bytes, boundary: re.Pattern[bytes], size: int) -> bytes:
    """The stream from the next element on, without holding what is left of this one."""
    tail = held.lstrip()[1:]
    while True:
        found = boundary.search(tail)
        if found:
            return tail[found.end() :]
        chunk = stream.read(max(size, 1 << 16))
        if not chunk:
            return b""
        tail = tail[-_SEAM:] + chunk


_SEAM: Final = 1 << 10
"""Bytes in which the beginning of an element is recognised."""


def _cut(
    data: bytearray, boundary: re.Pattern[bytes], *, alone: bool, ended: bool
) -> tuple[npt.NDArray[np.int64], bool]:
    """Where the elements end that are whole in `data`, which begins with one; and whether the array ends there."""
    view = np.frombuffer(data, np.uint8)
    ends: list[npt.NDArray[np.int64]] = []
    start = 0
    while True:
        found = np.empty(_CUTS, np.int64)
        count, state, place = _scan(view, start, found)
        if count:
            ends.append(found[:count])
            view[found[:count] - 1] = 32
            start = int(found[count - 1])
        if state == _FULL:
            continue
        if state == _MORE and not ended:
            break
        after = start + 1
        if state == _CLOSED:
            view[place] = 32
            if not alone or not bytes(data[place + 1 :]).strip():
                return _joined(ends, start, place + 1), not alone or ended
            ends.append(np.array([place + 1]))
            start = after = place + 1
        following = boundary.search(data, after)
        if following is None:
            break
        if view[following.start()] == _COMMA:
            view[following.start()] = 32
        start = following.end()
        ends.append(np.array([start]))
    return _joined(ends, start, start), False


def _joined(ends: list[npt.NDArray[np.int64]], start: int, last: int) -> npt.NDArray[np.int64]:
    return np.concatenate([*ends, np.array([last] if last > start else [], np.int64)])


_COMMA: Final = 44


@numba.njit(cache=True)
def _scan(data: npt.NDArray[np.uint8], start: int, ends: npt.NDArray[np.int64]) -> tuple[int, int, int]:
    """Follow elements from `start`; write where each ends, behind its comma, to `ends`.

    Returns how many, why it stopped (`_MORE`: the data end, `_FULL`: `ends` does, `_CLOSED`: the array does,
    `_DAMAGED`: this is no JSON) and where.
    """
    count, depth = 0, 0
    nested = np.zeros(1024, np.uint8)
    last = 44  # the last byte that was no space; 97 stands for numbers and literals, 34 for strings
    place, size = start, data.size
    while place < size:
        byte = data[place]
        if byte == 34:  # "
            if last != 123 and last != 91 and last != 44 and last != 58:
                return count, _DAMAGED, place
            place += 1
            while place < size and data[place] != 34:
                if data[place] < 32:
                    return count, _DAMAGED, place
                place += 2 if data[place] == 92 else 1
            if place >= size:
                return count, _MORE, place
            last = 34
        elif byte == 32 or byte == 10 or byte == 13 or byte == 9:
            pass
        elif byte == 123 or byte == 91:  # { [
            unnamed = last == 44 and depth > 0 and nested[depth - 1] == 123
            if (last != 91 and last != 44 and last != 58) or unnamed or depth == 1024:
                return count, _DAMAGED, place
            nested[depth] = byte
            depth += 1
            last = byte
        elif byte == 125 or byte == 93:  # } ]
            if depth == 0:
                return count, _CLOSED if byte == 93 else _DAMAGED, place
            depth -= 1
            if nested[depth] != byte - 2 or last == 44 or last == 58:
                return count, _DAMAGED, place
            last = byte
        elif byte == 44:  # ,
            if last == 123 or last == 91 or last == 44 or last == 58:
                return count, _DAMAGED, place
            last = 44
            if depth == 0:
                ends[count] = place + 1
                count += 1
                if count == ends.size:
                    return count, _FULL, place
        elif byte == 58:  # :
            if last != 34:
                return count, _DAMAGED, place
            last = 58
        else:
            if last == 34 or last == 125 or last == 93 or last == 123:
                return count, _DAMAGED, place
            last = 97
        place += 1
    return count, _MORE, place
