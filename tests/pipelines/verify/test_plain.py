"""What is decided without computer algebra is what Math-Verify says."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.verify import worker
from pipelines.verify.plain import decided


def outcome(gold: str | None, said: str | None) -> str | None:
    return decided(pl.DataFrame({"gold": [gold], "said": [said]}, schema={"gold": pl.String, "said": pl.String}))[0]


def boxed(answer: str) -> str:
    return f"So it is $\\boxed{{{answer}}}$."


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        ("18", "18", "verified"),
        ("18", "-18", "refuted"),
        ("1,234", "1234", "verified"),
        ("10,\\!080", "10080", "verified"),
        ("3,000", "3", "refuted"),
        ("\\frac12", "\\dfrac{1}{2}", "verified"),
        ("\\frac{6}{4}", "\\frac32", "verified"),
        ("3/4", "\\frac{3}{4}", "verified"),
        ("-\\frac{1}{2}", "\\frac{-1}{2}", "verified"),
        ("\\frac{1}{2}", "\\frac{1}{3}", "refuted"),
        ("0.5", "\\frac12", "verified"),
        ("2.50", "2.5", "verified"),
        ("\\$5.50", "5.5", "verified"),
        ("90^\\circ", "90", "verified"),
        ("5\\text{ cm}", "5", "verified"),
        ("5\\text{ cm}^2", "6", "refuted"),
        ("2\\sqrt{3}", "2\\sqrt{3}", "verified"),
        ("\\text{(C)}", "\\text{(C)}", "verified"),
        ("0.333333", "\\frac13", None),
        ("2\\sqrt{3}", "\\sqrt{12}", None),
        ("50\\%", "50", None),
        ("x", "y", None),
        ("5 \\text{ or } 6", "5", None),
        ("9^{9^{9^9}}", "9^{9^{9^9}}", None),
        ("100000000!", "100000000!", None),
        ("\\frac{1}{0}", "\\frac{2}{0}", None),
    ],
)
def test_clear_cases_are_decided_and_others_left_open(gold: str, answer: str, expected: str | None) -> None:
    assert outcome(gold, boxed(answer)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It is 18.",
        "$\\boxed{18}$ or $\\boxed{19}$",
        "$\\boxed{18}$ percent",
        "$\\boxed{18}$ and $19$",
        "\\boxed{18}. The final answer is 20.",
        "The final answer is 20. I hope it is correct. \\boxed{18}",
        "\\boxed{18",
        "\\fbox{18}",
        "\\boxed{18} \\boxed{}",
    ],
)
def test_a_text_that_may_be_read_otherwise_is_left_open(text: str) -> None:
    assert outcome("18", text) is None


def test_nulls_are_left_open() -> None:
    assert outcome(None, boxed("1")) is None
    assert outcome("1", None) is None


NUMBERS = st.one_of(
    st.integers(-2000, 12_000_000).map(str),
    st.integers(1000, 99_999_999).map(lambda n: f"{n:,}"),
    st.tuples(st.integers(-30, 30), st.integers(0, 12)).map(lambda f: f"\\frac{{{f[0]}}}{{{f[1]}}}"),
    st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda f: f"\\tfrac{f[0]}{f[1]}"),
    st.tuples(st.integers(-30, 30), st.integers(1, 12)).map(lambda f: f"{f[0]}/{f[1]}"),
    st.tuples(st.integers(-20, 20), st.integers(0, 999)).map(lambda d: f"{d[0]}.{d[1]}"),
    st.integers(1, 99).map(lambda n: f".{n}"),
)
DRESSED = st.tuples(
    st.sampled_from(["", "", "", "\\$", " "]),
    NUMBERS,
    st.sampled_from(["", "", "", "\\text{ cm}", "^\\circ", "\\%", " "]),
).map("".join)
SYMBOLIC = st.sampled_from(
    [
        *("x", "x+1", "1+x", "\\pi", "\\sqrt{2}", "(1,2)", "(2,1)", "[1,2)", "x=5", "\\text{A}", "A", "B", "\\infty"),
        *("5x^2", "007", "-0", "1,2"),
    ]
)
ANSWERS = st.one_of(DRESSED, DRESSED, SYMBOLIC)
AROUND = st.sampled_from(
    [
        *("So $\\boxed{{{0}}}$.", "\\[x = \\boxed{{{0}}}\\]", "\\boxed{{{0}}} apples"),
        *("the final answer is $x=\\boxed{{{0}}}$", "$$\\boxed{{{0}}}$$ so \\boxed{{{0}}}"),
    ]
)


@settings(max_examples=60, deadline=None)
@given(gold=ANSWERS, answer=ANSWERS, around=AROUND, same=st.booleans())
def test_what_is_decided_is_what_math_verify_says(gold: str, answer: str, around: str, same: bool) -> None:
    text = around.format(gold if same else answer)
    found = outcome(gold, text)
    if found is not None:
        assert (found == "verified") == (worker.judged(gold, text) == worker.VERIFIED), (gold, text)


@settings(max_examples=40, deadline=None)
@given(gold=st.text(max_size=60), said=st.text(max_size=200))
def test_any_text_is_taken(gold: str, said: str) -> None:
    found = outcome(gold.encode("utf-8", "ignore").decode(), said.encode("utf-8", "ignore").decode())
    assert found in (None, "verified", "refuted")
