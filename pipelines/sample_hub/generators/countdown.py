"""Jiayi-Pan/Countdown-Tasks-3to4: a target, and three or four numbers that reach it."""

import functools
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.layouts import COUNTDOWN
from pipelines.sample_hub.rows import Row, Rows

REPO: Final = "Jiayi-Pan/Countdown-Tasks-3to4"
FILE: Final = "data/train-00000-of-00001.parquet"
_ROWS: Final = 54


def rows(generator: np.random.Generator) -> list[Rows]:
    """Tasks that can be solved, no two with the same numbers and target."""
    made: dict[tuple[int, ...], Row] = {}
    while len(made) < _ROWS:
        numbers = [int(number) for number in generator.integers(1, 100, 3 + len(made) % 2)]
        target = _reached(numbers, generator)
        if target is not None:
            made[(*sorted(numbers), target)] = {"target": target, "nums": numbers}
    return [Rows("countdown", FILE, pl.DataFrame(list(made.values()), COUNTDOWN.schema))]


def _reached(numbers: list[int], generator: np.random.Generator) -> int | None:
    """A whole number from 10 to 100 that the numbers give in some order of operations; None where this one misses."""
    left = [Fraction(number) for number in numbers]
    while len(left) > 1:
        a, b = (left.pop(int(generator.integers(len(left)))) for _ in range(2))
        results = [a + b, a - b, a * b, *([a / b] if b else [])]
        left.append(results[int(generator.integers(len(results)))])
    return int(left[0]) if left[0].denominator == 1 and 10 <= left[0] <= 100 else None


def reachable(numbers: Sequence[int]) -> set[int]:
    """Every whole number that the numbers, each used once, give with + - * / and parentheses."""
    values = _values(tuple(Fraction(number) for number in sorted(numbers)))
    return {int(value) for value in values if value.denominator == 1}


@functools.cache
def _values(numbers: tuple[Fraction, ...]) -> frozenset[Fraction]:
    if len(numbers) == 1:
        return frozenset(numbers)
    found: set[Fraction] = set()
    for mask in range(1, 2 ** (len(numbers) - 1)):
        left = _values(tuple(number for at, number in enumerate(numbers) if mask >> at & 1))
        right = _values(tuple(number for at, number in enumerate(numbers) if not mask >> at & 1))
        for a, b in product(left, right):
            found |= {a + b, a - b, b - a, a * b, *([a / b] if b else []), *([b / a] if a else [])}
    return frozenset(found)
