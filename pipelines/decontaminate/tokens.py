"""Texts as tokens: what stands between white space, in lower case, as s1 and open-r1 compare.

In scripts that are written without spaces each letter is a token of its own. Beside the whole token its bare form is
hashed, without symbols at both ends, so that `true?` and `"True` are one word where short texts are compared.
"""

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.dedup.characters import ALONE, CODE, SPACE, WORD, table
from pipelines.dedup.normal_form import composed
from pipelines.kernels.kernel import Bytes, Int64s, Integer, UInt32s, UInt64s, kernel, mix

GRAM: Final = 8
"""Tokens that are looked up at once: those of the rule of s1 and open-r1."""

ANCHOR: Final = 4
"""Bare tokens by which a short text is looked up."""

_FNV: Final = np.uint64(0x100000001B3)
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_ONE: Final = np.uint64(1)
_OTHER: Final = np.int64(1 << 30)
"""A character that is neither letter nor space; its code stands below."""


def buffers(texts: pl.Series) -> tuple[Int64s, Bytes, pl.Series]:
    """Offsets and bytes of texts in Unicode's form NFC, as Arrow has them, and these texts; a null is empty."""
    normal = composed(texts.cast(pl.String)).fill_null("")
    array = normal.to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    positions = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return positions, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8), normal


def kinds() -> UInt32s:
    """For each code point what it does in a text: see `pipelines.dedup.characters`."""
    return table()


def room(offsets: Int64s) -> int:
    """Tokens that the longest text can have: letters of three bytes, or letters of one with a space between them."""
    return int(np.diff(offsets).max(initial=0)) // 2 + 2


@kernel
def cut(
    data: Bytes,
    start: Integer,
    end: Integer,
    kinds: UInt32s,
    whole: UInt64s,
    bare: UInt64s,
    starts: Int64s,
    ends: Int64s,
) -> int:
    """Cut the text at `start` to `end` into tokens; how many there are.

    `whole` and `bare` get their hashes, `starts` and `ends` their bytes in the text.
    """
    count, place = 0, start
    inside, named = False, False
    all_, run, said = np.uint64(0), np.uint64(0), np.uint64(0)
    while place < end:
        first = np.int64(data[place])
        if first < 0x80:
            code, length = first, 1
        elif first < 0xE0:
            code, length = (first & 0x1F) << 6 | np.int64(data[place + 1] & 0x3F), 2
        elif first < 0xF0:
            code = (first & 0x0F) << 12 | np.int64(data[place + 1] & 0x3F) << 6 | np.int64(data[place + 2] & 0x3F)
            length = 3
        else:
            code = (first & 0x07) << 18 | np.int64(data[place + 1] & 0x3F) << 12
            code |= np.int64(data[place + 2] & 0x3F) << 6 | np.int64(data[place + 3] & 0x3F)
            length = 4
        kind = np.int64(kinds[code])
        alone = kind & ALONE != 0
        if inside and (alone or kind & SPACE):
            whole[count], bare[count], ends[count] = all_, (said if named else all_), place - start
            count += 1
            inside = False
        if kind & SPACE:
            place += length
            continue
        if not inside:
            inside, named = True, False
            all_, run, said = np.uint64(0), np.uint64(0), np.uint64(0)
            starts[count] = place - start
        letter = kind & WORD != 0
        value = np.uint64((kind & CODE) if letter else (code | _OTHER))
        all_ = (all_ + value + _ONE) * _FNV
        if letter:
            run = (run + value + _ONE) * _FNV
            said, named = run, True
        elif named:
            run = (run + value + _ONE) * _FNV
        place += length
        if alone:
            whole[count], bare[count], ends[count] = all_, said, place - start
            count += 1
            inside = False
    if inside:
        whole[count], bare[count], ends[count] = all_, (said if named else all_), place - start
        count += 1
    return count


@kernel
def join(left: np.uint64, right: np.uint64) -> np.uint64:
    """Hash of two runs of tokens, one behind the other. Not linear: no run follows from the hashes beside it."""
    return mix(mix(left) * _BASE + right)


@kernel
def grams(tokens: UInt64s, count: int, pairs: UInt64s, fours: UInt64s, eights: UInt64s) -> None:
    """Hashes of the runs of 2, 4 and 8 tokens that begin at each token; what does not fit is left as it is."""
    for place in range(count - 1):
        pairs[place] = join(tokens[place], tokens[place + 1])
    for place in range(count - 3):
        fours[place] = join(pairs[place], pairs[place + 2])
    for place in range(count - 7):
        eights[place] = join(fours[place], fours[place + 4])


@kernel
def together(tokens: UInt64s, count: int) -> np.uint64:
    """Hash of all tokens of a short text."""
    said = np.uint64(count)
    for place in range(count):
        said = join(said, tokens[place])
    return said
