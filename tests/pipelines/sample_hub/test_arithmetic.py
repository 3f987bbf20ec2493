"""Exact arithmetic in text."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sample_hub.arithmetic import evaluate, worked
from pipelines.sample_hub.content import load
from pipelines.sample_hub.generators.countdown import reachable

whole = st.integers(0, 10**6)


@given(a=whole, b=whole, c=st.integers(1, 999))
def test_an_expression_has_its_exact_value(a: int, b: int, c: int) -> None:
    assert evaluate(f"({a} + {b}) * 0.5 - x / {c}", {"x": Fraction(b)}) == Fraction(a + b, 2) - Fraction(b, c)


@pytest.mark.parametrize("text", ["", "1 +", "2 ** 3", "__import__('os')", "x", "1/0", "5%", "f(1)", "'a' * 3", "True"])
def test_what_is_no_expression_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not an expression"):
        evaluate(text)


@pytest.mark.parametrize("split", ["train", "test"])
def test_word_problems_are_worked_out_right_whatever_the_seed(split: str) -> None:
    for seed in range(5):
        for problem in load("problems")[split]:
            made = worked(problem, np.random.default_rng(seed))
            marks = re.findall(r"<<([^=]+)=(\d+)>>(\d+)", made.main)
            assert len(marks) == len(problem["steps"])
            assert all(evaluate(expression) == int(result) == int(said) for expression, result, said in marks)
            assert made.main.endswith(f"#### {marks[-1][1]}")
            assert re.sub(r"(?m)^.*? \*\* ", "", made.socratic) == made.main
            assert "{" not in made.question + made.socratic
            given_numbers = set(re.findall(r"\d+", made.question))
            computed = {result for _, result, _ in marks}
            literal = set(re.findall(r"(?<!\w)\d+", " ".join(problem["steps"])))
            used = {number for expression, _, _ in marks for number in re.findall(r"\d+", expression)}
            assert used <= given_numbers | computed | literal, made.question


def test_reachable_numbers_are_those_of_all_orders_and_operations() -> None:
    assert reachable([2, 3]) == {5, 1, -1, 6}
    assert 24 in reachable([3, 3, 8, 8])  # only as 8 / (3 - 8 / 3)
    assert 22 not in reachable([1, 1, 1])
