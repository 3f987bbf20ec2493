"""Layouts are recognised in data sets that nobody declared, in the variants that people publish; no more is claimed."""

from pathlib import Path

import pytest
from added_sources import written
from unseen_rows import VARIANTS, rows

from pipelines.errors import TamisError
from pipelines.layouts.known import LAYOUTS
from pipelines.unseen.fits import best, fits
from pipelines.unseen.sample import sampled

NESTED = ("messages_with_tools", "messages_nested", "preference_sharegpt", "scored_objects", "verl_object")


def best_of(path: Path):
    return best(fits(path, sampled(path)))


@pytest.mark.parametrize(
    ("name", "form"), [*((name, "jsonl") for name in VARIANTS), *((name, "parquet") for name in NESTED)]
)
def test_the_layout_is_recognised_and_every_row_gives_a_record(tmp_path: Path, name: str, form: str) -> None:
    fit = best_of(written(tmp_path / f"rows.{form}", rows(name, 6)))
    assert fit is not None
    assert (fit.layout, fit.yielding, fit.reasons) == (VARIANTS[name][0], 6, {})


def test_every_layout_is_among_the_variants() -> None:
    assert {layout for layout, _ in VARIANTS.values()} == set(LAYOUTS)


@pytest.mark.parametrize(
    ("row", "layout", "why"),
    [
        (
            {"prompt": "Say.", "completion": "So.", "label": True},
            "prompt-completion",
            "label says which answers are good",
        ),
        (
            {"prompt": "Say.", "completion": "So.", "label": True},
            "problem",
            "label says which answers are good",
        ),
        ({"question": "Which?", "choices": ["a", "b"], "answer": 1}, "problem", "choices holds the choices"),
        (
            {"prompt": "What?", "completion": "A cat.", "image": "aGk="},
            "prompt-completion",
            "image holds what is not text",
        ),
        ({"chosen": "Yes.", "rejected": "No."}, "pairs", "what is asked stands nowhere"),
        ({"chosen": "Yes.", "rejected": "No."}, "transcripts", "do not begin with a mark"),
        ({"prompt": "Say.", "responses": ["a", "b"]}, "scored", "responses has no scores"),
        ({"prompt": "Say.", "response": "a", "score": 2}, "scored", "do not repeat"),
        ({"messages": "[{'role': 'user', 'content': 'hi'}]"}, "messages", "Python's notation"),
        ({"question": "Why?", "answer": "Since it is so, as all say."}, "problem", "rather than golds"),
        ({"text": "Once upon a time."}, "messages", "no column for messages"),
    ],
)
def test_what_does_not_fit_says_why(tmp_path: Path, row: dict, layout: str, why: str) -> None:
    different = [{**row, **({"prompt": f"Say {n}."} if "prompt" in row else {})} for n in range(5)]
    path = written(tmp_path / "rows.jsonl", different)
    found = {fit.layout: fit for fit in fits(path, sampled(path))}
    assert found[layout].score == 0
    assert why in found[layout].why


def test_rows_without_an_answer_are_claimed_by_no_layout(tmp_path: Path) -> None:
    asked = [{"messages": [{"role": "user", "content": f"{n}?"}]} for n in range(5)]
    assert best_of(written(tmp_path / "rows.jsonl", asked)) is None


def test_a_few_bad_rows_lower_the_score_and_are_named(tmp_path: Path) -> None:
    bad = [{"messages": [{"role": "user", "content": "?"}]}, {"messages": None}]
    fit = best_of(written(tmp_path / "rows.jsonl", [*rows("messages", 8), *bad]))
    assert fit is not None
    assert (fit.layout, round(fit.yielding / fit.rows, 2)) == ("messages", 0.8)
    assert fit.reasons == {"ends with the user": 1, "no messages in it": 1}


@pytest.mark.parametrize("name", ["question_answer", "messages_as_json"])
@pytest.mark.parametrize("form", ["csv.gz", "json", "jsonl.gz"])
def test_forms_of_files_make_no_difference(tmp_path: Path, name: str, form: str) -> None:
    fit = best_of(written(tmp_path / f"rows.{form}", rows(name, 5)))
    assert fit is not None
    assert (fit.layout, fit.yielding, fit.reasons) == (VARIANTS[name][0], 5, {})


@pytest.mark.parametrize("content", [b"", b"\n\n", b"not json\n", b"{broken\n", b"[]"])
def test_a_file_without_rows_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(TamisError, match="no row"):
        sampled(path)
