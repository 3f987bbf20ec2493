"""Claims and what becomes of them, by verifier."""

import polars as pl
import pytest

from pipelines.verify.checks import CHECKS, checked
from pipelines.verify.workers import Workers
from schemas.vocabulary import OUTCOMES, VERIFIERS

CLAIM = {"verifier": pl.String, "gold": pl.String, "text": pl.String, "given": pl.String, "itself": pl.Boolean}


def check(workers: Workers, *claims: tuple[str, str | None, str | None], itself: bool = False) -> list[str]:
    rows = [(verifier, gold, text, None, itself) for verifier, gold, text in claims]
    return checked(pl.DataFrame(rows, schema=CLAIM, orient="row"), workers)["outcome"].to_list()


@pytest.mark.parametrize(
    ("gold", "text", "outcome"),
    [
        ("72", "72", "verified"),
        ("72", "$73$", "refuted"),
        ("72", "The answer is 72 clips.", "verified"),
        ("72", "Answer: **73**.", "refuted"),
        ("1,200", "#### 1200", "verified"),
        ("72", "Altogether 48 + 24 = 72 clips", "verified"),
        ("44", "There would be 44 cups for 8 batches.", "unverifiable"),
        ("72", "We wrote \\boxed{3} at first.\n\nSo $\\boxed{72}$ or so.", "verified"),
        ("72", "I do not know.", "unverifiable"),
        ("72", "", "unverifiable"),
        ("72", None, "unverifiable"),
        (None, "72", "unverifiable"),
        ("\\sqrt{12}", "\\boxed{2\\sqrt{3}}", "verified"),
    ],
)
def test_the_answer_of_a_text(workers: Workers, gold: str | None, text: str | None, outcome: str) -> None:
    assert check(workers, ("math", gold, text)) == [outcome]


def test_choices_are_letters(workers: Workers) -> None:
    texts = ["B", "(b).", "The answer is (B).", "\\boxed{\\text{B}}", "\\boxed{C}", "The answer is clear", None]
    expected = ["verified", "verified", "verified", "verified", "refuted", "unverifiable", "unverifiable"]
    assert check(workers, *(("choice", "B", text) for text in texts)) == expected
    assert check(workers, ("choice", "Paris", "B")) == ["unverifiable"]


def test_words_may_agree_but_are_never_refuted(workers: Workers) -> None:
    claims = [("words", "Paris", text) for text in ("So the answer is  PARIS.", "\\boxed{\\text{Paris}}", "Rome")]
    assert check(workers, *claims) == ["verified", "verified", "unverifiable"]


def test_exact_answers(workers: Workers) -> None:
    claims = [("exact", "New  York", "new york"), ("exact", "a", "b"), ("exact", " ", " "), ("exact", None, "b")]
    assert check(workers, *claims) == ["verified", "refuted", "unverifiable", "unverifiable"]


def test_a_gold_answer_is_tried_on_its_own_verifier(workers: Workers) -> None:
    claims = [("math", gold, gold) for gold in ("72", "\\frac{1}{2}", "$x+1$", "", None)]
    claims += [("math", "9^{9^{9^9}}", "9^{9^{9^9}}"), ("choice", "C", "C"), ("choice", "maybe", "maybe")]
    assert check(workers, *claims, itself=True) == [
        *("verified", "verified", "verified", "unverifiable", "unverifiable"),
        *("verified", "verified", "unverifiable"),  # the tower is the same text, so nothing is worked out
    ]


def test_every_verifier_has_a_check_and_what_nothing_runs_is_unverifiable(workers: Workers) -> None:
    assert set(VERIFIERS) <= set(CHECKS)
    assert check(workers, ("code", "1", "1"), ("instruction", "1", "1"), itself=True) == ["unverifiable"] * 2


def test_rows_keep_their_order(workers: Workers) -> None:
    claims = [
        ("math", "1", "1"),
        ("exact", "a", "b"),
        ("math", "1", "2"),
        ("choice", "A", "A"),
        ("code", None, None),
    ] * 3
    found = check(workers, *claims)
    assert found == ["verified", "refuted", "refuted", "verified", "unverifiable"] * 3
    assert set(found) <= set(OUTCOMES)
    assert check(workers) == []
