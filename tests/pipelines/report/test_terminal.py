from pathlib import Path

import polars as pl
import pytest

from pipelines.report.planted import Defects, Kind
from pipelines.report.terminal import WIDTH, terminal_summary
from pipelines.training.compare import Comparison, Difference


def lines_of(summary) -> list[str]:
    return terminal_summary(summary, Path("/somewhere/report.html")).splitlines()


def starting(lines: list[str], word: str) -> str:
    (found,) = [line for line in lines if line.strip().startswith(word)]
    return " ".join(found.split())


@pytest.fixture
def lines(corpus):
    return lines_of(corpus.summary())


def test_each_source_has_a_line_with_its_counts_and_reasons(corpus, lines):
    assert starting(lines, "alpaca").startswith("alpaca unchanged 33 30 8 22 rejected 2, ")
    assert starting(lines, "gsm8k ").startswith("gsm8k STALE 5 9 9 0")
    assert starting(lines, "ABSENT") == "ABSENT from this Hub: dolly"
    assert starting(lines, "hh_rlhf") == "hh_rlhf not refreshed 4 4 3 1 near-duplicate 1"


def test_the_funnel_ends_with_what_is_kept(corpus, lines):
    kept = sum(1 for record in corpus.ledger if record["fate"] == "kept")
    assert starting(lines, "kept ") == f"kept {kept} {100 * kept / len(corpus.ledger):.1f} %"
    assert starting(lines, "- rule") == f"- rule 2 {100 * 2 / len(corpus.ledger):.1f} %"


def test_it_says_where_to_look_and_what_failed(corpus, lines):
    train = corpus.count("fate", "side")["kept", "train"]
    assert starting(lines, "train").endswith(f"{corpus.place.exports}/default/*/train.parquet ({train} rows)")
    assert starting(lines, "report") == "report /somewhere/report.html"
    assert "make up" in starting(lines, "the graph")
    assert starting(lines, "the review") == "the review Argilla on http://127.0.0.1:6900"
    assert lines[-1].strip() == "gsm8k: no answer from the Hub"


def test_lines_fit_a_terminal(lines):
    # Paths and errors are never cut.
    assert [line for line in lines if len(line) > WIDTH and "/" not in line] == []


def test_nothing_published_is_said(place, lake):
    from pipelines.report.summary import RunOutcome, summarise

    lines = lines_of(summarise(place, lake, RunOutcome({}, (), (), ("alpaca: it broke",), 1.0)))
    assert any("Nothing is published" in line for line in lines)
    assert lines[-1].strip() == "alpaca: it broke"


def test_defects_say_what_was_missed_and_what_is_unknown(corpus):
    from dataclasses import replace

    kinds = (
        Kind("empty answer", 3, 2, 1, 0, False, ("alpaca/instruction/x (kept)",)),
        Kind("benchmark question", 2, 0, 0, 2, False, ()),
    )
    wronged = pl.DataFrame({"label": ["echo"], "rows": [1], "example": ["dolly/instruction/y"]})
    lines = lines_of(replace(corpus.summary(), defects=Defects(kinds, 40, 1, wronged)))
    assert "Planted defects: 2 of 3 caught, 2 unknown" in lines
    assert starting(lines, "benchmark question") == "benchmark question - 2 not read"
    assert starting(lines, "missed:") == "missed: empty answer: alpaca/instruction/x (kept)"
    assert starting(lines, "clean rows") == "clean rows: 1 of 40 were dropped wrongly"
    assert starting(lines, "echo 1") == "echo 1 such as dolly/instruction/y"


@pytest.mark.parametrize(("shift", "words"), [(-0.5, "Curation helped"), (0.5, "WARN Curation did not help")])
def test_losses_are_shown_and_judged(corpus, shift, words):
    d = Difference(curated=5 + shift, baseline=5.0, low=shift - 0.1, high=shift + 0.1, rows=7, tokens=70)
    lines = lines_of(corpus.summary(comparisons=(Comparison("default.sft", "raw.sft", 1000, 9.0, d, d),)))
    assert starting(lines, "whole test set").startswith(f"whole test set 7 {5 + shift:.4f} 5.0000")
    assert any(words in line for line in lines)
