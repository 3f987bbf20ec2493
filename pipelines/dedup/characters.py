r"""What a character does in a text that is compared: part of a word, the start of one, an operator, or nothing.

A word is Unicode's `\w+`, lower-cased: letters, marks, numbers and the underscore. In scripts that are written without
spaces between words (Han, Kana, Thai, Lao, Khmer, Myanmar, ...) each letter begins a word, so that a set of 5 words is
one of 5-grams of characters.

Operators belong to the word after them, so that `sin 60` and `sin(-60)`, `a == b` and `a != b`, `[0, 1)` and `(0, 1)`
are different words. `counts` says where a character is an operator, and where it is only punctuation.
"""

import functools
import unicodedata
from typing import Final

import numpy as np

from pipelines.kernels.kernel import Integer, UInt32s, inlined

CODE: Final = 0x1FFFFF
WORD: Final = 1 << 21
ALONE: Final = 1 << 22
OPERATOR: Final = 1 << 23
BRACKET: Final = 1 << 24
DIGIT: Final = 1 << 25
SPACE: Final = 1 << 26
LINE: Final = 1 << 27
MARK: Final = 1 << 28
LOUD: Final = 1 << 29
LOOSE: Final = 1 << 30
"""Flags above the code point (lower-cased). ALONE: begins a word; LINE: ends a line; MARK: `.` and `!`; LOUD: what may
count as an operator, but for the point, which does between two digits only; LOOSE: what a text in NFC may have
otherwise, that is marks and single letters of Hangul, which may be composed with what stands before them, and the
characters that have another form."""

_ALONE: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark and zero
    (0x3041, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F),
    (0x20000, 0x323AF),
)
_HAN_BEYOND: Final = range(0x20000, 0x323B0)
_HAN_COMPATIBLE: Final = range(0x2F800, 0x2FA20)
_OPERATORS: Final = "+-*/=<>^%&|~"
POINT: Final = 0x2E
_MINUS, _STAR, _BANG, _EQUALS, _GREATER, _PLUS = (np.int64(ord(c)) for c in "-*!=>+")


@functools.cache
def table() -> UInt32s:
    """For each code point, the lower-cased code point with its flags; 0 for what only separates."""
    kinds = np.zeros(0x110000, np.uint32)
    for code in (*range(0xD800), *range(0xE000, 0x20000)):
        kinds[code] = _kind(chr(code)) | _loose(chr(code))
    beyond = np.arange(_HAN_BEYOND.start, _HAN_BEYOND.stop, dtype=np.uint32)
    kinds[beyond] = beyond | WORD
    for code in _HAN_COMPATIBLE:
        kinds[code] |= _loose(chr(code))
    for first, last in _ALONE:
        script = kinds[first : last + 1]
        # Marks and digits stay with their neighbours: a vowel sign is no word, and 2024 is one in any script.
        letters = (script & WORD > 0) & (script & DIGIT == 0)
        marks = np.array([unicodedata.category(chr(code))[0] == "M" for code in range(first, last + 1)])
        script[letters & ~marks] |= ALONE
    return kinds


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    if character.isalnum() or character == "_" or category[0] == "M":
        # lower() of one letter may be two; the first tells it from the others.
        return ord(character.lower()[0]) | WORD | (DIGIT if category == "Nd" else 0)
    if character in "\n\r\x0b\x0c\x85\u2028\u2029":
        return ord(character) | SPACE | LINE
    if character.isspace():
        return ord(character) | SPACE
    if character in "()[]{}":
        return ord(character) | BRACKET | LOUD
    if category == "Sm" or character in _OPERATORS:
        return ord(character) | OPERATOR | LOUD
    if character == "!":
        return ord(character) | MARK | LOUD
    return ord(character) | MARK if character == "." else 0


def _loose(character: str) -> int:
    joins = unicodedata.category(character)[0] == "M" or "\u1100" <= character <= "\u11ff"
    return LOOSE if joins or not unicodedata.is_normalized("NFC", character) else 0


@inlined
def counts(kind: Integer, length: Integer, before: Integer, after: Integer, fresh: bool) -> bool:
    """Whether a run of `length` equal operators or brackets is part of what a text says.

    `before` and `after` are the kinds of the characters around it (SPACE at the ends of a text), `fresh` whether only
    white space stands before it in its line. Not counted: list and quote markers (`- `, `* `, `+ `, `> ` at the start
    of a line), emphasis (asterisks with white space on one side only), dashes and the hyphen between letters, an
    exclamation mark but in `!=` and after a digit, a point but between digits, brackets but beside a digit or an
    operator.
    """
    code, around = kind & CODE, before | after
    if kind & BRACKET:
        return around & (DIGIT | OPERATOR) != 0
    if code == POINT:
        return length == 1 and before & DIGIT != 0 and after & DIGIT != 0
    if code == _BANG:
        return after & CODE == _EQUALS or before & DIGIT != 0
    if fresh and after & SPACE and (code in (_MINUS, _STAR, _PLUS, _GREATER)):
        return False
    if code == _STAR:
        return (before & SPACE == 0) == (after & SPACE == 0)
    if code == _MINUS:
        between_letters = before & WORD != 0 and after & WORD != 0 and around & DIGIT == 0
        return length == 1 and not between_letters
    return True
