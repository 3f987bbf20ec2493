"""Countdown: what an expression is worth, against Python's own fractions."""

import json
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.verify.countdown import evaluated, solvable


def task(numbers: list[int], target: int) -> str:
    return json.dumps({"numbers": numbers, "target": target})


def outcome(expression: str | None, numbers: list[int], target: int) -> str:
    return str(evaluated(pl.Series([expression], dtype=pl.String), pl.Series([task(numbers, target)]))[0])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("3*5+7", "verified"),
        ("(5 × 3) + 7 = 22", "verified"),
        ("7 - -15", "refuted"),
        ("22", "refuted"),
        ("3*5+7+0", "refuted"),
        ("3*5", "refuted"),
        ("3*5+7)", "refuted"),
        ("((3*5+7)", "refuted"),
        ("3*5+", "refuted"),
        ("3*5+7/(3-3)", "refuted"),
        ("", "refuted"),
        ("__import__('os').system('true')", "refuted"),
        ("3**5+7", "refuted"),
        ("9" * 1_000, "refuted"),
        ("(" * 100_000, "unverifiable"),
        (None, "unverifiable"),
    ],
)
def test_an_expression_reaches_the_target_with_each_number_once(expression: str | None, expected: str) -> None:
    assert outcome(expression, [3, 5, 7], 22) == expected


def test_signs_of_one_rank_bind_from_the_left() -> None:
    assert outcome("20-5-3", [20, 5, 3], 12) == "verified"
    assert outcome("24/4/2", [24, 4, 2], 3) == "verified"
    assert outcome("2+3*4", [2, 3, 4], 14) == "verified"
    assert outcome("3/(7/(1+6))", [3, 7, 1, 6], 3) == "verified"


@pytest.mark.parametrize("given_", [None, "not json", "{}", '{"numbers": []}', '{"numbers": [1], "target": "x"}'])
def test_without_a_task_nothing_is_known(given_: str | None) -> None:
    series = pl.Series([given_], dtype=pl.String)
    assert evaluated(pl.Series(["1"]), series)[0] == "unverifiable"
    assert solvable(series)[0] == "unverifiable"


LEAVES = st.integers(0, 60).map(str)
EXPRESSIONS = st.recursive(
    LEAVES, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map("".join).map("({})".format), max_leaves=6
)


def worth(expression: str) -> Fraction | None:
    wrapped = "".join(f"F({part})" if part.isdigit() else part for part in _tokens(expression))
    try:
        return Fraction(eval(wrapped, {"F": Fraction}))
    except ZeroDivisionError:
        return None


def _tokens(expression: str) -> list[str]:
    spaced = "".join(sign if sign.isdigit() else f" {sign} " for sign in expression)
    return spaced.split()


@settings(max_examples=150, deadline=None)
@given(expression=EXPRESSIONS, other=st.integers(-50, 50))
def test_expressions_are_worth_what_fractions_say(expression: str, other: int) -> None:
    numbers = [int(token) for token in _tokens(expression) if token.isdigit()]
    value = worth(expression)
    target = int(value) if value is not None and value.denominator == 1 else other
    expected = "verified" if value == target else "refuted"
    assert outcome(expression, numbers[::-1], target) in (expected, "unverifiable")
    assert outcome(expression, [*numbers, 1], target) in ("refuted", "unverifiable")


def reachable(numbers: tuple[int, ...]) -> set[Any]:
    if len(numbers) == 1:
        return {Fraction(numbers[0])}
    found: set[Any] = set()
    for order in set(permutations(numbers)):
        for cut in range(1, len(order)):
            for a, b in product(reachable(order[:cut]), reachable(order[cut:])):
                found |= {a + b, a - b, a * b} | ({a / b} if b else set())
    return found


@settings(max_examples=15, deadline=None)
@given(numbers=st.lists(st.integers(1, 12), min_size=1, max_size=3), target=st.integers(-20, 60))
def test_a_task_is_solvable_where_some_expression_reaches_it(numbers: list[int], target: int) -> None:
    expected = "verified" if target in reachable(tuple(numbers)) else "refuted"
    assert solvable(pl.Series([task(numbers, target)]))[0] == expected


def test_too_many_or_huge_numbers_are_not_searched() -> None:
    given_ = pl.Series([task([1, 2, 3, 4, 5, 6], 7), task([10**9, 10**9, 10**9], 7), task([1, 2, 3, 4, 5], 15)])
    assert solvable(given_).to_list() == ["unverifiable", "unverifiable", "verified"]
