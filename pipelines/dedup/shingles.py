"""Texts as sets of word n-grams, hashed in one pass over their bytes.

About 300 MB of text a CPU-second. What a word is, and where operators belong to one, stands in `characters`.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.dedup.characters import (
    ALONE,
    BRACKET,
    CODE,
    DIGIT,
    LINE,
    MARK,
    OPERATOR,
    POINT,
    SPACE,
    WORD,
    counts,
    letters,
    table,
)
from pipelines.dedup.kernel import Bytes, Int32s, Int64s, Integer, UInt32s, UInt64s, inlined, kernel, mix

WORDS: Final = 5
"""Words a shingle: sets of 5 words are what post-training corpora are compared by (text-dedup, datatrove, Tulu 3)."""

OPERATORS: Final = np.uint64(0xFFFFF)
"""The bits of a shingle's hash that its operators decide; all others come from its words."""

_RING: Final = 15
_ABOVE_OPERATORS: Final = np.uint64(44)
_BLANK: Final = ord(" ")
_BEYOND_ASCII: Final = 0x80
_IN_MEMORY: Final = 1 << 30
_FNV: Final = np.uint64(0x100000001B3)
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_WORD_SHIFT: Final = np.uint64(29)


@dataclass(frozen=True)
class Shingles:
    """The shingles of each text, in its order and as often as they occur: `hashes[offsets[i]:offsets[i + 1]]`.

    A text of fewer words than a shingle has one hash, of all its words. `words`: words of each text. The bits of
    OPERATORS in a hash are those of the shingle's operators; the others tell its words.
    """

    offsets: Int64s
    hashes: UInt64s
    words: Int32s

    def __len__(self) -> int:
        return len(self.words)


def shingles(texts: pl.Series, size: int = WORDS) -> Shingles:
    """The shingles of `size` words (1 to 15) of each text, in Unicode's form NFC; a null is an empty text."""
    offsets, data = _buffers(composed(texts))
    hashes = np.empty(_most(offsets), np.uint64)
    ends = np.zeros(len(texts) + 1, np.int64)
    words = np.zeros(len(texts), np.int32)
    used = _shingle(offsets, data, table(), letters(), size, hashes, ends, words)
    return Shingles(ends, hashes[:used], words)


def gather(parts: Iterable[Shingles]) -> Shingles:
    """One after the other. Beyond 1 GB the hashes lie in a temporary file that the system pages in and out."""
    lengths, words, held, size = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.uint64)], 0
    with contextlib.ExitStack() as opened:
        spilled = None
        for part in parts:
            lengths.append(np.diff(part.offsets))
            words.append(part.words)
            held.append(part.hashes.copy())
            size += part.hashes.nbytes
            if spilled is None and size > _IN_MEMORY:
                spilled = opened.enter_context(TemporaryFile())
            if spilled is not None:
                for hashes in held:
                    spilled.write(hashes.data)
                held.clear()
        if spilled is None:
            gathered = np.concatenate(held)
        else:
            spilled.flush()
            gathered = np.asarray(np.memmap(spilled, np.uint64, mode="r+"))
    return Shingles(np.cumsum(np.concatenate(lengths)), gathered, np.concatenate(words))


def composed(texts: pl.Series) -> pl.Series:
    """Texts in NFC. Only those that may need it are normalised: they have a mark, or a single letter of Hangul."""
    foreign = (texts.str.len_bytes() != texts.str.len_chars()).arg_true()
    loose = foreign.filter(texts.gather(foreign).str.contains(r"[\p{M}\u1100-\u11FF]"))
    return texts.scatter(loose, texts.gather(loose).str.normalize("NFC")) if len(loose) else texts


def _buffers(texts: pl.Series) -> tuple[Int64s, Bytes]:
    """Offsets and bytes of the texts, as Arrow has them."""
    array = texts.cast(pl.String).fill_null("").to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    positions = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return positions, np.frombuffer(data if data is not None else b"", np.uint8)


def _most(offsets: Int64s) -> int:
    """More shingles than the texts can have: a word takes at least two bytes, or three alone."""
    return int(offsets[-1] - offsets[0]) // 2 + 3 * len(offsets)


@kernel
def _kind_at(data: Bytes, place: Integer, end: Integer, kinds: UInt32s) -> tuple[Integer, Integer]:
    """Kind of the character at `place` and how many bytes it has; SPACE at the end of a text."""
    if place >= end:
        return np.int64(SPACE), 0
    first = np.int64(data[place])
    if first < 0x80:
        return np.int64(kinds[first]), 1
    if first < 0xE0:
        return np.int64(kinds[(first & 0x1F) << 6 | np.int64(data[place + 1] & 0x3F)]), 2
    second = np.int64(data[place + 1] & 0x3F)
    if first < 0xF0:
        return np.int64(kinds[(first & 0x0F) << 12 | second << 6 | np.int64(data[place + 2] & 0x3F)]), 3
    last = np.int64(data[place + 2] & 0x3F) << 6 | np.int64(data[place + 3] & 0x3F)
    return np.int64(kinds[(first & 0x07) << 18 | second << 12 | last]), 4


@kernel
def _shingle(
    offsets: Int64s,
    data: Bytes,
    kinds: UInt32s,
    letters: UInt64s,
    size: int,
    hashes: UInt64s,
    ends: Int64s,
    words: Int32s,
) -> int:
    """Fill `hashes`, `ends` and `words`; the number of hashes. A rolling sum over the hashes of the last words."""
    leaving = np.uint64(1)
    for _ in range(size):
        leaving *= _BASE
    ring, sign_ring = np.zeros(_RING + 1, np.uint64), np.zeros(_RING + 1, np.uint64)
    used = 0
    for row in range(len(words)):
        place, end = offsets[row], offsets[row + 1]
        count, said, signs, pending = 0, np.uint64(0), np.uint64(0), np.uint64(0)
        kind: Integer = np.int64(SPACE)
        length: Integer = 0
        before, fresh = kind, True
        while place < end:
            if data[place] == _BLANK:
                before = np.int64(SPACE)
                place += 1
                continue
            if data[place] < _BEYOND_ASCII:
                kind, length = np.int64(kinds[data[place]]), 1
            else:
                kind, length = _kind_at(data, place, end, kinds)
            if kind & WORD == 0:
                run = 1
                # The point that ends a sentence is by far the most frequent of them.
                if kind & (OPERATOR | BRACKET) or (kind & MARK and (before & DIGIT or kind & CODE != POINT)):
                    run, pending = _operators(data, place, length, end, kinds, before, fresh, pending)
                if kind & SPACE == 0:
                    fresh = False
                elif kind & LINE:
                    fresh = True
                before = kind
                place += run * length
                continue
            word, sign, pending, fresh = np.uint64(0), pending, np.uint64(0), False
            while True:
                word = (word + np.uint64(kind & CODE)) * _FNV
                place += length
                last = place
                while place < end:
                    letter = letters[data[place]]
                    if letter == 0:
                        break
                    word = (word + letter) * _FNV
                    place += 1
                before = np.int64(kinds[data[place - 1]]) if place > last else kind
                if place >= end or data[place] < _BEYOND_ASCII:
                    break
                kind, length = _kind_at(data, place, end, kinds)
                if kind & WORD == 0 or kind & ALONE:
                    break
            word ^= word >> _WORD_SHIFT
            said = said * _BASE + word
            # Most texts have no operators in most places.
            if sign != 0 or signs != 0:
                signs = signs * _BASE + sign
                if count >= size:
                    signs -= sign_ring[(count - size) & _RING] * leaving
            if count >= size:
                said -= ring[(count - size) & _RING] * leaving
            ring[count & _RING], sign_ring[count & _RING] = word, sign
            count += 1
            if count >= size:
                hashes[used] = _joined(said, signs)
                used += 1
        if count < size:
            hashes[used] = _joined(said + np.uint64(count), signs + pending)
            used += 1
        elif pending != 0:
            # What stands behind the last word belongs to the last shingle.
            hashes[used - 1] = _joined(said, signs + pending)
        words[row] = count
        ends[row + 1] = used
    return used


@inlined
def _joined(said: np.uint64, signs: np.uint64) -> np.uint64:
    hashed = mix(said) & ~OPERATORS
    return hashed | (mix(signs) >> _ABOVE_OPERATORS) if signs != 0 else hashed


@kernel
def _operators(
    data: Bytes,
    place: Integer,
    length: Integer,
    end: Integer,
    kinds: UInt32s,
    before: Integer,
    fresh: bool,
    pending: np.uint64,
) -> tuple[int, np.uint64]:
    """Length of the run of equal operators at `place`, and `pending` with them in it if they count."""
    kind = _kind_at(data, place, end, kinds)[0]
    run, after = 1, _kind_at(data, place + length, end, kinds)[0]
    while after == kind:
        run += 1
        after = _kind_at(data, place + run * length, end, kinds)[0]
    if counts(kind, run, before, after, fresh):
        for _ in range(run):
            pending = (pending + np.uint64(kind & CODE) + np.uint64(1)) * _FNV
    return run, pending
