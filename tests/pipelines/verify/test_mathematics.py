"""Verification on MATH's test set: the same outcomes as Math-Verify, whatever decides them."""

import json
from pathlib import Path

import polars as pl
import pytest

from bench.verify import last_boxed
from pipelines.verify import mathematics, worker
from pipelines.verify.workers import Workers


@pytest.fixture(scope="module")
def math(real_hub: Path) -> pl.DataFrame:
    """`gold`, which is the last box of `said`, for the 5,000 problems."""
    lines = (real_hub / "EleutherAI" / "hendrycks_math" / "test.jsonl").read_text(encoding="utf-8").splitlines()
    solutions = [json.loads(line)["solution"] for line in lines]
    return pl.DataFrame({"gold": [last_boxed(solution) for solution in solutions], "said": solutions})


def plainly(pairs: pl.DataFrame) -> list[bool]:
    return [worker.judged(*pair) == worker.VERIFIED for pair in pairs.select("gold", "said").rows()]


def test_gold_answers_verify_against_their_own_solutions(math: pl.DataFrame, workers: Workers) -> None:
    found = mathematics.outcomes(math, workers)
    assert (found["outcome"] == "verified").mean() >= 0.995
    assert (found["by"] == "comparison").mean() >= 0.95
    drawn = math.hstack(found).sample(120, seed=1)
    assert (drawn["outcome"] == "verified").to_list() == plainly(drawn)


def test_answers_of_other_problems_are_refuted(math: pl.DataFrame, workers: Workers) -> None:
    swapped = math.with_columns(pl.col("said").shuffle(seed=2)).sample(250, seed=3)
    found = mathematics.outcomes(swapped, workers)["outcome"]
    accepted = pl.Series(plainly(swapped))
    assert (found == "verified").to_list() == accepted.to_list()
    assert (found.filter(~accepted) == "refuted").mean() >= 0.999


def test_nulls_are_unverifiable_and_equal_pairs_are_judged_once(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    judge = workers.outcomes
    monkeypatch.setattr(workers, "outcomes", lambda pairs: asked.extend(pairs) or judge(pairs))
    pairs = pl.DataFrame(
        {
            "gold": ["\\sqrt{12}", None, "\\sqrt{12}", "5"],
            "said": ["\\boxed{2\\sqrt{3}}", "5", "\\boxed{2\\sqrt{3}}", None],
        }
    )
    found = mathematics.outcomes(pairs, workers)
    assert found["outcome"].to_list() == ["verified", "unverifiable", "verified", "unverifiable"]
    assert found["by"].to_list() == ["Math-Verify", None, "Math-Verify", None]
    assert len(asked) == 1
