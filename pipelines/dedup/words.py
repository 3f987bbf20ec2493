"""The words of a text, hashed, and the operators before each.

What a word is, and where operators belong to one, stands in `characters`.
"""

from typing import Final

import numpy as np

from pipelines.dedup.characters import (
    ALONE,
    BRACKET,
    CODE,
    DIGIT,
    LINE,
    LOUD,
    MARK,
    OPERATOR,
    POINT,
    SPACE,
    WORD,
    counts,
)
from pipelines.dedup.planes import window
from pipelines.kernels.kernel import (
    Bytes,
    Int64s,
    Integer,
    UInt32s,
    UInt64s,
    eight_bytes,
    inlined,
    ones,
    step,
    zeros_below,
)

_BLANK: Final = ord(" ")
_BEYOND_ASCII: Final = 0x80
_FNV: Final = np.uint64(0x100000001B3)
_STIR: Final = np.uint64(0xD6E8FEB86659FD93)
_ONE, _TWO, _FOURTEEN, _SIXTEEN, _HALF, _SIXTY_THREE = (np.uint64(bits) for bits in (1, 2, 14, 16, 32, 63))
_SEVEN_BITS, _SEVEN_MORE = np.uint64(0x7F), np.uint64(0x3F80)
_LOWER: Final = np.uint64(0x2020202020202020)
_MARKS: Final = np.uint64(0x808080)
"""The top bits of three bytes, which no byte of ASCII has."""


@step
def kind_at(data: Bytes, place: Integer, end: Integer, kinds: UInt32s) -> tuple[Integer, Integer]:
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


@step
def plain_words(
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
    """What `spread_words` does, for a text whose words and operators are all of ASCII and that more text stands behind.

    First the places at which words begin and end, and the words before which there may be operators, from the bits
    alone, then the hashes: so that no word waits for the one before it.
    """
    words: Integer = 0
    noisy, edge, inside = 0, 0, np.uint64(0)
    for place in range(start, end, 64):
        within = ~np.uint64(0) >> np.uint64(max(place + 64 - end, 0))
        bits = window(letters, place - first) & within
        before = bits << _ONE | inside
        inside = bits >> _SIXTY_THREE
        begins, edges = bits & ~before, bits ^ before
        noise = window(loud, place - first) & within
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
def spread_words(
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
        bits = window(letters, place - first)
        between = np.int64(zeros_below(bits))
        length = np.int64(zeros_below(~(bits >> np.uint64(between & 63))))
        stretch = (_TWO << np.uint64((between + length) & 63)) - _ONE
        begin, pending = place + between, np.uint64(0)
        # Nearly all words stand among ASCII, and most of them behind one space.
        if between + length > 62 or begin >= readable or window(foreign, place - first) & stretch != 0 or begin >= end:
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
        kind, length = kind_at(data, place, end, kinds)
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
    last, length = kind_at(data, place, end, kinds)
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
        kind, length = kind_at(data, place, end, kinds)
        if place >= end or kind & WORD == 0 or kind & ALONE:
            return _stirred(word, eight), place, last


@inlined
def _stirred(word: np.uint64, eight: np.uint64) -> np.uint64:
    word = (word ^ eight) * _STIR
    return word ^ word >> _HALF


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
    kind = kind_at(data, place, end, kinds)[0]
    run, after = 1, kind_at(data, place + length, end, kinds)[0]
    while after == kind:
        run += 1
        after = kind_at(data, place + run * length, end, kinds)[0]
    if counts(kind, run, before, after, fresh):
        for _ in range(run):
            pending = (pending + np.uint64(kind & CODE) + np.uint64(1)) * _FNV
    return run, pending
