"""The elements of a JSON array in a stream, cut apart so that a damaged one costs no other.

A scanner follows strings and brackets and cuts at the commas between elements. It stops where JSON cannot go on
(a control character in a string, a bracket that closes another, a value after a value). The next element is then
looked for by the white space and the first key that the array's elements begin with: `{"key":` cannot
stand inside a string of JSON, where its quotes would be escaped. Only in an array on one line whose elements hold
lists of objects with the same first key can a part of a damaged element be taken for one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import TamisError
from pipelines.kernels.kernel import kernel
from pipelines.reading.lines import LONGEST, block
from pipelines.reading.streams import Array

_MORE, _FULL, _CLOSED, _DAMAGED = 0, 1, 2, 3
_CUTS: Final = 1 << 14
_BLANK, _COMMA = 32, 44
_SEAM: Final = 1 << 10
"""Bytes in which the beginning of an element is recognised."""


def element_blocks(path: Path, stream: pa.NativeFile, size: int, array: Array) -> Iterator[pa.LargeBinaryArray]:
    """Blocks of elements of about `size` bytes, the commas between them blanked.

    What is damaged comes as it stands, up to where the next element begins. Of an element longer than `LONGEST` the
    first bytes come, one more than `LONGEST`, as a block of their own. TamisError where the rows could be in either
    of two arrays.
    """
    stream.read(array.begins)
    held, step, resumed = b"", size, -1
    while True:
        chunk = stream.read(step)
        data = bytearray(held + chunk)
        cutting = _Cutting(data, array, ended=not chunk, resumed=resumed)
        cutting.run()
        cut = cutting.start
        if cut:
            yield block(data[:cut], np.concatenate(cutting.ends))
        held, resumed = bytes(data[cut:]), cutting.resumed - cut
        if cutting.closed or not chunk:
            break
        step = size if cut else min(step * 2, LONGEST)
        if len(held) > LONGEST:
            yield block(held[: LONGEST + 1], np.array([LONGEST + 1]))
            held = _next_element(stream, held, array, size)
    if not cutting.closed:
        if held:
            yield block(held, np.array([len(held)]))
    elif not array.alone:
        _refuse_second_array(path, stream, held, array)


@dataclass
class _Cutting:
    """Where the elements end that are whole in `data`, which begins with one. `ended`: the stream has no more.

    `ends`: of the elements up to `start`, where the first one begins that is not whole. `closed`: the array ends
    there. `resumed`: where an element was looked for after a damaged one, the last time.
    """

    data: bytearray
    array: Array
    ended: bool
    resumed: int
    ends: list[npt.NDArray[np.int64]] = field(default_factory=list)
    start: int = 0
    closed: bool = False

    def run(self) -> None:
        view = np.frombuffer(self.data, np.uint8)
        while not self.closed:
            found = np.empty(_CUTS, np.int64)
            count, state, place = _scan(view, self.start, found)
            if count:
                self.ends.append(found[:count])
                view[found[:count] - 1] = _BLANK
                self.start = int(found[count - 1])
            if state == _FULL:
                continue
            if state == _MORE and not self.ended:
                return
            if state == _CLOSED:
                closes = self._closes(place + 1)
                if closes is None:
                    return
                if closes or self.start != self.resumed:
                    view[place] = _BLANK
                    self._cut(place + 1)
                    self.closed = closes
                    continue
            following = self._following()
            if following is None:
                return
            if view[following] == _COMMA:
                view[following] = _BLANK
                following += 1
            self._cut(following)
            self.resumed = following

    def _cut(self, end: int) -> None:
        if end > self.start:
            self.ends.append(np.array([end]))
            self.start = end

    def _closes(self, place: int) -> bool | None:
        """Whether the array's last bracket was before `place`; None where more of the stream must be seen."""
        rest = bytes(self.data[place : place + _SEAM]).lstrip()
        if not self.array.alone:
            if rest[:1] == b",":
                return True
            if rest[:1] not in (b"", b"}"):
                return False
            rest = rest[1:].lstrip()
        return None if not rest and not self.ended else not rest

    def _following(self) -> int | None:
        """Where the element ends that begins at `start` and is damaged: before the comma, if there is one."""
        own = _OWN.match(self.data, self.start)
        after = max(own.end() if own else 0, self.start + 1)
        found = self.array.boundary(exact=True).search(self.data, after)
        if found is None and self.ended:
            found = self.array.boundary(exact=False).search(self.data, after)
        return found.start() if found else None


_OWN: Final = re.compile(rb"\s*\{?")


def _next_element(stream: pa.NativeFile, held: bytes, array: Array, size: int) -> bytes:
    """The stream from the next element on, without holding what is left of this one."""
    tail = held.lstrip()[1:]
    while True:
        found = array.boundary(exact=False).search(tail)
        if found:
            return tail[found.start() + (tail[found.start()] == _COMMA) :]
        chunk = stream.read(max(size, 1 << 16))
        if not chunk:
            return b""
        tail = tail[-_SEAM:] + chunk


def _refuse_second_array(path: Path, stream: pa.NativeFile, held: bytes, array: Array) -> None:
    pattern = re.compile(rb"[\[,]\s*\{\s*" + re.escape(array.first_key or b'"') + rb"\s*:")
    tail = held
    while not pattern.search(tail):
        chunk = stream.read(1 << 20)
        if not chunk:
            return
        tail = tail[-_SEAM:] + chunk
    raise TamisError(
        "its rows could be in either of two arrays",
        where=str(path),
        cure="Read another file of the repository, or another revision; what stands here is not told apart.",
    )


@kernel
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
