"""One pass over the characters of a text, and all that can be counted in it."""

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.compiled import Bytes, CodePoints, Ints, buffers, counted, decode

COUNTS: Final = (
    "chars",
    "visible",
    "words",
    "word_chars",
    "letters",
    "digits",
    "symbols",
    "non_printing",
    "mojibake",
    "main_script",
)
"""Columns of `characters`, in the kernel's order; `main_script`: letters of the script that has most of them."""

# What a code point is: the low bits of its entry in the table.
_SYMBOL, _SPACE, _LETTER, _WHOLE_WORD, _DIGIT, _MARK, _HIDDEN = range(7)
# The entry's next bits: its script, from 1; 0 where it has none (digits, punctuation, letters of mathematics).
_SCRIPTS: Final = (
    r"\p{Latin}",
    # One group, because Japanese and Korean mix them within a word.
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}]",
    r"\p{Cyrillic}",
    r"\p{Arabic}",
    r"\p{Hebrew}",
    r"[\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}]",
    r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]",
    r"[\p{Armenian}\p{Georgian}\p{Ethiopic}]",
)
# Then: the byte that stands for it in Windows-1252, where that byte can continue a character of UTF-8.
_SCRIPT_BITS: Final = 3
_BYTE_BITS: Final = 8
_LAST: Final = 0x110000

_WINDOWS_1252: Final = {
    ord(bytes([byte]).decode("cp1252", errors="replace")): byte
    for byte in range(0x80, 0xC0)
    if bytes([byte]).decode("cp1252", errors="replace") != "�"
} | {byte: byte for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


@functools.cache
def code_points() -> CodePoints:
    """What each code point is, by the Unicode tables that polars carries (the same on every version of Python)."""
    points = np.concatenate([np.arange(0xD800), np.arange(0xE000, _LAST)])
    chars = pl.Series(list(points.astype(np.uint32).tobytes().decode("utf-32-le")))
    kinds = np.full(_LAST, _SYMBOL, dtype=np.uint16)

    def having(pattern: str) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = points[chars.str.contains(pattern).to_numpy()]
        return found

    kinds[having(r"\p{L}")] = _LETTER
    # Scripts that put no space between words: each character counts as a word.
    kinds[having(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}&&\p{L}]")] = _WHOLE_WORD
    kinds[having(r"\p{N}")] = _DIGIT
    kinds[having(r"\p{M}")] = _MARK
    kinds[having(r"\s")] = _SPACE
    # Joiners, soft hyphens, direction marks and the tags of flags belong to honest text.
    kinds[having(r"[[\p{C}--\s]--[\u{AD}\u{200C}-\u{200F}\u{61C}\u{E0020}-\u{E007F}]]")] = _HIDDEN
    for number, script in enumerate(_SCRIPTS, start=1):
        kinds[having(rf"[{script}&&\p{{L}}]")] |= number << _SCRIPT_BITS
    for point, byte in _WINDOWS_1252.items():
        kinds[point] |= byte << _BYTE_BITS
    return kinds


def characters(texts: pl.Series) -> pl.DataFrame:
    """The `COUNTS` of each text (Int64), null where the text is. Some 250 MB a CPU-second.

    A word is a run of letters, marks and digits; in scripts without spaces, each character.
    """
    data, offsets = buffers(texts)
    return counted(_count(data, offsets, code_points(), len(COUNTS)), COUNTS, texts)


@kernel
def _count(data: Bytes, offsets: Ints, table: CodePoints, width: int) -> Ints:
    rows = len(offsets) - 1
    out = np.zeros((rows, width), dtype=np.int64)
    for row in range(rows):
        kinds = np.zeros(8, dtype=np.int64)
        scripts = np.zeros(32, dtype=np.int64)
        words = 0
        broken = 0
        in_word = False
        expected = 0  # continuations still to come of a character that was decoded as Windows-1252
        length = 0
        low = False
        position, end = offsets[row], offsets[row + 1]
        while position < end:
            point, position = decode(data, position)
            entry = table[point] & 0xFFFF
            kind = entry & 7
            kinds[kind] += 1
            if kind == 3:
                words += 1
                in_word = False
            elif kind == 2 or kind == 4:
                if not in_word:
                    words += 1
                    in_word = True
            elif kind != 5:
                in_word = False
            if entry > 7:
                scripts[(entry >> 3) & 31] += 1
            if point < 0x80:
                expected = 0
                continue
            byte = entry >> 8
            if expected > 0 and byte:
                expected -= 1
                low = low or byte < 0xA0
                natural = byte in (0x84, 0x85, 0x91, 0x92, 0x93, 0x94, 0x96, 0x97, 0xBB)
                if expected == 0 and ((length == 2 and not natural) or (length > 2 and low)):
                    broken += 1
                continue
            expected = 0
            if point == 0xFFFD:
                broken += 1
            elif 0xC2 <= point <= 0xC5 or point == 0xCE or point == 0xCF or point == 0xD0 or point == 0xD1:
                expected, length, low = 1, 2, False
            elif 0xE2 <= point <= 0xE9:
                expected, length, low = 2, 3, False
            elif point == 0xF0:
                expected, length, low = 3, 4, False
        chars = kinds.sum()
        letters = kinds[2] + kinds[3]
        out[row, 0] = chars
        out[row, 1] = chars - kinds[1] - kinds[6]
        out[row, 2] = words
        out[row, 3] = letters + kinds[4] + kinds[5]
        out[row, 4] = letters
        out[row, 5] = kinds[4]
        out[row, 6] = kinds[0]
        out[row, 7] = kinds[6]
        out[row, 8] = broken
        out[row, 9] = scripts[1:].max()
    return out
