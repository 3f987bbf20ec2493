r"""Gold answers in upstream's forms."""

import re
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.layouts.answers import after_marks, boxed, code_tests, final, gold

text = pl.col("text")


def of(expression: pl.Expr, *texts: str | None) -> list[str | None]:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(expression).to_series().to_list()


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("72", "72"),
        (" 7 ", "7"),
        ("1,000", "1000"),
        ("-1,234,567.5", "-1234567.5"),
        ("1,\\!722", "1722"),
        ("24{,}000", "24000"),
        ("\\$306,\\!956.63", "306956.63"),
        ("$1,000", "1000"),
        ("\\$ 5", "5"),
        ("-\\$0.50", "-0.50"),
        ("$-1,000$", "-1000"),
        ("$\\frac{1}{2}$", "\\frac{1}{2}"),
        ("\\(5\\)", "5"),
        ("\\[x\\]", "x"),
        ("$$x$$", "x"),
        ("\\boxed{\\sqrt{3}}", "\\sqrt{3}"),
        ("\\boxed{1{,}000}", "1000"),
        # what is more than one number, or may be, stays
        ("(1,000)", "(1,000)"),
        ("[0,3)", "[0,3)"),
        ("2, 3", "2, 3"),
        ("12,34", "12,34"),
        ("1,0000", "1,0000"),
        ("32 \\%", "32 \\%"),
        ("$1$ and $2$", "$1$ and $2$"),
        ("\\boxed{a} and \\boxed{b}", "\\boxed{a} and \\boxed{b}"),
        ("proof of x", "proof of x"),
        ("No", "No"),
        ("", None),
        (" \n", None),
        ("proof", None),
        ("Proof.", None),
        ("notfound", None),
        ("Not found", None),
        ("None", None),
        ("N/A", None),
        ("\\boxed{}", None),
        (None, None),
    ],
)
def test_a_gold_is_plain_or_null(given_: str | None, expected: str | None) -> None:
    assert of(gold(text), given_) == [expected]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("0123456789,.$\\!{}[]() abnoeproft"), max_size=20))
def test_a_gold_of_any_text_says_something(given_: str) -> None:
    (found,) = of(gold(text), given_)
    assert found is None or found.strip() == found != ""
    if "$" not in given_ and "\\" not in given_ and found is not None:
        assert of(gold(text), found) == [found]
        assert found in (given_.strip(), re.sub(r"\{,\}|[, ]", "", given_))


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("a \\boxed{1} b \\boxed{\\frac{1}{\\sqrt{2}}} c", "\\frac{1}{\\sqrt{2}}"),
        ("\\boxed {3}", "3"),
        ("\\fbox{3}", "3"),
        ("\\boxed{\\text{a\\}b}}", "\\text{a\\}b}"),
        ("\\boxed{a\nb}", "a\nb"),
        ("\\boxed{}", ""),
        ("\\boxed{1", None),
        ("boxed 1", None),
        (None, None),
    ],
)
def test_the_last_box_is_the_answer(given_: str | None, expected: str | None) -> None:
    assert of(boxed(text), given_) == [expected]


def test_boxes_that_never_close_take_no_time() -> None:
    begin = time.process_time()
    assert of(boxed(text), "\\boxed{" * 20_000, "\\boxed{" + "{" * 50_000) == [None, None]
    assert time.process_time() - begin < 2


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("x\n#### 72", "72"),
        ("#### 1\ny #### 2 \n", "2"),
        ("x ####10.5", "10.5"),
        ("x\n####", None),
        ("x\n#### \ny", None),
    ],
)
def test_what_follows_the_marks_is_the_answer(given_: str, expected: str | None) -> None:
    assert of(after_marks(text), given_) == [expected]


def test_a_short_line_is_its_own_answer_and_a_derivation_is_none() -> None:
    texts = ("12", "so \\boxed{5}\nQED", "First,\nthen.", "word " * 30, None, "proof")
    assert of(final(text), *texts) == ["12", "5", None, None, None, None]


def test_code_tests_are_json_or_none() -> None:
    texts = ('{"inputs": [1]}', "[1]", "{", "", "{}", "[]", "null", None)
    made = of(code_tests(text, pl.lit('a"b')), *texts)
    assert made == [
        '{"tests":{"inputs": [1]},"starter_code":"a\\"b"}',
        '{"tests":[1],"starter_code":"a\\"b"}',
        *[None] * 6,
    ]
