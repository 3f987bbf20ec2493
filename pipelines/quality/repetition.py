"""One pass over the words, lines and paragraphs of a text, and how much of it is said again."""

from typing import Final

import numpy as np
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.characters import code_points
from pipelines.quality.compiled import Bytes, CodePoints, Hashes, Ints, buffers, counted, decode, mix, slot_of

COUNTS: Final = (
    "bytes",
    "repeated_line_bytes",
    "repeated_paragraph_bytes",
    "distinct_words",
    "words_in_repeated_5grams",
    "words_in_repeated_10grams",
    "loop_words",
)
"""Columns of `repetition`, in the kernel's order. Words are those of `characters`, ASCII letters in lower case."""

_PRIME: Final = np.uint64(0x100000001B3)
_BASIS: Final = np.uint64(0xCBF29CE484222325)
_LOOP_GRAMS: Final = (3, 8, 20)
"""Short grams find short blocks; in scripts whose words are characters a block says some of its own short grams again.
"""


def repetition(texts: pl.Series) -> pl.DataFrame:
    """The `COUNTS` of each text (Int64), null where the text is.

    Some 60 MB a CPU-second; the memory is that of the longest text.
    """
    data, offsets = buffers(texts)
    return counted(_repeated(data, offsets, code_points(), len(COUNTS)), COUNTS, texts)


@kernel
def hash_words(data: Bytes, start: int, end: int, table: CodePoints, words: Hashes) -> int:
    """Write the hash of each word between two bytes to `words`; returns how many there are."""
    count = 0
    current = _BASIS
    inside = False
    position = start
    while position < end:
        point, position = decode(data, position)
        kind = table[point] & 7
        if kind == 3:
            if inside:
                words[count] = mix(current)
                count += 1
                inside = False
            words[count] = mix((_BASIS ^ np.uint64(point)) * _PRIME)
            count += 1
            continue
        joins = kind == 2 or kind == 4 or (kind == 5 and inside)
        if joins:
            if not inside:
                current, inside = _BASIS, True
            if 65 <= point <= 90:
                point += 32
            current = (current ^ np.uint64(point)) * _PRIME
        elif inside:
            words[count] = mix(current)
            count += 1
            inside = False
    if inside:
        words[count] = mix(current)
        count += 1
    return count


@kernel
def _repeated_grams(words: Hashes, count: int, n: int, keys: Hashes, stamps: Ints, stamp: int, mask: int) -> int:
    """Words that lie in an n-gram which stood in the text before."""
    covered = 0
    reach = 0  # words before this one are counted already
    for begin in range(count - n + 1):
        gram = _BASIS
        for k in range(n):
            gram = (gram ^ words[begin + k]) * _PRIME
        gram = mix(gram)
        slot = slot_of(keys, stamps, stamp, mask, gram)
        if stamps[slot] == stamp:
            covered += begin + n - max(begin, reach)
            reach = begin + n
        else:
            stamps[slot] = stamp
            keys[slot] = gram
    return covered


@kernel
def _longest_loop(
    words: Hashes, count: int, n: int, keys: Hashes, stamps: Ints, places: Ints, stamp: int, mask: int
) -> int:
    """The longest stretch in which every n-gram stands at the same distance after its last occurrence.

    In words, from the third copy on: a sentence is often quoted and then edited.
    """
    longest = 0
    distance, run = 0, 0
    for begin in range(count - n + 1):
        gram = _BASIS
        for k in range(n):
            gram = (gram ^ words[begin + k]) * _PRIME
        gram = mix(gram)
        slot = slot_of(keys, stamps, stamp, mask, gram)
        if stamps[slot] == stamp:
            before = begin - places[slot]
            run = run + 1 if before == distance else 1
            distance = before
            said_again = run + n - 1
            longest = max(longest, said_again - distance)
        else:
            stamps[slot] = stamp
            keys[slot] = gram
            distance, run = 0, 0
        places[slot] = begin
    return longest


@kernel
def _repeated_pieces(
    data: Bytes, start: int, end: int, blank_lines: bool, keys: Hashes, stamps: Ints, stamp: int, mask: int
) -> int:
    """Bytes in lines (in paragraphs, where `blank_lines` part them) that stood in the text before, trimmed."""
    repeated = 0
    position = start
    while position < end:
        # Find the end of the piece, then trim it.
        stop = position
        while stop < end:
            if data[stop] == 10 and (not blank_lines or (stop + 1 < end and data[stop + 1] == 10)):
                break
            stop += 1
        first, last = position, stop
        while first < last and data[first] <= 32:
            first += 1
        while last > first and data[last - 1] <= 32:
            last -= 1
        if last > first:
            piece = _BASIS
            for at in range(first, last):
                piece = (piece ^ np.uint64(data[at])) * _PRIME
            piece = mix(piece)
            slot = slot_of(keys, stamps, stamp, mask, piece)
            if stamps[slot] == stamp:
                repeated += last - first
            else:
                stamps[slot] = stamp
                keys[slot] = piece
        position = stop + 1
    return repeated


@kernel
def _repeated(data: Bytes, offsets: Ints, table: CodePoints, width: int) -> Ints:
    rows = len(offsets) - 1
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size = 16
    while size < 2 * longest:
        size *= 2
    words = np.empty(longest + 1, dtype=np.uint64)
    keys = np.empty(size, dtype=np.uint64)
    stamps = np.zeros(size, dtype=np.int64)
    places = np.empty(size, dtype=np.int64)
    out = np.zeros((rows, width), dtype=np.int64)
    stamp = 0
    for row in range(rows):
        start, end = offsets[row], offsets[row + 1]
        out[row, 0] = end - start
        if end == start:
            continue
        count = hash_words(data, start, end, table, words)
        # A table just large enough for this text stays in the cache.
        mask = 15
        while mask < 2 * max(count, (end - start) // 2):
            mask = 2 * mask + 1
        mask = min(mask, size - 1)
        stamp += 1
        out[row, 1] = _repeated_pieces(data, start, end, False, keys, stamps, stamp, mask)
        stamp += 1
        out[row, 2] = _repeated_pieces(data, start, end, True, keys, stamps, stamp, mask)
        stamp += 1
        distinct = 0
        for at in range(count):
            slot = slot_of(keys, stamps, stamp, mask, words[at])
            if stamps[slot] != stamp:
                stamps[slot] = stamp
                keys[slot] = words[at]
                distinct += 1
        out[row, 3] = distinct
        stamp += 1
        out[row, 4] = _repeated_grams(words, count, 5, keys, stamps, stamp, mask)
        stamp += 1
        out[row, 5] = _repeated_grams(words, count, 10, keys, stamps, stamp, mask)
        for n in _LOOP_GRAMS:
            stamp += 1
            out[row, 6] = max(out[row, 6], _longest_loop(words, count, n, keys, stamps, places, stamp, mask))
    return out
