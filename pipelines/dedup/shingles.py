"""Texts as sets of word n-grams, hashed in one pass over their bytes.

About 300 MB of text a CPU-second. What a word is, and where operators belong to one, stands in `characters`.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Final, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.dedup.characters import (
    ALONE,
    BRACKET,
    CODE,
    DIGIT,
    LINE,
    LOOSE,
    LOUD,
    MARK,
    OPERATOR,
    POINT,
    SPACE,
    WORD,
    counts,
    table,
)
from pipelines.kernels.kernel import (
    Bytes,
    Int32s,
    Int64s,
    Integer,
    UInt32s,
    UInt64s,
    digits_of,
    eight_bytes,
    foreign_of,
    inlined,
    kernel,
    letters_of,
    mix,
    ones,
    points_of,
    signs_of,
    step,
    zeros_below,
)

WORDS: Final = 5
"""Words a shingle: sets of 5 words are what post-training corpora are compared by (text-dedup, datatrove, Tulu 3)."""

OPERATORS: Final = np.uint64(0xFFFFF)
"""The bits of a shingle's hash that its operators decide; all others come from its words."""

_ABOVE_OPERATORS: Final = np.uint64(44)
_BLANK: Final = ord(" ")
_BEYOND_ASCII: Final = 0x80
_IN_MEMORY: Final = 1 << 30
_FNV: Final = np.uint64(0x100000001B3)
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_STIR: Final = np.uint64(0xD6E8FEB86659FD93)
_ONE, _TWO, _SEVEN, _FOURTEEN, _SIXTEEN, _HALF, _FIFTY_SIX, _SIXTY_THREE = (
    np.uint64(bits) for bits in (1, 2, 7, 14, 16, 32, 56, 63)
)
_GATHER: Final = np.uint64(0x0102040810204080)
"""Multiplied by it, the lowest bits of 8 bytes become the 8 bits of the top one."""
_SEVEN_BITS, _SEVEN_MORE, _BEYOND = np.uint64(0x7F), np.uint64(0x3F80), np.uint64(0x80)


def _bytes(value: int) -> np.uint64:
    return np.uint64(value * 0x0101010101010101)


_TOPS, _LOWER, _SEVENS, _UNDERSCORES = (_bytes(value) for value in (0x80, 0x20, 0x7F, ord("_")))
_FROM_A, _FROM_Z, _FROM_0, _FROM_9 = (
    _bytes(0x80 - value) for value in (ord("a"), ord("z") + 1, ord("0"), ord("9") + 1)
)
_MARKS: Final = np.uint64(0x808080)
"""The top bits of three bytes, which no byte of ASCII has."""


Planes: TypeAlias = tuple[UInt64s, UInt64s, UInt64s]


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
    offsets, data, planes = _composed(texts)
    hashes = np.empty(_most(offsets), np.uint64)
    ends = np.zeros(len(texts) + 1, np.int64)
    words = np.zeros(len(texts), np.int32)
    used = _shingle(offsets, data, table(), planes, size, hashes, ends, words)
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
    offsets, data = _buffers(texts)
    loose = _loose(offsets, data, table(), _planes(offsets, data)[1])
    return texts.scatter(loose, texts.gather(loose).str.normalize("NFC")) if len(loose) else texts


def _composed(texts: pl.Series) -> tuple[Int64s, Bytes, Planes]:
    """Offsets, bytes and bits of the texts in NFC."""
    offsets, data = _buffers(texts)
    planes = _planes(offsets, data)
    loose = _loose(offsets, data, table(), planes[1])
    if len(loose) and not (normal := texts.gather(loose).str.normalize("NFC")).equals(texts.gather(loose)):
        offsets, data = _buffers(texts.scatter(loose, normal))
        planes = _planes(offsets, data)
    return offsets, data, planes


def _buffers(texts: pl.Series) -> tuple[Int64s, Bytes]:
    """Offsets and bytes of the texts, as Arrow has them."""
    array = texts.cast(pl.String).fill_null("").to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    positions = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return positions, np.frombuffer(data if data is not None else b"", np.uint8)


def _most(offsets: Int64s) -> int:
    """More shingles than the texts can have: a word takes at least two bytes, or three alone."""
    return int(offsets[-1] - offsets[0]) // 2 + 3 * len(offsets)


@step
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
    planes: Planes,
    size: int,
    hashes: UInt64s,
    ends: Int64s,
    words: Int32s,
) -> int:
    """Fill `hashes`, `ends` and `words`; the number of hashes."""
    first, longest = offsets[0], np.int64(0)
    for row in range(len(words)):
        longest = max(longest, offsets[row + 1] - offsets[row])
    said, signs = np.empty(longest // 2 + 2, np.uint64), np.empty(longest // 2 + 2, np.uint64)
    bounds, gaps = np.empty(longest + 4, np.int64), np.empty(longest + 4, np.int64)
    letters, foreign, loud = planes
    readable = len(data) - 64
    used = 0
    for row in range(len(words)):
        start, end = offsets[row], offsets[row + 1]
        if end <= readable and not _any(foreign, start - first, end - first):
            count, signed, behind = _plain_words(
                data, first, start, end, kinds, letters, loud, bounds, gaps, said, signs
            )
        else:
            count, signed, behind = _words(data, first, start, end, kinds, letters, foreign, said, signs)
        made = max(count - size + 1, 1)
        _joined(said, signs, count, size, signed or behind != 0, behind, hashes[used : used + made])
        used += made
        words[row] = count
        ends[row + 1] = used
    return used


@kernel
def _loose(offsets: Int64s, data: Bytes, kinds: UInt32s, foreign: UInt64s) -> Int64s:
    """The texts that have a character that another one may be composed of."""
    found, count, first = np.empty(len(offsets) - 1, np.int64), 0, offsets[0]
    for row in range(len(found)):
        start, end = offsets[row], offsets[row + 1]
        place = start
        while place < end:
            bits = _window(foreign, place - first)
            if bits == 0:
                place += 64
                continue
            place += np.int64(zeros_below(bits))
            if place >= end:
                break
            kind, length = _kind_at(data, place, end, kinds)
            if kind & LOOSE:
                found[count] = row
                count += 1
                break
            place += length
    return found[:count]


def _planes(offsets: Int64s, data: Bytes) -> Planes:
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


@step
def _any(bits: UInt64s, start: Integer, end: Integer) -> bool:
    """Whether a bit is set from `start` to `end`."""
    found = np.uint64(0)
    while end - start >= 64:
        found |= _window(bits, start)
        start += 64
    return bool((found | (_window(bits, start) & ((_ONE << np.uint64(end - start)) - _ONE))) != 0)


@inlined
def _window(bits: UInt64s, place: Integer) -> np.uint64:
    """64 bits from `place` on."""
    block, shift = place >> 6, np.uint64(place & 63)
    # In two steps, since a shift by 64 is none.
    window: np.uint64 = bits[block] >> shift | bits[block + 1] << _ONE << (_SIXTY_THREE - shift)
    return window


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


@step
def _plain_words(
    data: Bytes,
    first: Integer,
    start: Integer,
    end: Integer,
    kinds: UInt32s,
    letters: UInt64s,
    loud: UInt64s,
    bounds: Int64s,
    gaps: Int64s,
    said: UInt64s,
    signs: UInt64s,
) -> tuple[Integer, bool, np.uint64]:
    """What `_words` does, for a text of ASCII that more text stands behind.

    First the places at which words begin and end, and the words before which there may be operators, from the bits
    alone, then the hashes: so that no word waits for the one before it.
    """
    words: Integer = 0
    noisy, edge, inside = 0, 0, np.uint64(0)
    for place in range(start, end, 64):
        within = ~np.uint64(0) >> np.uint64(max(place + 64 - end, 0))
        bits = _window(letters, place - first) & within
        before = bits << _ONE | inside
        inside = bits >> _SIXTY_THREE
        begins, edges = bits & ~before, bits ^ before
        noise = _window(loud, place - first) & within
        while noise != 0:
            word = words + np.int64(ones(begins & ((noise & (~noise + _ONE)) - _ONE)))
            gaps[noisy] = word
            noisy += noisy == 0 or gaps[noisy - 1] != word
            noise &= noise - _ONE
        words += np.int64(ones(begins))
        while edges != 0:
            bounds[edge] = place + np.int64(zeros_below(edges))
            edge += 1
            edges &= edges - _ONE
    bounds[edge] = end
    for word in range(words):
        begin = bounds[2 * word]
        length = bounds[2 * word + 1] - begin
        if length >= 16:
            said[word] = _hashed(data, begin, begin + length)
            continue
        one = (eight_bytes(data, begin) | _LOWER) & (~np.uint64(0) >> np.uint64(64 - 8 * min(length, 8)))
        two = (eight_bytes(data, begin + 8) | _LOWER) & ((_ONE << np.uint64(8 * max(length - 8, 0))) - _ONE)
        hashed = _stirred(np.uint64(0), one)
        longer = _stirred(hashed, two)
        said[word] = hashed if length < 8 else longer
    signed, behind = False, np.uint64(0)
    if noisy > 0:
        for word in range(words):
            signs[word] = np.uint64(0)
    for gap in range(noisy):
        word = gaps[gap]
        gap_start = bounds[2 * word - 1] if word > 0 else start
        kind = np.int64(kinds[data[gap_start - 1]]) if word > 0 else np.int64(SPACE)
        _, _, _, pending = _gap(data, gap_start, end, kinds, kind, word == 0, np.uint64(0))
        if word < words:
            signs[word] = pending
            signed |= pending != 0
        else:
            behind = pending
    return words, signed, behind


@inlined
def _hashed(data: Bytes, begin: Integer, stop: Integer) -> np.uint64:
    """Hash of a word of ASCII: see `_word`."""
    word = np.uint64(0)
    while stop - begin >= 8:
        word = _stirred(word, eight_bytes(data, begin) | _LOWER)
        begin += 8
    return _stirred(word, (eight_bytes(data, begin) | _LOWER) & ((_ONE << np.uint64(8 * (stop - begin))) - _ONE))


@step
def _words(
    data: Bytes,
    first: Integer,
    start: Integer,
    end: Integer,
    kinds: UInt32s,
    letters: UInt64s,
    foreign: UInt64s,
    said: UInt64s,
    signs: UInt64s,
) -> tuple[int, bool, np.uint64]:
    """Hash the words of a text, and the operators before each; how many words there are, whether there are operators,
    and the hash of those behind the last. `first`: where the bits begin.
    """
    place, count, signed = start, 0, False
    before: Integer = np.int64(SPACE)
    fresh, pending = True, np.uint64(0)
    readable = len(data) - 64
    while True:
        bits = _window(letters, place - first)
        between = np.int64(zeros_below(bits))
        length = np.int64(zeros_below(~(bits >> np.uint64(between & 63))))
        stretch = (_TWO << np.uint64((between + length) & 63)) - _ONE
        begin, pending = place + between, np.uint64(0)
        # Nearly all words stand among ASCII, and most of them behind one space.
        if between + length > 62 or begin >= readable or _window(foreign, place - first) & stretch != 0 or begin >= end:
            place, before, fresh, pending = _gap(data, place, end, kinds, before, fresh, np.uint64(0))
            if place >= end:
                return count, signed, pending
            said[count], place, before = _word(data, place, end, kinds)
        else:
            if (between != 1 or data[place] != _BLANK) and _loud(data, place, begin, kinds, before):
                _, _, _, pending = _gap(data, place, end, kinds, before, fresh, np.uint64(0))
            place = min(begin + length, end)
            said[count] = _hashed(data, begin, place)
            before = np.int64(kinds[data[place - 1]])
        signs[count] = pending
        signed |= pending != 0
        fresh = False
        count += 1


@inlined
def _loud(data: Bytes, place: Integer, begin: Integer, kinds: UInt32s, before: Integer) -> bool:
    """Whether something in the gap before a word may be an operator; always where it is longer than three bytes."""
    if begin == place:
        return False
    second = place + 1 if place + 1 < begin else place
    there = np.int64(kinds[data[place]] | kinds[data[second]] | kinds[data[begin - 1]])
    point = begin - place == 1 and there & CODE == POINT and before & DIGIT != 0
    return begin - place > 3 or there & LOUD != 0 or point


@step
def _gap(
    data: Bytes, place: Integer, end: Integer, kinds: UInt32s, before: Integer, fresh: bool, pending: np.uint64
) -> tuple[Integer, Integer, bool, np.uint64]:
    """Pass what stands between words: where the next one begins, the kind of the character before it, whether only
    white space stands before it in its line, and `pending` with the operators in it that count."""
    while place < end:
        if data[place] == _BLANK:
            before = np.int64(SPACE)
            place += 1
            continue
        kind, length = _kind_at(data, place, end, kinds)
        if kind & WORD:
            break
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
    return place, before, fresh, pending


@step
def _word(data: Bytes, place: Integer, end: Integer, kinds: UInt32s) -> tuple[np.uint64, Integer, Integer]:
    """Hash of the word that begins at `place`, where it ends, and the kind of its last character.

    Its lower-cased letters as bytes, 8 at a time: one of ASCII is one byte, any other three.
    """
    word, eight, filled = np.uint64(0), np.uint64(0), 0
    last, length = _kind_at(data, place, end, kinds)
    kind = last
    while True:
        code, width = np.uint64(kind & CODE), 1
        if code < _BEYOND_ASCII:
            code |= np.uint64(_BLANK)
        else:
            width = 3
            code = _MARKS | code & _SEVEN_BITS | (code & _SEVEN_MORE) << _ONE | code >> _FOURTEEN << _SIXTEEN
        eight |= code << np.uint64(8 * filled)
        filled += width
        if filled >= 8:
            filled -= 8
            word = _stirred(word, eight)
            eight = code >> np.uint64(8 * (width - filled))
        place, last = place + length, kind
        kind, length = _kind_at(data, place, end, kinds)
        if place >= end or kind & WORD == 0 or kind & ALONE:
            return _stirred(word, eight), place, last


@inlined
def _stirred(word: np.uint64, eight: np.uint64) -> np.uint64:
    word = (word ^ eight) * _STIR
    return word ^ word >> _HALF


@inlined
def _letters_of(eight: np.uint64) -> np.uint64:
    """The top bit of each byte that is a letter, digit or underscore of ASCII; other bits are of no meaning."""
    low = eight & ~_TOPS
    folded = low | _LOWER
    letter = (folded + _FROM_A) & ~(folded + _FROM_Z)
    digit = (low + _FROM_0) & ~(low + _FROM_9)
    underscore = ~((low ^ _UNDERSCORES) + _SEVENS)
    return (letter | digit | underscore) & ~eight


@step
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
