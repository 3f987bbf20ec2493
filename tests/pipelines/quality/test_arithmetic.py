import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.arithmetic import arithmetic


def judged(text: str) -> tuple[int, int]:
    row = arithmetic(pl.Series([text])).row(0)
    return row[0], row[1]


@pytest.mark.parametrize(
    "text",
    [
        "3*4=12",
        "13 kids + 20 kids = 33 kids",
        "$10 x 3 = $30.",
        "80 × $5 = $400 and nothing else",
        "900 ÷ 3 = 300",
        "1,250 - 50 = 1,200",
        "100 – 20 = 80",
        "2*3+4=10",
        "10/3 = 3.33",
        "2/3 = .66",
        "7/2 = 3, rounded down",
        "5 miles/hour * 2 hours = 10 miles",
        "$0.25 x 10 = 250 cents",
        "x = 3*4 = 12",
    ],
)
def test_right_equations(text: str) -> None:
    assert judged(text) == (1, 0)


@pytest.mark.parametrize(
    "text",
    ["3 + 4 = 8", "13 marbles + 4 marbles + 16 marbles = 45 marbles", "100 – 80 = 30", "6/3=.5", "5 x 60 = 301"],
)
def test_wrong_equations(text: str) -> None:
    assert judged(text) == (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "2x = 10",
        "3+2x = 11",
        "S + 30 = 143",
        "(3+5)*2 = 16",
        "4(2+3) = 20",
        "20% * 50 = 10",
        "1/2 of 10*2 = 10",
        "2 + 1 1/2 = 3 1/2",
        "12 / 1 / 4 = 48",
        "9:30 + 2 = 11:30",
        "5000 x 6 = 30 000",
        "a 3-year-old - 5 = odd",
        "4*Kayla = 216",
        "3 / 0 = 7",
        "In 2010 = nothing",
    ],
)
def test_what_is_ambiguous_is_left_alone(text: str) -> None:
    assert judged(text) == (0, 0)


def test_run_on_sums_hold_up_to_their_first_number() -> None:
    assert judged("5*4 = 20*2 = 40") == (2, 0)


def test_each_line_stands_alone() -> None:
    assert judged("2+2=4\n3+3=7\nso 4 apples. 5-1=4") == (3, 1)


@given(st.integers(0, 9999), st.sampled_from("+-*"), st.integers(0, 9999), st.integers(-3, 3))
def test_two_numbers_and_their_result(left: int, operator: str, right: int, off: int) -> None:
    value = {"+": left + right, "-": left - right, "*": left * right}[operator]
    if value < 0 or value + off < 0:
        return
    claimed = value + off
    expected = int(off != 0 and not (value * 100 == claimed or value * 1000 == claimed or claimed * 100 == value))
    assert judged(f"So {left} {operator} {right} = {claimed} apples.") == (1, expected)


@given(st.text(alphabet="0123456789+-*/=x.,$ ()\n%aof×÷", max_size=60))
def test_any_text_is_survived(text: str) -> None:
    found, wrong = judged(text)
    assert 0 <= wrong <= found


def test_a_null_has_no_equations() -> None:
    assert arithmetic(pl.Series([None], dtype=pl.String)).row(0) == (None, None)
