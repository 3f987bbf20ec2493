"""Texts and lists of messages as Arrow holds them, and texts that are written row by row out of their bytes.

1 to 3 GB of text a CPU-second: no string is made for a row before all of its columns are in it.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.kernels.blake3 import digests
from pipelines.kernels.kernel import Bools, Bytes, Int64s, Integer, inlined, kernel

FIELDS: Final = ("role", "content", "tool_calls", "tool_call_id", "name")
"""Fields of a message, in the order in which they are encoded."""

ROLE, CONTENT = FIELDS.index("role"), FIELDS.index("content")
SYSTEM: Final = np.frombuffer(b"system", np.uint8)

_PREFIX: Final = 24
"""Bytes that a count or a length takes at most, with the sign behind it; a fifth of them is left as a rule."""

_COLON, _DASH, _BRACKET, _ZERO = (np.uint8(ord(sign)) for sign in ":-[0")


class Texts(NamedTuple):
    """A column of texts: text `i` is `data[offsets[i]:offsets[i + 1]]` in UTF-8, and null where not `there[i]`."""

    offsets: Int64s
    data: Bytes
    there: Bools

    @classmethod
    def of(cls, column: pl.Series) -> "Texts":
        return _texts(column.to_arrow(compat_level=pl.CompatLevel.oldest()))

    def series(self) -> pl.Series:
        """The same as a column; nulls are empty."""
        return _series(self.offsets, self.data)

    def taken(self, rows: Int64s) -> pl.Series:
        """Some of the texts as a column."""
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(self.offsets[rows + 1] - self.offsets[rows], out=offsets[1:])
        data = np.empty(int(offsets[-1]), np.uint8)
        _take(self, rows, offsets, data)
        return _series(offsets, data)

    def bytes_of(self, firsts: Int64s, lasts: Int64s) -> Int64s:
        """Bytes of all texts from `firsts` up to `lasts`, for each pair."""
        sizes: Int64s = self.offsets[lasts] - self.offsets[firsts]
        return sizes


@dataclass(frozen=True)
class Messages:
    """A column of lists of messages: those of row `i` are `lists[i]` up to `lists[i + 1]` of each of FIELDS."""

    lists: Int64s
    there: Bools
    fields: tuple[Texts, Texts, Texts, Texts, Texts]

    @classmethod
    def of(cls, column: pl.Series) -> "Messages":
        array: Any = column.to_arrow(compat_level=pl.CompatLevel.oldest())
        names = [field.name for field in array.type.value_type]
        flat = array.values.flatten()
        role, content, calls, answered, name = (_texts(flat[names.index(field)]) for field in FIELDS)
        return cls(array.offsets.to_numpy(), _there(array), (role, content, calls, answered, name))


class Written:
    """Texts of `rows` rows that grow by a column at a time.

    `room`: bytes that each may take at most. `at`: where the next byte of each goes in `out`.
    """

    def __init__(self, room: Int64s) -> None:
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(room)])
        self.out = np.empty(int(self._starts[-1]) + 1, np.uint8)
        self.at = self._starts[:-1].copy()

    def digests(self) -> Bytes:
        """The hash of what was written for each row (`pipelines.kernels.blake3`), one after another."""
        return digests(self.out, self._starts[:-1], self.at)

    def texts(self) -> pl.Series:
        """What was written, as a column of strings; the last to be asked for, since it moves what was written."""
        offsets = _close_up(self.out, self._starts, self.at)
        return _series(offsets, self.out[: offsets[-1]])


def encoded(columns: list[tuple[str, Texts | Messages]], *, system: bool = True) -> Written:
    """Each row's columns one after another, each behind what it is given with, in the canonical encoding.

    A text is its length in bytes, a colon and itself; null is a dash. A list of messages is its length, a bracket and
    the fields of each. `system=False` leaves system messages out, as if they were not in the list.
    """
    room = np.zeros(_rows(columns), np.int64)
    for before, column in columns:
        room += len(before.encode()) + _room(column)
    written = Written(room)
    for before, column in columns:
        first = np.frombuffer(before.encode(), np.uint8)
        if isinstance(column, Texts):
            _encode_texts(first, column, written.out, written.at)
            continue
        _encode_messages(first, column.lists, column.there, system, SYSTEM, *column.fields, written.out, written.at)
    return written


def room_of(column: Texts | Messages) -> Int64s:
    """Bytes of each row's texts."""
    if isinstance(column, Texts):
        return np.diff(column.offsets)
    return column.fields[CONTENT].bytes_of(column.lists[:-1], column.lists[1:])


def _rows(columns: list[tuple[str, Texts | Messages]]) -> int:
    return len(columns[0][1].there)


def _room(column: Texts | Messages) -> Int64s:
    if isinstance(column, Texts):
        return np.diff(column.offsets) + _PREFIX
    said = np.diff(column.lists) * _PREFIX * len(FIELDS) + _PREFIX
    for field in column.fields:
        said += field.bytes_of(column.lists[:-1], column.lists[1:])
    return said


def _texts(array: pa.Array) -> Texts:
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return Texts(places, np.frombuffer(data if data is not None else b"", np.uint8), _there(array))


def _there(array: pa.Array) -> Bools:
    if array.null_count == 0:
        return np.ones(len(array), np.bool_)
    if array.null_count == len(array):
        return np.zeros(len(array), np.bool_)
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), np.bool_)


def _series(offsets: Int64s, data: Bytes) -> pl.Series:
    array = pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
    column = pl.from_arrow(array)
    assert isinstance(column, pl.Series)
    return column


@kernel
def is_text(place: Integer, end: Integer, data: Bytes, other: Bytes) -> bool:
    """Whether the bytes from `place` to `end` are those of `other`."""
    if end - place != len(other):
        return False
    same = True
    for step in range(len(other)):
        same &= data[place + step] == other[step]
    return same


@kernel
def copied(data: Bytes, place: Integer, end: Integer, out: Bytes, at: Integer) -> Integer:
    """Copy bytes to `at`; where the next one goes."""
    source, target = np.uint64(place), np.uint64(at)  # a signed index would be looked at for its sign at each byte
    for step in range(np.uint64(end - place)):
        out[target + step] = data[source + step]
    return at + end - place


@kernel
def _take(texts: Texts, rows: Int64s, offsets: Int64s, data: Bytes) -> None:
    for number in range(len(rows)):
        row = rows[number]
        copied(texts.data, texts.offsets[row], texts.offsets[row + 1], data, offsets[number])


@inlined
def _number(count: Integer, out: Bytes, at: Integer) -> Integer:
    """Write a number in digits."""
    digits, rest = 1, count
    while rest >= 10:
        rest //= 10
        digits += 1
    for step in range(digits - 1, -1, -1):
        out[at + step] = _ZERO + np.uint8(count % 10)
        count //= 10
    return at + digits


@inlined
def is_spoken(roles: Texts, message: Integer, system: Bytes) -> bool:
    """Whether a message has a role, and it is not that of the system."""
    if not roles.there[message]:
        return False
    place, end = np.int64(roles.offsets[message]), np.int64(roles.offsets[message + 1])
    return not is_text(place, end, roles.data, system)


@inlined
def _one(texts: Texts, row: Integer, out: Bytes, at: Integer) -> Integer:
    if not texts.there[row]:
        out[at] = _DASH
        return at + 1
    place, end = np.int64(texts.offsets[row]), np.int64(texts.offsets[row + 1])
    at = _number(end - place, out, at)
    out[at] = _COLON
    return copied(texts.data, place, end, out, at + 1)


@kernel
def _encode_texts(before: Bytes, texts: Texts, out: Bytes, ats: Int64s) -> None:
    for row in range(len(ats)):
        at = copied(before, 0, len(before), out, ats[row])
        ats[row] = _one(texts, row, out, at)


@kernel
def _encode_messages(
    before: Bytes,
    lists: Int64s,
    there: Bools,
    system: bool,
    is_system: Bytes,
    roles: Texts,
    contents: Texts,
    calls: Texts,
    answered: Texts,
    names: Texts,
    out: Bytes,
    ats: Int64s,
) -> None:
    for row in range(len(ats)):
        at = copied(before, 0, len(before), out, ats[row])
        if not there[row]:
            out[at] = _DASH
            ats[row] = at + 1
            continue
        count = np.int64(0)
        for said in range(lists[row], lists[row + 1]):
            count += system or is_spoken(roles, said, is_system)
        at = _number(count, out, at)
        out[at] = _BRACKET
        at += 1
        for said in range(lists[row], lists[row + 1]):
            if system or is_spoken(roles, said, is_system):
                at = _one(roles, said, out, at)
                at = _one(contents, said, out, at)
                at = _one(calls, said, out, at)
                at = _one(answered, said, out, at)
                at = _one(names, said, out, at)
        ats[row] = at


@kernel
def _close_up(out: Bytes, starts: Int64s, ends: Int64s) -> Int64s:
    """Move each row's bytes (from its start to its end) up to those before it; the offsets that they then have."""
    offsets = np.zeros(len(ends) + 1, np.int64)
    for row in range(len(ends)):
        offsets[row + 1] = (
            copied(out, starts[row], ends[row], out, offsets[row]) if starts[row] != offsets[row] else ends[row]
        )
    return offsets
