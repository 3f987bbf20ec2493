"""One pass over a text for all that the filters of web corpora measure: Gopher's and FineWeb's.

Their words are tokens that hold punctuation apart (`don't` is `do` and `n't`, `word.` is two, `3.5` one), and case
counts; those of `characters` are not. Thresholds made for web pages refuse two in three good instructions, so no rule
of the default recipe reads these: they are there to be compared with what others report.
"""

import functools
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.compiled import Bytes, Hashes, Ints, buffers, counted, decode, mix, slot_of

SHORT_LINE: Final = 30
"""FineWeb's short lines have at most as many characters."""

STOP_WORDS: Final = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's list (Rae et al. 2021, appendix A1)."""

TOP: Final = (2, 3, 4)
DUPLICATE: Final = (5, 6, 7, 8, 9, 10)

COUNTS: Final = (
    "web_words",
    "web_plain_words",
    "web_plain_word_chars",
    "web_alpha_words",
    "web_stop_words",
    "web_hashes",
    "web_ellipses",
    "web_lines",
    "web_bullet_lines",
    "web_ellipsis_lines",
    "web_chars",
    "web_paragraphs",
    "web_dup_paragraphs",
    "web_dup_paragraph_chars",
    "web_broken_lines",
    "web_dup_lines",
    "web_dup_line_chars",
    "web_full_lines",
    "web_punctuated_lines",
    "web_short_lines",
    "web_dup_full_line_chars",
    "web_newlines",
    *(f"web_top_{n}gram_chars" for n in TOP),
    *(f"web_dup_{n}gram_chars" for n in DUPLICATE),
)
"""Columns of `web_filters`, in the kernel's order.

`lines` are those of `str.splitlines`; `broken_lines` those between runs of line feeds, `full_lines` those between
single ones that are not blank. A `dup` is a piece that stood in the text before.
"""

_SPACE, _WORD, _DIGIT, _LETTER, _TERMINAL = 1, 2, 4, 8, 16
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
_BASIS: Final = np.uint64(0xCBF29CE484222325)


def web_filters(texts: pl.Series) -> pl.DataFrame:
    """The `COUNTS` of each text (Int64), null where the text is. The memory is some 50 times that of the longest."""
    data, offsets = buffers(texts)
    return counted(_measure(data, offsets, _points(), _stop_words(), len(COUNTS)), COUNTS, texts)


@functools.cache
def _points() -> npt.NDArray[Any]:
    """What each code point is: bits of `_SPACE`, `_WORD`, `_DIGIT`, `_LETTER` and `_TERMINAL`."""
    points = np.concatenate([np.arange(0xD800), np.arange(0xE000, 0x110000)])
    chars = pl.Series(list(points.astype(np.uint32).tobytes().decode("utf-32-le")))
    kinds = np.zeros(0x110000, dtype=np.uint8)
    for bit, pattern in {
        _SPACE: r"[\s\x1c-\x1f]",
        _WORD: r"[\p{L}\p{M}\p{N}]",
        _DIGIT: r"\p{Nd}",
        _LETTER: r"\p{L}",
        _TERMINAL: r"[\p{Sentence_Terminal}｡．]",
    }.items():
        kinds[points[chars.str.contains(pattern).to_numpy()]] |= bit
    return kinds


@functools.cache
def _stop_words() -> Hashes:
    data, offsets = buffers(pl.Series(STOP_WORDS))
    return _words_alone(data, offsets, _points())


@kernel
def _words_alone(data: Bytes, offsets: Ints, table: npt.NDArray[Any]) -> Hashes:
    """The hash of the first word of each text."""
    out = np.zeros(len(offsets) - 1, dtype=np.uint64)
    hashes, sizes, flags = np.zeros(64, np.uint64), np.zeros(64, np.int64), np.zeros(64, np.uint8)
    for row in range(len(out)):
        _tokens(data, offsets[row], offsets[row + 1], table, hashes, sizes, flags)
        out[row] = hashes[0]
    return out


@kernel
def _outside(point: int, inner: int, inner_kind: int, second: int, before: bool) -> bool:
    """Whether a mark at an end of a run of visible characters is a token of its own; `inner`, `second`: what is next
    to it, inwards."""
    if point == 46:
        if before:
            return inner == 46
        upper = 65 <= inner <= 90
        return not upper or 65 <= second <= 90
    if point > 127:
        return True
    if point == 36 or point == 37:
        return before or bool(inner_kind & 4)
    if point == 43:
        return not inner_kind & 4 if before else bool(inner_kind & 4)
    if point == 61:
        return before
    # - / \\ @ ^ ` | ~ stay with what they touch.
    return (
        not (point == 45 or point == 47 or point == 92 or point == 64 or point == 94 or point == 96 or point > 123)
        or point == 125
    )


@kernel
def _parts(before: int, kind_before: int, point: int, after: int, kind_after: int) -> bool:
    """Whether a mark within a run of visible characters parts two tokens, and is one itself."""
    digits = bool(kind_before & 4) and (bool(kind_after & 4) or after == 45)
    if point == 46:  # not 3.5 or e.g; but end.Next
        return 97 <= before <= 122 and 65 <= after <= 90
    if point == 44:
        return bool(kind_before & 8) and bool(kind_after & 8)
    if point == 45:
        return digits or (bool(kind_before & 2) and bool(kind_after & 8))
    if point == 43 or point == 42 or point == 94:
        return digits
    if point == 126 or point == 0x2013 or point == 0x2014 or point == 58 or 60 <= point <= 62 or point == 47:
        return bool(kind_before & 2) and bool(kind_after & 8)
    return point == 0x2026


@kernel
def _contraction(data: Bytes, position: int, end: int) -> bool:
    """Whether s, d, m, t, re, ve or ll ends the run behind an apostrophe."""
    if end - position == 1:
        return data[position] | 32 in (115, 100, 109, 116)
    if end - position == 2:
        one, two = data[position] | 32, data[position + 1] | 32
        return (two == 101 and one in (114, 118)) or (two == 108 and one == 108)
    return False


@kernel
def _put(
    current: np.uint64, size: int, bits: int, count: int, hashes: Hashes, sizes: Ints, flags: npt.NDArray[Any]
) -> int:
    """Write a token, unless there is nothing in it; how many there are now."""
    if size == 0:
        return count
    hashes[count], sizes[count], flags[count] = mix(current), size, bits
    return count + 1


@kernel
def _marks(
    data: Bytes, position: int, end: int, count: int, hashes: Hashes, sizes: Ints, flags: npt.NDArray[Any]
) -> int:
    """Write each mark as a token of its own, full stops in a row as one; how many there are now."""
    while position < end:
        point, position = decode(data, position)
        current, size = (_BASIS ^ np.uint64(point)) * _PRIME, 1
        while point == 46 and position < end and data[position] == 46:
            current, size, position = (current ^ np.uint64(46)) * _PRIME, size + 1, position + 1
        count = _put(current, size, 0, count, hashes, sizes, flags)
    return count


@kernel
def _inside(
    data: Bytes, start: int, end: int, table: npt.NDArray[Any], count: int, hashes: Hashes, sizes: Ints,
    flags: npt.NDArray[Any],
) -> int:  # fmt: skip
    """Write the tokens of a run of visible characters without the marks at its ends; how many there are now."""
    address = end - start > 7 and data[start] == 104 and data[start + 1] == 116 and data[start + 3] == 112
    current, shorter, size, bits = _BASIS, _BASIS, 0, 0
    before, kind_before = 0, 0
    position = start
    while position < end:
        point, following = decode(data, position)
        kind = table[point]
        if not kind & 2 and size and following < end and not address:
            after, _ = decode(data, following)
            kind_after = table[after]
            if (point == 39 or point == 0x2019) and kind_before & 8 and _contraction(data, following, end):
                # Of don't the n belongs to the contraction.
                negated = before == 110 and (data[following] | 32) == 116 and size > 1
                if negated:
                    count = _put(shorter, size - 1, bits, count, hashes, sizes, flags)
                    current, size = (_BASIS ^ np.uint64(110)) * _PRIME, 1
                else:
                    count = _put(current, size, bits, count, hashes, sizes, flags)
                    current, size = _BASIS, 0
                bits = 10
            elif (point == 46 and after == 46) or _parts(before, kind_before, point, after, kind_after):
                count = _put(current, size, bits, count, hashes, sizes, flags)
                current, size, bits = _BASIS, 0, 0
                last = following
                while point == 46 and last < end and data[last] == 46:
                    last += 1
                count = _marks(data, position, last, count, hashes, sizes, flags)
                before, kind_before, position = point, 0, last
                continue
        shorter = current
        current = (current ^ np.uint64(point)) * _PRIME
        size += 1
        bits |= kind & 10
        before, kind_before, position = point, kind, following
    return _put(current, size, bits, count, hashes, sizes, flags)


@kernel
def _last(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """The last character between two bytes, and where it begins; 0 where there is none."""
    if end <= start:
        return 0, start
    position = end - 1
    while (data[position] & 0xC0) == 0x80:
        position -= 1
    point, _ = decode(data, position)
    return point, position


@kernel
def _tokens(
    data: Bytes, start: int, end: int, table: npt.NDArray[Any], hashes: Hashes, sizes: Ints, flags: npt.NDArray[Any]
) -> int:
    """Write hash, characters and bits of each token between two bytes; returns how many there are."""
    count = 0
    position = start
    while position < end:
        point, following = decode(data, position)
        if table[point] & 1:
            position = following
            continue
        # A run of visible characters: marks before it, what is inside, marks behind it.
        last = following
        while last < end:
            point, following = decode(data, last)
            if table[point] & 1:
                break
            last = following
        first = position
        while first < last:
            point, following = decode(data, first)
            if table[point] & 2:
                break
            inner = 0
            if following < last:
                inner, _ = decode(data, following)
            if not _outside(point, inner, table[inner], 0, True):
                break
            first = following
            while point == 46 and first < last and data[first] == 46:
                first += 1
        behind = last
        while behind > first:
            point, begin = _last(data, first, behind)
            if table[point] & 2:
                break
            inner, inner_begin = _last(data, first, begin)
            second, _ = _last(data, first, inner_begin)
            if not _outside(point, inner, table[inner], second, False):
                break
            behind = begin
        count = _marks(data, position, first, count, hashes, sizes, flags)
        if behind > first:
            count = _inside(data, first, behind, table, count, hashes, sizes, flags)
        count = _marks(data, behind, last, count, hashes, sizes, flags)
        position = last
    return count


@kernel
def _known(keys: Hashes, stamps: Ints, stamp: int, mask: int, key: np.uint64) -> bool:
    """Whether the key is in the table; it is from now on."""
    slot = slot_of(keys, stamps, stamp, mask, key)
    if stamps[slot] == stamp:
        return True
    stamps[slot] = stamp
    keys[slot] = key
    return False


@kernel
def _lines(data: Bytes, start: int, end: int, table: npt.NDArray[Any], out: Ints) -> None:
    """Lines as `str.splitlines` cuts them, those with a bullet before and an ellipsis behind; `#` and ellipses."""
    lines = bullets = ellipses = hashes = marks = dots = 0
    first, last, open_line = 0, 0, False
    last_dots = 0  # full stops in a row at the line's end
    position = start
    while position < end:
        point, position = decode(data, position)
        hashes += point == 35
        if point == 46:
            dots += 1
            if dots == 3:
                marks += 1
                dots = 0
        else:
            dots = 0
            marks += point == 0x2026
        breaks = 10 <= point <= 13 or 0x1C <= point <= 0x1E or point == 0x85 or point == 0x2028 or point == 0x2029
        if breaks:
            if point == 13 and position < end and data[position] == 10:
                position += 1
            lines += 1
            bullets += first == 0x2022 or first == 45
            ellipses += last == 0x2026 or last_dots >= 3
            first, last, last_dots, open_line = 0, 0, 0, False
            continue
        open_line = True
        if not table[point] & 1:
            if first == 0:
                first = point
            # Dots with a space between are none in a row.
            last_dots = last_dots + 1 if point == 46 and (last == 46 or last_dots == 0) else 0
            if point == 46 and last_dots == 0:
                last_dots = 1
            last = point
        elif last == 46:
            last = -46
    if open_line:
        lines += 1
        bullets += first == 0x2022 or first == 45
        ellipses += last == 0x2026 or last_dots >= 3
    out[5], out[6], out[7], out[8], out[9] = hashes, marks, lines, bullets, ellipses


@kernel
def _pieces(
    data: Bytes, start: int, end: int, least: int, keys: Hashes, stamps: Ints, stamp: int, mask: int
) -> tuple[int, int, int]:
    """Pieces between runs of at least `least` line feeds: how many, how many stood before, and characters of those."""
    pieces = again = chars = 0
    position = start
    while True:
        piece, length = _BASIS, 0
        feeds = 0
        while position < end:
            if data[position] == 10:
                feeds = 1
                while position + feeds < end and data[position + feeds] == 10:
                    feeds += 1
                if feeds >= least:
                    break
                for _ in range(feeds):
                    piece = (piece ^ np.uint64(10)) * _PRIME
                length += feeds
                position += feeds
                feeds = 0
                continue
            piece = (piece ^ np.uint64(data[position])) * _PRIME
            length += (data[position] & 0xC0) != 0x80
            position += 1
        pieces += 1
        if _known(keys, stamps, stamp, mask, mix(piece)):
            again += 1
            chars += length
        if feeds == 0:
            return pieces, again, chars
        position += feeds


@kernel
def _full_lines(
    data: Bytes, start: int, end: int, table: npt.NDArray[Any], keys: Hashes, stamps: Ints, stamp: int, mask: int,
    out: Ints,
) -> None:  # fmt: skip
    """FineWeb's lines: those between line feeds that are not blank."""
    full = punctuated = short = chars = feeds = 0
    position = start
    while position <= end:
        piece, length, blank, last = _BASIS, 0, True, 0
        while position < end and data[position] != 10:
            last, position = decode(data, position)
            piece = (piece ^ np.uint64(last)) * _PRIME
            length += 1
            blank = blank and (table[last] & 1) != 0
        if not blank:
            full += 1
            punctuated += (table[last] & 16) != 0
            short += length <= SHORT_LINE
            if _known(keys, stamps, stamp, mask, mix(piece)):
                chars += length
        feeds += position < end
        position += 1
    out[17], out[18], out[19], out[20], out[21] = full, punctuated, short, chars, feeds


@kernel
def _grams(
    prefix: Hashes, chars: Ints, count: int, keys: Hashes, stamps: Ints, places: Ints, times: Ints, stamp: int,
    mask: int, out: Ints,
) -> int:  # fmt: skip
    """Characters of the most frequent n-gram, all its copies, and of n-grams that stood before. Returns the stamp."""
    power = np.uint64(1)
    for n in range(1, 11):
        power *= _PRIME
        if n == 1 or count < n:
            continue
        stamp += 1
        if n <= 4:
            best, first = 0, 0
            for begin in range(count - n + 1):
                gram = mix(prefix[begin + n] - prefix[begin] * power)
                slot = slot_of(keys, stamps, stamp, mask, gram)
                if stamps[slot] != stamp:
                    stamps[slot], keys[slot], places[slot], times[slot] = stamp, gram, begin, 0
                times[slot] += 1
                if times[slot] > best or (times[slot] == best and places[slot] < first):
                    best, first = times[slot], places[slot]
            # Theirs are joined by spaces.
            out[20 + n] = best * (chars[first + n] - chars[first] + n - 1)
        else:
            begin = covered = 0
            while begin < count - n + 1:
                if _known(keys, stamps, stamp, mask, mix(prefix[begin + n] - prefix[begin] * power)):
                    covered += chars[begin + n] - chars[begin]
                    begin += n
                else:
                    begin += 1
            out[20 + n] = covered
    return stamp


@kernel
def _measure(data: Bytes, offsets: Ints, table: npt.NDArray[Any], stop_words: Hashes, width: int) -> Ints:
    rows = len(offsets) - 1
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size = 16
    while size < 2 * longest:
        size *= 2
    hashes, flags = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.uint8)
    sizes, chars = np.empty(longest + 1, np.int64), np.zeros(longest + 2, np.int64)
    prefix = np.zeros(longest + 2, np.uint64)
    keys, stamps = np.empty(size, np.uint64), np.zeros(size, np.int64)
    places, times = np.empty(size, np.int64), np.empty(size, np.int64)
    out = np.zeros((rows, width), dtype=np.int64)
    stamp = 0
    for row in range(rows):
        start, end = offsets[row], offsets[row + 1]
        if end == start:
            continue
        found = out[row]
        count = _tokens(data, start, end, table, hashes, sizes, flags)
        seen = 0
        for at in range(count):
            chars[at + 1] = chars[at] + sizes[at]
            prefix[at + 1] = prefix[at] * _PRIME + hashes[at]
            if flags[at] & 2:
                found[1] += 1
                found[2] += sizes[at]
            found[3] += (flags[at] & 8) != 0
            if sizes[at] <= 4:
                for number in range(len(stop_words)):
                    if stop_words[number] == hashes[at]:
                        seen |= 1 << number
        found[0] = count
        while seen:
            found[4] += seen & 1
            seen >>= 1
        _lines(data, start, end, table, found)
        for position in range(start, end):
            found[10] += (data[position] & 0xC0) != 0x80
        # A table just large enough for this text stays in the cache.
        mask = 15
        while mask < 2 * max(count, (end - start) // 2):
            mask = 2 * mask + 1
        mask = min(mask, size - 1)
        low, high = start, end
        while low < high:
            point, after = decode(data, low)
            if not table[point] & 1:
                break
            low = after
        while low < high:
            before = high - 1
            while (data[before] & 0xC0) == 0x80:
                before -= 1
            point, _ = decode(data, before)
            if not table[point] & 1:
                break
            high = before
        stamp += 1
        found[11], found[12], found[13] = _pieces(data, low, high, 2, keys, stamps, stamp, mask)
        stamp += 1
        found[14], found[15], found[16] = _pieces(data, start, end, 1, keys, stamps, stamp, mask)
        stamp += 1
        _full_lines(data, start, end, table, keys, stamps, stamp, mask, found)
        stamp = _grams(prefix, chars, count, keys, stamps, places, times, stamp, mask, found)
    return out
