r"""What is folded before texts are compared: white space, and case outside fenced code.

One pass over the bytes of all columns. Characters whose lower case is longer than themselves, or depends on those
around them (`\u03a3` ends a word in another form than it begins one with), are left to the library, and with them
their rows.
"""

import functools
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from pipelines.kernels.composing import ASCII, BEYOND, characters, decoded
from pipelines.kernels.encoding import CONTENT, ROLE, SYSTEM, Messages, Texts, Written, is_spoken, room_of
from pipelines.kernels.kernel import Bools, Bytes, Int64s, Integer, UInt32s, kernel

FENCE: Final = "```"
PART_END: Final = "\x1e"
"""What stands between two parts of a record, so that no text of one can pass for a text of the other."""

_SIGMA: Final = 0x3A3
_ONE: Final = np.uint64(1)
_SPACE, _MARK, _BACKTICK = np.uint8(0x20), np.uint8(ord(PART_END)), np.uint8(ord("`"))


def folded(columns: Sequence[Texts | Messages], slow: Bools) -> Written:
    """Each row's columns, white space and case folded, each stripped, with PART_END between.

    Of messages the contents, without those of system messages. Sets `slow` for the rows that the library has to fold;
    their texts are not whole.
    """
    rows = len(slow)
    room = np.zeros(rows, np.int64)
    for column in columns:
        room += room_of(column) + 1
        if isinstance(column, Messages):
            room += np.diff(column.lists)
    written, fenced, tables = Written(room), np.zeros(rows, np.int64), (_plain(), _lower())
    for number, column in enumerate(columns):
        if isinstance(column, Texts):
            _fold_texts(number > 0, column, *tables, written.out, written.at, fenced, slow)
            continue
        role, content = column.fields[ROLE], column.fields[CONTENT]
        lists = (column.lists, column.there, SYSTEM, role, content)
        _fold_messages(number > 0, *lists, *tables, written.out, written.at, fenced, slow)
    return written


@functools.cache
def _lower() -> UInt32s:
    """For each code point below BEYOND its lower case, a blank for white space; 0 where the library has to see it."""
    every = characters()
    lower = every.str.to_lowercase()
    plain = (lower.str.len_chars() == 1) & (lower.str.len_bytes() <= every.str.len_bytes())
    codes = _codes(pl.select(pl.when(plain).then(lower).otherwise(pl.lit("\0"))).to_series())
    codes[every.str.contains(r"^\s$").to_numpy()] = _SPACE
    codes[_SIGMA] = 0
    return codes


@functools.cache
def _plain() -> Bytes:
    """What each byte of ASCII becomes outside (row 0) and inside fenced code; 0 for what needs a closer look."""
    made = np.zeros((2, 256), np.uint8)
    made[0, :ASCII] = _lower()[:ASCII]
    made[1, :ASCII] = np.where(_lower()[:ASCII] == _SPACE, _SPACE, np.arange(ASCII))
    made[:, _BACKTICK] = 0
    return made


def _codes(characters: pl.Series) -> UInt32s:
    return np.frombuffer("".join(characters).encode("utf-32-le"), np.uint32).copy()


@kernel
def _fold(
    data: Bytes,
    place: Integer,
    end: Integer,
    plain: Bytes,
    lower: UInt32s,
    out: Bytes,
    at: Integer,
    before: Integer,
    fenced: Integer,
) -> tuple[Integer, Integer, Integer, bool]:
    """Fold the bytes from `place` to `end` and write them at `at`. `before`: 1 after a blank, which takes no other.

    `fenced`: 1 inside fenced code. The three as they are after it, and whether it could be done.
    """
    table = plain[fenced]
    while place < end:
        # A signed index would be looked at for its sign at each byte.
        source, target, last, gap = np.uint64(place), np.uint64(at), np.uint64(end), np.uint64(before)
        while source < last:
            byte = table[data[source]]
            if byte == 0:
                break
            out[target] = byte
            blank = np.uint64(byte == _SPACE)
            target += _ONE - (blank & gap)
            gap = blank
            source += _ONE
        place, at, before = np.int64(source), np.int64(target), np.int64(gap)
        if place == end:
            break
        if data[place] < ASCII:
            if data[place] == _BACKTICK and place + 2 < end and data[place + 1] == data[place + 2] == _BACKTICK:
                out[at] = out[at + 1] = out[at + 2] = _BACKTICK
                at += 3
                place += 3
                fenced = 1 - fenced
                table = plain[fenced]
            else:
                out[at] = data[place]
                at += 1
                place += 1
            before = np.int64(0)
            continue
        code, length = decoded(data, place)
        small = np.int64(lower[code]) if code < BEYOND else code
        if small == _SPACE:
            out[at] = _SPACE
            at += 1 - before
            before = np.int64(1)
            place += length
            continue
        before = np.int64(0)
        if fenced == 1 or small == code:
            for step in range(length):
                out[at + step] = data[place + step]
            at += length
        elif small == 0:
            return at, before, fenced, False
        elif small < ASCII:
            out[at] = np.uint8(small)
            at += 1
        elif small < 0x800:
            out[at] = np.uint8(0xC0 | small >> 6)
            out[at + 1] = np.uint8(0x80 | small & 0x3F)
            at += 2
        elif small < 0x10000:
            out[at] = np.uint8(0xE0 | small >> 12)
            out[at + 1] = np.uint8(0x80 | small >> 6 & 0x3F)
            out[at + 2] = np.uint8(0x80 | small & 0x3F)
            at += 3
        else:
            out[at] = np.uint8(0xF0 | small >> 18)
            out[at + 1] = np.uint8(0x80 | small >> 12 & 0x3F)
            out[at + 2] = np.uint8(0x80 | small >> 6 & 0x3F)
            out[at + 3] = np.uint8(0x80 | small & 0x3F)
            at += 4
        place += length
    return at, before, fenced, True


@kernel
def _begun(marked: bool, out: Bytes, at: Integer) -> Integer:
    """Where a part begins: behind a mark, if it is not the first."""
    if marked:
        out[at] = _MARK
        return at + 1
    return at


@kernel
def _fold_texts(
    marked: bool,
    texts: Texts,
    plain: Bytes,
    lower: UInt32s,
    out: Bytes,
    ats: Int64s,
    fenced: Int64s,
    slow: Bools,
) -> None:
    for row in range(len(ats)):
        if slow[row]:
            continue
        begins = _begun(marked, out, ats[row])
        at: Integer = begins
        before: Integer = np.int64(1)
        state: Integer = fenced[row]
        sound = True
        if texts.there[row]:
            at, before, state, sound = _fold(
                texts.data, texts.offsets[row], texts.offsets[row + 1], plain, lower, out, at, before, state
            )
        slow[row] = not sound
        ats[row], fenced[row] = at - 1 if before == 1 and at > begins else at, state


@kernel
def _fold_messages(
    marked: bool,
    lists: Int64s,
    there: Bools,
    system: Bytes,
    roles: Texts,
    contents: Texts,
    plain: Bytes,
    lower: UInt32s,
    out: Bytes,
    ats: Int64s,
    fenced: Int64s,
    slow: Bools,
) -> None:
    for row in range(len(ats)):
        if slow[row]:
            continue
        begins = _begun(marked, out, ats[row])
        at: Integer = begins
        before: Integer = np.int64(1)
        state: Integer = fenced[row]
        sound = True
        for said in range(lists[row], lists[row + 1] if there[row] else lists[row]):
            if not (sound and contents.there[said] and is_spoken(roles, said, system)):
                continue
            if before == 0:
                out[at] = _SPACE
                at += 1
                before = np.int64(1)
            at, before, state, sound = _fold(
                contents.data, contents.offsets[said], contents.offsets[said + 1], plain, lower, out, at, before, state
            )
        slow[row] = not sound
        ats[row], fenced[row] = at - 1 if before == 1 and at > begins else at, state
