"""Texts as sets of word n-grams, hashed in one pass over their bytes."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Final

import numpy as np
import polars as pl

from pipelines.dedup.blocks import blocks
from pipelines.dedup.characters import LOUD, WORD, table
from pipelines.dedup.normal_form import composed_buffers
from pipelines.dedup.planes import Planes
from pipelines.dedup.words import plain_words, spread_words
from pipelines.kernels.kernel import Bools, Bytes, Int32s, Int64s, Integer, UInt32s, UInt64s, inlined, kernel, mix, step

WORDS: Final = 5
"""Words a shingle: sets of 5 words are what post-training corpora are compared by (text-dedup, datatrove, Tulu 3)."""

OPERATORS: Final = np.uint64(0xFFFFF)
"""The bits of a shingle's hash that its operators decide; all others come from its words."""

_ABOVE_OPERATORS: Final = np.uint64(44)
_IN_MEMORY: Final = 1 << 30
_BLOCK: Final = 1 << 21
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_STIR: Final = np.uint64(0xD6E8FEB86659FD93)


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

    @property
    def room(self) -> UInt64s:
        """The array that the hashes lie in, for those of other texts when these are not needed any more."""
        room = self.hashes.base
        return room if isinstance(room, np.ndarray) else self.hashes


def shingles(texts: pl.Series, size: int = WORDS, room: UInt64s | None = None) -> Shingles:
    """The shingles of `size` words (1 to 15) of each text, in Unicode's form NFC; a null is an empty text.

    `room`: where the hashes are written if they fit, so that no fresh memory is asked for.
    """
    needed = most(int(texts.str.len_bytes().sum()), len(texts))
    hashes = room if room is not None and len(room) >= needed else np.empty(needed, np.uint64)
    ends, words = np.zeros(len(texts) + 1, np.int64), np.zeros(len(texts), np.int32)
    start, used = 0, 0
    for block in blocks(texts, _BLOCK):
        read = composed_buffers(block)
        needed = used + most(int(read.offsets[-1] - read.offsets[0]), len(block))
        if needed > len(hashes):
            # In NFC a few texts are longer.
            hashes = np.concatenate([hashes[:used], np.empty(needed, np.uint64)])
        end = start + len(block)
        plain = read.beyond & (WORD | LOUD) == 0
        used = _shingle(
            read.offsets,
            read.data,
            table(),
            read.planes,
            plain,
            size,
            hashes,
            used,
            ends[start : end + 1],
            words[start:end],
        )
        start = end
    return Shingles(ends, hashes[:used], words)


def most(size: int, texts: int) -> int:
    """More shingles than some texts of `size` bytes can have: a word takes at least two bytes, or three alone."""
    return size // 2 + 3 * texts + 3


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


@kernel
def _shingle(
    offsets: Int64s,
    data: Bytes,
    kinds: UInt32s,
    planes: Planes,
    plain: Bools,
    size: int,
    hashes: UInt64s,
    used: int,
    ends: Int64s,
    words: Int32s,
) -> int:
    """Fill `hashes` from `used` on, `ends` and `words`; the number of hashes."""
    first, longest = offsets[0], np.int64(0)
    for row in range(len(words)):
        longest = max(longest, offsets[row + 1] - offsets[row])
    said, signs = np.empty(longest // 2 + 2, np.uint64), np.empty(longest // 2 + 2, np.uint64)
    bounds, gaps = np.empty(longest + 4, np.int64), np.empty(longest + 4, np.int64)
    letters, foreign, loud = planes
    readable = len(data) - 64
    for row in range(len(words)):
        start, end = offsets[row], offsets[row + 1]
        if end <= readable and plain[row]:
            count, signed, behind = plain_words(
                data, first, start, end, kinds, letters, loud, bounds, gaps, said, signs
            )
        else:
            count, signed, behind = spread_words(data, first, start, end, kinds, letters, foreign, said, signs)
        made = max(count - size + 1, 1)
        _joined(said, signs, count, size, signed or behind != 0, behind, hashes[used : used + made])
        used += made
        words[row] = count
        ends[row + 1] = used
    return used


@step
def _joined(
    said: UInt64s,
    signs: UInt64s,
    count: Integer,
    size: int,
    signed: bool,
    behind: np.uint64,
    hashes: UInt64s,
) -> None:
    """The hash of each run of `size` words, or the one of all words where they are fewer; `behind`: operators behind
    the last word."""
    length, made = min(count, size), len(hashes)
    if length == WORDS:
        for run in range(made):
            hashes[run] = mix(_five(said, run)) & ~OPERATORS
    else:
        few = np.uint64(0) if count >= size else np.uint64(count)
        for run in range(made):
            hashes[run] = mix(_weighed(said, run, length) + few) & ~OPERATORS
    if signed and length == WORDS:
        # No operators are 0, and so is its mix.
        for run in range(made - 1):
            hashes[run] |= mix(_five(signs, run)) >> _ABOVE_OPERATORS
    elif signed:
        for run in range(made - 1):
            hashes[run] |= mix(_weighed(signs, run, length)) >> _ABOVE_OPERATORS
    if signed:
        # What stands behind the last word belongs to the last shingle.
        hashes[made - 1] |= mix(_weighed(signs, made - 1, length) + behind * _STIR) >> _ABOVE_OPERATORS


@inlined
def _five(values: UInt64s, run: Integer) -> np.uint64:
    """`_weighed` for WORDS, without a loop: only this becomes vector instructions."""
    total = (np.uint64(values[run]) * _BASE + np.uint64(values[run + 1])) * _BASE + np.uint64(values[run + 2])
    return (total * _BASE + np.uint64(values[run + 3])) * _BASE + np.uint64(values[run + 4])


@inlined
def _weighed(values: UInt64s, run: Integer, length: Integer) -> np.uint64:
    total: np.uint64 = np.uint64(0)
    for place in range(length):
        total = total * _BASE + np.uint64(values[run + place])
    return total
