import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import TamisError
from pipelines.quality.redaction import KINDS
from pipelines.standalone.layouts import LAYOUTS, layout_of
from pipelines.standalone.score import score

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(*rows: dict[str, Any] | str, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
        return path

    return written


def talk(*said: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(said)]


ROWS: dict[str, tuple[dict[str, Any], str, dict[str, int]]] = {
    "messages": ({"messages": talk("Why is it?", "Because it is.")}, "conversation", {"instruction_completion": 3}),
    "tags": ({"messages": talk("Why?", "<think>\nHm.\n</think>\n\nSo be it.")}, "conversation", {"cot_reasoning": 1}),
    "question": ({"instruction": "Why is it?", "output": "So."}, "conversation", {"instruction_prompt": 3}),
    "sides": (
        {"chosen": talk("Why?", "It is good."), "rejected": talk("Why?", "Bad.")},
        "preference",
        {"preference_chosen": 3, "preference_rejected": 1, "preference_prompt": 1},
    ),
    "answers": (
        {"prompt": "Why is it?", "chosen": "It is.", "rejected": "No."},
        "preference",
        {"preference_prompt": 3, "preference_chosen": 2},
    ),
    "transcripts": (
        {"chosen": "\n\nHuman: Why?\n\nAssistant: It is.", "rejected": "\n\nHuman: Why?\n\nAssistant: No."},
        "preference",
        {"preference_prompt": 1, "preference_chosen": 2},
    ),
    "columns": (
        {"question": "Why?", "reasoning": "Let me think.", "answer": "So."},
        "reasoning",
        {"cot_reasoning": 3, "cot_completion": 1},
    ),
    "task": ({"problem": "How many are there?", "answer": 42}, "task", {"grpo_prompt": 4}),
    "text": ({"text": "Only a text.", "url": "x"}, "text", {"instruction_completion": 3, "instruction_prompt": 0}),
}


@pytest.mark.parametrize("kind", ROWS)
def test_a_layout_is_recognised_and_its_parts_are_measured(write: Write, tmp_path: Path, kind: str) -> None:
    row, layout, words = ROWS[kind]
    done = score(write(row, row), tmp_path / "out.parquet")
    assert (done.layout, done.rows, sum(done.records.values()), done.left_out) == (layout, 2, 2, {})
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found["row"].to_list() == [0, 1]
    family = found["family"][0]
    for name, count in words.items():
        of, part = name.split("_")
        assert (of, found[f"{part}_words"][1]) == (family, count)
    assert done.signals == found.width - 3
    assert found["content_hash"].str.len_chars().to_list() == [32, 32]


def test_each_row_has_its_own_number_and_broken_ones_are_counted(write: Write, tmp_path: Path) -> None:
    think, plain = ROWS["tags"][0], ROWS["messages"][0]
    path = write(plain, "{broken", think, {"messages": talk("Only asked?")}, plain)
    done = score(path, tmp_path / "out.parquet")
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found.select("row", "family").rows() == [(0, "instruction"), (2, "cot"), (4, "instruction")]
    assert done.rows == 5 == sum(done.records.values()) + sum(done.left_out.values())
    assert found["reasoning_words"].to_list() == [None, 1, None]
    assert "left out: 1 rows: ends with the user" in str(done)


def test_parquet_and_arrays_are_read_too(write: Write, tmp_path: Path) -> None:
    row = ROWS["question"][0]
    array, parquet = write(json.dumps([row, row]), name="rows.json"), tmp_path / "rows.parquet"
    pl.DataFrame([row, row]).write_parquet(parquet)
    for path in (array, parquet):
        assert score(path, tmp_path / "out.parquet").records == {"instruction": 2}


def test_a_copy_is_redacted(write: Write, tmp_path: Path) -> None:
    row = {"question": "Mail a@b.org?", "answer": "Or call 555-123-4567."}
    score(write(row), tmp_path / "out.parquet", copy=tmp_path / "copy.parquet", kinds=KINDS)
    copy = pl.read_parquet(tmp_path / "copy.parquet").row(0, named=True)
    said = [copy[part][0]["content"] for part in ("prompt", "completion")]
    assert said == ["Mail [e-mail]?", "Or call [telephone number]."]
    assert (copy["row"], copy["family"]) == (0, "instruction")
    assert pl.read_parquet(tmp_path / "out.parquet")["prompt_emails"].to_list() == [1], (
        "signals are of the text as it is"
    )


def test_the_command(write: Write, tmp_path: Path) -> None:
    out, copy = tmp_path / "out.parquet", tmp_path / "copy.parquet"
    path = write({"text": "a@b.org 10.0.0.1"})
    arguments = ["score", path, "--out", out, "--redacted", copy, "--redact", "emails", "--layout", "text"]
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert "1 rows of the layout text: 1 instruction records" in done.stdout
    assert pl.read_parquet(copy)["completion"][0][0]["content"] == "[e-mail] 10.0.0.1"
    with pytest.raises(TamisError, match="'mails' is no kind"):
        CliRunner().invoke(app, ["score", str(path), "--out", str(out), "--redact", "mails"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("rows", "given", "said"),
    [
        (({"foo": 1, "bar": 2},), {}, "no layout is recognised among its columns: bar, foo"),
        (({"foo": 1},), {"layout": "talk"}, "no layout 'talk'. There are preference, reasoning"),
        (({"foo": 1},), {"layout": "text"}, "foo"),
        (({"messages": talk("Only asked?")},), {}, "no row of it is a record: ends with the user"),
        (("{broken",), {}, "no layout"),
    ],
)
def test_what_cannot_be_scored_says_why_and_leaves_nothing(
    write: Write, tmp_path: Path, rows: tuple[Any, ...], given: dict[str, str], said: str
) -> None:
    with pytest.raises(TamisError, match=said):
        score(write(*rows), tmp_path / "out.parquet", **given)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_a_file_is_not_written_over_itself_and_has_to_be_there(write: Write, tmp_path: Path) -> None:
    path = write({"text": "x"})
    with pytest.raises(TamisError, match="is the file that is scored"):
        score(path, path)
    with pytest.raises(TamisError, match="no such file"):
        score(tmp_path / "nothing.jsonl", tmp_path / "out.parquet")
    assert layout_of(path, "task")[1] is LAYOUTS["task"]
