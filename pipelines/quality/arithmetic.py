"""Equations between plain numbers in a text (`$12 x 3 = $36`), and whether they hold."""

from typing import Final

import numpy as np
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.compiled import Bytes, Ints, buffers, counted

COUNTS: Final = ("equations", "wrong_equations")
_DIGITS: Final = 15
"""Longer numbers are not exact in a float and are left alone."""


def arithmetic(texts: pl.Series) -> pl.DataFrame:
    """How many equations each text has, and how many of them are wrong (Int64), null where the text is.

    An equation is a side of numbers joined by + - * x × · / ÷, and the side after its `=`. Currency signs before a
    number and up to two words of a unit after it are skipped. What is ambiguous is left alone: brackets, percentages,
    `of`, two divisions in a row, a letter that may be an unknown. Where decimals or a division are involved, the sides
    may differ by one in the last digit given (rounded or cut off).
    """
    data, offsets = buffers(texts)
    return counted(_equations(data, offsets, len(COUNTS)), COUNTS, texts)


@kernel
def _operator(data: Bytes, position: int, end: int) -> tuple[int, int]:
    """1 plus, 2 minus, 3 times, 4 divided, 5 equals, 0 none, at a byte; and how many bytes it has."""
    first = data[position]
    if first == 43:
        return 1, 1
    if first == 45:
        return 2, 1
    if first == 42 or first == 120 or first == 88:
        return 3, 1
    if first == 47:
        return 4, 1
    if first == 61:
        return 5, 1
    if first == 0xC3 and position + 1 < end:
        if data[position + 1] == 0x97:
            return 3, 2
        if data[position + 1] == 0xB7:
            return 4, 2
    if first == 0xC2 and position + 1 < end and data[position + 1] == 0xB7:
        return 3, 2
    if first == 0xE2 and position + 2 < end:
        if data[position + 1] == 0x80 and (data[position + 2] == 0x93 or data[position + 2] == 0x94):
            return 2, 3
        if data[position + 1] == 0x88 and data[position + 2] == 0x92:
            return 2, 3
    return 0, 0


@kernel
def _number(data: Bytes, position: int, end: int) -> tuple[float, int, int, int]:
    """The number at a byte: value, digits after the point, digits in all, and where it ends."""
    value, scale, digits, decimals = 0.0, 1.0, 0, 0
    while position < end:
        byte = data[position]
        if 48 <= byte <= 57:
            value = value * 10.0 + (byte - 48)
            digits += 1
        elif byte == 44 and position + 3 < end and digits > 0:
            grouped = 48 <= data[position + 1] <= 57 and 48 <= data[position + 2] <= 57
            grouped = grouped and 48 <= data[position + 3] <= 57
            if not grouped:
                break
        else:
            break
        position += 1
    if position + 1 < end and data[position] == 46 and 48 <= data[position + 1] <= 57:
        position += 1
        while position < end and 48 <= data[position] <= 57:
            scale /= 10.0
            value += (data[position] - 48) * scale
            decimals += 1
            digits += 1
            position += 1
    return value, decimals, digits, position


@kernel
def _letter(byte: int) -> bool:
    return 97 <= (byte | 32) <= 122


@kernel
def _near(left: float, right: float, exact: bool, decimals: int) -> bool:
    slack = 1e-9 * max(abs(left), abs(right), 1.0)
    if not exact:
        slack = max(slack, 1.000001 / 10.0**decimals)
    return abs(left - right) <= slack


@kernel
def _agree(left: float, right: float, first: float, exact: bool, decimals: int) -> bool:
    """Whether a side equals the next; or its first number, in run-on sums; or its value in cents or thousands."""
    near = _near(left, right, exact, decimals) or _near(left, first, exact, decimals)
    cents = _near(left * 100.0, right, exact, decimals) or _near(left, right * 100.0, exact, decimals)
    return near or cents or _near(left * 1000.0, right, exact, decimals)


@kernel
def _equations(data: Bytes, offsets: Ints, width: int) -> Ints:
    rows = len(offsets) - 1
    out = np.zeros((rows, width), dtype=np.int64)
    for row in range(rows):
        position, end = offsets[row], offsets[row + 1]
        found, wrong = 0, 0
        # The side being read is total + sign * term; `pending` is the operator that waits for its number.
        total, sign, term, first = 0.0, 1.0, 0.0, 0.0
        numbers, operators, divisions, pending, decimals = 0, 0, 0, 0, 0
        judged, exact = True, True
        before, before_exact, has_before = 0.0, True, False
        words_since, of_before, equals_before = 0, False, False
        while position <= end:
            byte = data[position] if position < end else 10
            is_number = 48 <= byte <= 57 or (byte == 46 and position + 1 < end and 48 <= data[position + 1] <= 57)
            operator, length = _operator(data, position, end) if position < end else (0, 0)
            if operator == 3 and (byte | 32) == 120 and not _multiplies(data, position, end, numbers, words_since):
                operator = 0
            if _ends(byte, is_number) or operator == 5 or (is_number and pending == 0 and numbers > 0):
                side = total + sign * term
                # Two numbers with nothing but a space between them are one: 1 1/2, 80 000.
                joined = is_number and numbers > 0 and words_since == 0 and operator == 0
                complete = numbers > 0 and pending == 0 and judged and not joined
                if complete and has_before:
                    found += 1
                    wrong += not _agree(before, side, first, exact and before_exact, decimals)
                if operator == 5:
                    has_before = complete and operators > 0 and words_since < 3
                    before, before_exact = side, exact
                else:
                    has_before = False
                equals_before = operator == 5
                judged = not (joined or (is_number and of_before))
                total, sign, term, first = 0.0, 1.0, 0.0, 0.0
                numbers, operators, divisions, pending, decimals, exact = 0, 0, 0, 0, 0, True
                words_since = 0
            if is_number:
                value, places, digits, position = _number(data, position, end)
                if pending == 0:
                    term = first = value
                elif pending < 3:
                    total += sign * term
                    sign = 1.0 if pending == 1 else -1.0
                    term = value
                elif pending == 3:
                    term *= value
                elif value != 0.0:
                    term /= value
                    exact = False
                    divisions += 1
                numbers += 1
                exact = exact and places == 0
                decimals = max(decimals, places)
                judged = judged and digits <= _DIGITS and divisions < 2 and not (pending == 4 and value == 0.0)
                pending, words_since, of_before, equals_before = 0, 0, False, False
                # What touches a number and is not the rest of a word may be an unknown, an hour or a share.
                if position < end:
                    letters = _word(data, position, end)
                    times = letters == 1 and (data[position] | 32) == 120
                    if times:
                        times = _multiplies(data, position, end, numbers, 0)
                    judged = judged and (letters != 1 or times) and data[position] not in (37, 58, 94)
                    if letters > 1:
                        position += letters
                        words_since = 1
                continue
            letters = _word(data, position, end) if operator == 0 else 0
            if operator == 5:
                position += 1
            elif operator > 0:
                # A slash or hyphen that touches a word belongs to it: 5 miles/hour, 3-year-olds.
                touches = (operator == 4 or operator == 2) and words_since > 0 and _letter(data[position - 1])
                if numbers > 0 and pending == 0:
                    if not touches:
                        pending = operator
                        operators += 1
                else:
                    judged = False
                position += length
            elif letters > 0:
                if pending > 0 or equals_before:
                    judged = has_before = False
                words_since += 1
                of_before = letters == 2 and (data[position] | 32) == 111 and (data[position + 1] | 32) == 102
                position += letters
            else:
                if byte in (37, 40, 41, 91, 92, 93, 94, 123, 125):
                    judged = has_before = False
                position += 1
        out[row, 0] = found
        out[row, 1] = wrong
    return out


@kernel
def _ends(byte: int, is_number: bool) -> bool:
    """Whether a byte ends an equation: the end of a line or sentence, a comma or a colon."""
    return byte in (10, 33, 44, 58, 59, 63) or (byte == 46 and not is_number)


@kernel
def _word(data: Bytes, position: int, end: int) -> int:
    """How many ASCII letters follow."""
    last = position
    while last < end and _letter(data[last]):
        last += 1
    return last - position


@kernel
def _multiplies(data: Bytes, position: int, end: int, numbers: int, words: int) -> bool:
    """Whether an x stands between a number and a number."""
    after = position + 1
    while after < end and (data[after] == 32 or data[after] == 36):
        after += 1
    follows = after < end and (48 <= data[after] <= 57 or data[after] == 46 or data[after] > 127)
    return numbers > 0 and words < 3 and follows
