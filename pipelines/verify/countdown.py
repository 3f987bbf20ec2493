"""Countdown: an arithmetic expression that reaches a target with each given number used once.

Expressions are evaluated by a kernel of this module's own over exact fractions: nothing is executed, and what it does
not know it refuses.
"""

from typing import Final

import numpy as np
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.compiled import Bytes, Ints, buffers

_SIGNS: Final = {"×": "*", "·": "*", "÷": "/", "−": "-", "\\times": "*", "\\cdot": "*", "\\div": "/"}
_RESULT: Final = r"\s*=\s*-?\d+\s*$"

_MOST_NUMBERS: Final = 5
"""Numbers of a task that is searched: five give a quarter of a million ways, six a hundred times as many."""

_LARGEST_PRODUCT: Final = 4e18
"""What the integers of a search may reach, so that 64 bits hold them."""

_LARGEST: Final = 1_000_000_000
"""What the integers of an evaluation may reach, so that 64 bits hold their products."""

_DEPTH: Final = 64
"""Values and signs that may wait for their turn in an expression."""

_VERIFIED, _REFUTED, _UNVERIFIABLE = 1, 0, -1
_MEANING: Final = {_VERIFIED: "verified", _REFUTED: "refuted", _UNVERIFIABLE: "unverifiable"}


def arguments(given: pl.Expr) -> pl.Expr:
    """A struct of `numbers` (integers) and `target` of a verifier's arguments (JSON), null where they are not there."""
    listed = pl.coalesce(given.str.json_path_match("$.numbers"), given.str.json_path_match("$.nums"))
    numbers = listed.str.extract_all(r"-?\d+(?:\.\d+)?").cast(pl.List(pl.Int64), strict=False)
    return pl.struct(
        numbers=pl.when(~numbers.list.eval(pl.element().is_null()).list.any()).then(numbers),
        target=given.str.json_path_match("$.target").cast(pl.Int64, strict=False),
    )


def evaluated(expressions: pl.Series, given: pl.Series) -> pl.Series:
    """Outcome of each expression: verified where it reaches the target with each number used exactly once.

    `given`: JSON with `numbers` and `target`. Unverifiable without an expression or these, and where a fraction
    outgrows 64 bits; refuted where it is no arithmetic of + - * / and parentheses. `= TARGET` may stand behind.
    """
    numbers, target, known = _task(given)
    plain = expressions.str.replace_many(list(_SIGNS), list(_SIGNS.values())).str.replace(_RESULT, "")
    outcome = _evaluate(*buffers(plain), *numbers, target)
    return _named(outcome, known & expressions.is_not_null())


def solvable(given: pl.Series) -> pl.Series:
    """Outcome of each task by search: verified where some expression reaches the target, refuted where none does.

    Unverifiable without numbers and a target, and for more than five numbers or huge ones.
    """
    numbers, target, known = _task(given)
    return _named(_search(*numbers, target), known)


def _task(given: pl.Series) -> tuple[tuple[Ints, Ints], Ints, pl.Series]:
    task = given.to_frame("given").select(arguments(pl.col("given")).alias("task")).unnest("task")
    lists = task["numbers"].fill_null(pl.Series([[]], dtype=pl.List(pl.Int64)).first())
    ends = lists.list.len().cast(pl.Int64).cum_sum()
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends.to_numpy()])
    values = lists.explode(empty_as_null=False).to_numpy().astype(np.int64)
    known = task["numbers"].is_not_null() & task["target"].is_not_null() & (lists.list.len() > 0)
    return (values, starts), task["target"].fill_null(0).to_numpy(), known


def _named(outcome: Ints, known: pl.Series) -> pl.Series:
    named = pl.Series("outcome", outcome).replace_strict(_MEANING, return_dtype=pl.String)
    return named.to_frame().select(pl.when(known).then("outcome").otherwise(pl.lit("unverifiable"))).to_series()


@kernel
def _evaluate(data: Bytes, offsets: Ints, numbers: Ints, starts: Ints, targets: Ints) -> Ints:
    outcomes = np.zeros(len(targets), dtype=np.int64)
    used = np.zeros(_DEPTH, dtype=np.bool_)
    for row in range(len(targets)):
        given = numbers[starts[row] : starts[row + 1]]
        if len(given) > _DEPTH:
            outcomes[row] = -1
            continue
        used[:] = False
        outcomes[row] = _value(data[offsets[row] : offsets[row + 1]], given, used, targets[row])
    return outcomes


@kernel
def _value(text: Bytes, given: Ints, used: Bytes, target: int) -> int:
    """1 where the text is an expression that reaches the target with all of `given`, 0 where it is not, -1 unknown."""
    over, under = np.zeros(_DEPTH, dtype=np.int64), np.ones(_DEPTH, dtype=np.int64)
    signs = np.zeros(_DEPTH, dtype=np.int64)
    values = pending = spent = 0
    wants_value = True
    position = 0
    while position <= len(text):
        sign = text[position] & 0xFF if position < len(text) else 0
        if sign == 32 or sign == 10:
            position += 1
            continue
        if wants_value:
            if sign == 40:  # (
                if pending >= _DEPTH:
                    return -1
                signs[pending] = sign
                pending += 1
                position += 1
                continue
            if sign < 48 or sign > 57:
                return 0
            number = 0
            while position < len(text) and 48 <= (text[position] & 0xFF) <= 57:
                number = number * 10 + (text[position] & 0xFF) - 48
                if number > _LARGEST:
                    return 0
                position += 1
            found = False
            for at in range(len(given)):
                if not used[at] and given[at] == number:
                    used[at] = found = True
                    break
            if not found or values >= _DEPTH:
                return 0
            spent += 1
            over[values], under[values] = number, 1
            values += 1
            wants_value = False
            continue
        if sign != 0 and sign != 41 and sign != 42 and sign != 43 and sign != 45 and sign != 47:
            return 0
        weight = 2 if sign == 42 or sign == 47 else 1 if sign == 43 or sign == 45 else 0
        while pending > 0 and signs[pending - 1] != 40:
            before = 2 if signs[pending - 1] == 42 or signs[pending - 1] == 47 else 1
            if before < weight:
                break
            pending -= 1
            values -= 1
            left, right = values - 1, values
            top, bottom = _applied(signs[pending], over[left], under[left], over[right], under[right])
            if bottom == 0:
                return 0
            if abs(top) > _LARGEST or bottom > _LARGEST:
                return -1
            over[left], under[left] = top, bottom
        if sign == 41:  # )
            if pending == 0:
                return 0
            pending -= 1
        elif sign != 0:
            if pending >= _DEPTH:
                return -1
            signs[pending] = sign
            pending += 1
            wants_value = True
        position += 1
    if wants_value or pending or spent != len(given):
        return 0
    return 1 if over[0] == target * under[0] else 0


@kernel
def _applied(sign: int, a: int, b: int, c: int, d: int) -> tuple[int, int]:
    """a/b and c/d by one of + - * / in lowest terms, the denominator positive; (0, 0) for a division by zero."""
    if sign == 43:
        top, bottom = a * d + c * b, b * d
    elif sign == 45:
        top, bottom = a * d - c * b, b * d
    elif sign == 42:
        top, bottom = a * c, b * d
    else:
        top, bottom = a * d, b * c
    if bottom == 0:
        return 0, 0
    x, y = abs(top), abs(bottom)
    while y:
        x, y = y, x % y
    if bottom < 0:
        x = -x
    return top // x, bottom // x


@kernel
def _search(numbers: Ints, starts: Ints, targets: Ints) -> Ints:
    outcomes = np.zeros(len(targets), dtype=np.int64)
    over = np.zeros((_MOST_NUMBERS, _MOST_NUMBERS), dtype=np.int64)
    under = np.ones((_MOST_NUMBERS, _MOST_NUMBERS), dtype=np.int64)
    tried = np.zeros((_MOST_NUMBERS, 3), dtype=np.int64)
    for row in range(len(targets)):
        given = numbers[starts[row] : starts[row + 1]]
        bound = float(max(abs(targets[row]), 1)) * 2.0 ** len(given)
        for number in given:
            bound *= max(abs(number), 1)
        if len(given) == 0 or len(given) > _MOST_NUMBERS or bound > _LARGEST_PRODUCT:
            outcomes[row] = -1
            continue
        over[0, : len(given)], under[0, : len(given)] = given, 1
        outcomes[row] = _reaches(over, under, tried, len(given), targets[row])
    return outcomes


@kernel
def _reaches(over: Ints, under: Ints, tried: Ints, numbers: int, target: int) -> int:
    """Whether the first `numbers` fractions of row 0, all used, reach the target; the other rows are scratch.

    Row d holds the fractions that are left after d steps, each of which joins two of them in one of six ways. `tried`:
    first, second and way of the next step from each row. No recursion: numba does not load that from its cache.
    """
    depth = 0
    tried[0, 0], tried[0, 1], tried[0, 2] = 0, 1, 0
    while depth >= 0:
        left = numbers - depth
        if left == 1 and over[depth, 0] == target * under[depth, 0]:
            return 1
        first, second, way = tried[depth, 0], tried[depth, 1], tried[depth, 2]
        if first >= left - 1:
            depth -= 1
            continue
        tried[depth, 2] += 1
        if way == 5:
            tried[depth, 2] = 0
            tried[depth, 1] += 1
            if second == left - 1:
                tried[depth, 0] += 1
                tried[depth, 1] = first + 2
        a, b, c, d = over[depth, first], under[depth, first], over[depth, second], under[depth, second]
        if way == 0:
            top, bottom = a * d + c * b, b * d
        elif way == 1:
            top, bottom = a * d - c * b, b * d
        elif way == 2:
            top, bottom = c * b - a * d, b * d
        elif way == 3:
            top, bottom = a * c, b * d
        elif way == 4:
            top, bottom = a * d, b * c
        else:
            top, bottom = c * b, d * a
        if bottom == 0:
            continue
        depth += 1
        over[depth, 0], under[depth, 0] = top, bottom
        rest = 0
        for other in range(left):
            if other != first and other != second:
                rest += 1
                over[depth, rest], under[depth, rest] = over[depth - 1, other], under[depth - 1, other]
        tried[depth, 0], tried[depth, 1], tried[depth, 2] = 0, 1, 0
    return 0
