"""The commands on files of anybody: what they write, and what they say of files that they cannot read."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import TamisError
from pipelines.standalone import near_duplicates, shared_with
from pipelines.standalone.dedup import deduplicate

LONG = "The lighthouse keeper counts every ship that passes the northern reef before the lamp is lit at dusk"
NEAR = f"{LONG} again"
OTHER = "A recipe for bread needs flour, water, salt, yeast, patience, and an oven that is hot enough for it"
TEXTS = [LONG, OTHER, NEAR, "Yes.", "yes.", "No.", None, LONG.upper(), ""]


def invoke(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"id": [f"r{n}" for n in range(len(TEXTS))], "text": TEXTS, "n": range(len(TEXTS))}).write_parquet(
        path
    )
    return path


def test_dedup_writes_what_is_kept_with_all_columns_and_the_pairs(rows: Path, tmp_path: Path) -> None:
    out, pairs = tmp_path / "deep" / "kept.parquet", tmp_path / "pairs.parquet"
    said = invoke("dedup", rows, "--column", "text", "--out", out, "--pairs", pairs, "--id", "id")
    kept = pl.read_parquet(out)
    assert kept.columns == ["id", "text", "n"]
    assert kept["id"].to_list() == ["r0", "r1", "r3", "r5", "r6", "r8"]
    found = pl.read_parquet(pairs)
    assert found.columns == ["removed", "survivor", "similarity"]
    assert [row[:2] for row in found.rows()] == [("r2", "r0"), ("r4", "r3"), ("r7", "r0")]
    assert 0.7 <= found["similarity"][0] < 1 and found["similarity"][1] == found["similarity"][2] == 1
    assert "9  rows" in said and "3  removed (33.3%)" in said


def test_dedup_of_several_files_and_columns_keeps_what_must_agree(tmp_path: Path) -> None:
    first, second, out = tmp_path / "a.jsonl", tmp_path / "b.parquet", tmp_path / "kept.parquet"
    told = [{"q": LONG, "a": "1", "extra": [1]}, {"q": LONG, "a": "2"}, {"q": OTHER, "a": None}]
    first.write_text("\n".join(json.dumps(row) for row in told))
    pl.DataFrame({"q": [LONG, OTHER], "a": ["1", "5"], "more": [True, False]}).write_parquet(second)
    pairs = tmp_path / "pairs.parquet"
    invoke("dedup", first, second, "--column", "q", "--agree", "a", "--out", out, "--pairs", pairs)
    assert pl.read_parquet(out).select("q", "a").rows() == [(LONG, "1"), (LONG, "2"), (OTHER, None)]
    assert set(pl.read_parquet(out).columns) == {"q", "a", "extra", "more"}
    assert pl.read_parquet(pairs)["removed"].to_list() == [f"{second}:0", f"{second}:1"]
    invoke("dedup", first, second, "--column", "q", "--column", "a", "--threshold", 1.0, "--out", out)
    assert pl.read_parquet(out).height == 4, "the answer is part of what is compared"


def test_dedup_against_a_file_removes_what_that_has_and_leaves_it_alone(rows: Path, tmp_path: Path) -> None:
    old, out = tmp_path / "old.parquet", tmp_path / "kept.parquet"
    # The second is a near-duplicate of the first, and must count all the same.
    pl.DataFrame({"text": [LONG, NEAR]}).write_parquet(old)
    before = old.read_bytes()
    said = invoke("dedup", rows, "--column", "text", "--against", old, "--out", out)
    assert pl.read_parquet(out)["text"].to_list() == [OTHER, "Yes.", "No.", None, ""]
    assert old.read_bytes() == before and "3  of them for a row of the file" in said


def test_another_threshold_is_another_view_of_the_same_work() -> None:
    frame = pl.DataFrame({"text": TEXTS})
    clusters = near_duplicates(frame, "text", threshold=0.7)
    assert clusters.removed["row"].to_list() == [2, 4, 7]
    assert clusters.share_removed == pytest.approx(3 / 9)
    assert clusters.at(0.99).removed["row"].to_list() == [4, 7]
    with pytest.raises(ValueError, match="threshold"):
        near_duplicates(frame, "text", threshold=0)


def test_decontaminate_writes_every_hit_with_both_spans(tmp_path: Path) -> None:
    rows, exam, out = tmp_path / "rows.jsonl", tmp_path / "exam.jsonl", tmp_path / "hits.parquet"
    told = [{"name": "x", "q": f"Well: {LONG}", "a": "7"}, {"name": "y", "q": OTHER, "a": None}]
    rows.write_text("\n".join(json.dumps(row) for row in told))
    exam.write_text(json.dumps({"q": LONG}))
    said = invoke(
        "decontaminate", rows, "--column", "q", "--column", "a", "--against", exam, "--id", "name", "--out", out
    )
    found = pl.read_parquet(out)
    assert found["row"].to_list() == ["x"] * 3 and found["rule"].to_list() == ["8-gram", "13-gram", "coverage"]
    row = found.row(2, named=True)
    assert (row["column"], row["text"], row["item_text"], row["start"]) == ("q", LONG, LONG, 6)
    assert "2 rows" in said and "1 items" in said


def test_a_question_does_not_answer_itself() -> None:
    exam = pl.DataFrame({"text": ["Is the answer seven or eight"]})
    frame = pl.DataFrame({"text": ["Is the answer seven or eight, then? I do not know."]})
    assert shared_with(frame, "text", exam["text"]).is_empty()


def test_decontaminate_without_an_index_says_how_to_get_one(rows: Path, tmp_path: Path, place) -> None:
    with pytest.raises(TamisError, match="tamis benchmarks"):
        invoke("decontaminate", rows, "--column", "text", "--out", tmp_path / "hits.parquet", "--hub", "sample")


@pytest.mark.parametrize("command", ["dedup", "decontaminate"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b'{"text": "a"}\n{"text": \n', "cannot be read"),
        (b"PAR1 and nothing more", "cannot be read"),
        (b'{"txet": "a"}\n', "Did you mean txet"),
        (b'{"text": ["a"]}\n', "no text"),
    ],
)
def test_what_cannot_be_read_is_told(command: str, content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    if content is not None:
        path.write_bytes(content)
    own = ["--against", path] if command == "decontaminate" else []
    with pytest.raises(TamisError, match=message):
        invoke(command, path, "--column", "text", "--out", tmp_path / "out.parquet", *own)
    assert not (tmp_path / "out.parquet").exists()


def test_the_file_that_is_read_is_never_written(rows: Path, tmp_path: Path) -> None:
    for arguments in (["--out", rows], ["--out", tmp_path / "kept.parquet", "--pairs", rows]):
        with pytest.raises(TamisError, match="would be written"):
            invoke("dedup", rows, "--column", "text", *arguments)
    with pytest.raises(TamisError, match="would be one file"):
        invoke(
            "dedup", rows, "--column", "text", "--out", tmp_path / "kept.parquet", "--pairs", tmp_path / "kept.parquet"
        )
    with pytest.raises(TamisError, match="would be written"):
        invoke("decontaminate", rows, "--column", "text", "--against", rows, "--out", rows)


def test_no_rows_nulls_one_word_and_one_huge_row_all_pass(tmp_path: Path) -> None:
    out = tmp_path / "kept.parquet"
    nothing = tmp_path / "nothing.parquet"
    pl.DataFrame(schema={"text": pl.String}).write_parquet(nothing)
    assert deduplicate([nothing], ["text"], 0.7, out).rows == 0
    odd = tmp_path / "odd.parquet"
    texts = [None, None, "", "word", "word", f"{LONG} " * 100_000, None]
    pl.DataFrame({"text": texts}).write_parquet(odd)
    done = deduplicate([odd], ["text"], 0.7, out)
    assert (done.rows, done.removed) == (7, 1) and pl.read_parquet(out).height == 6
    hits_ = invoke("decontaminate", odd, "--column", "text", "--against", odd, "--out", tmp_path / "hits.parquet")
    assert "7 rows" in hits_


def test_numbers_are_compared_as_text(tmp_path: Path) -> None:
    path, out = tmp_path / "rows.parquet", tmp_path / "kept.parquet"
    pl.DataFrame({"n": [7, 8, 7]}).write_parquet(path)
    invoke("dedup", path, "--column", "n", "--out", out)
    assert pl.read_parquet(out)["n"].to_list() == [7, 8]


def test_a_name_with_a_pattern_in_it_is_one_file(tmp_path: Path) -> None:
    rows, out = {"text": [LONG, OTHER, NEAR]}, tmp_path / "kept.parquet"
    for name in ("a[1]", "a*", "a?"):
        pl.DataFrame(rows).write_parquet(tmp_path / f"{name}.parquet")
        pl.DataFrame(rows).write_ndjson(tmp_path / f"{name}.jsonl")
    for other in ("a1.parquet", "a1.jsonl"):
        (tmp_path / other).write_bytes(b"")
    for name in ("a[1].parquet", "a*.parquet", "a[1].jsonl", "a*.jsonl", "a?.jsonl"):
        assert deduplicate([tmp_path / name], ["text"], 0.7, out).rows == 3, name
        assert pl.read_parquet(out)["text"].to_list() == [LONG, OTHER]


def test_a_byte_order_mark_and_the_line_that_is_broken(tmp_path: Path) -> None:
    path, out = tmp_path / "windows.jsonl", tmp_path / "kept.parquet"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n{"text": "two"}\r\n')
    assert deduplicate([path], ["text"], 0.7, out).rows == 2
    assert pl.read_parquet(out)["text"].to_list() == ["one", "two"]
    path.write_bytes(b'\xef\xbb\xbf{"text": "one"}\n\n{"text": "two"\n')
    with pytest.raises(TamisError, match="line 3 is no JSON object"):
        deduplicate([path], ["text"], 0.7, out)


def test_where_nothing_can_be_written_is_told_before_anything_is_compared(
    rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, blocked = tmp_path / "kept.parquet", rows / "deep" / "pairs.parquet"
    kept.write_bytes(b"older")
    monkeypatch.setattr("pipelines.standalone.dedup.near_duplicates", None)
    for arguments, message in (
        (["--out", blocked], "cannot be written"),
        (["--out", tmp_path], "is a folder"),
        (["--out", kept, "--pairs", blocked], "cannot be written"),
    ):
        with pytest.raises(TamisError, match=message):
            invoke("dedup", rows, "--column", "text", *arguments)
    for out, message in ((blocked, "cannot be written"), (tmp_path, "is a folder")):
        with pytest.raises(TamisError, match=message):
            invoke("decontaminate", rows, "--column", "text", "--against", rows, "--out", out)
    assert kept.read_bytes() == b"older" and sorted(tmp_path.iterdir()) == [kept, rows]


def test_the_benchmark_of_a_user_is_never_written(rows: Path, tmp_path: Path) -> None:
    exam = tmp_path / "exam.parquet"
    pl.DataFrame({"text": [LONG]}).write_parquet(exam)
    with pytest.raises(TamisError, match="would be written"):
        invoke("decontaminate", rows, "--column", "text", "--against", exam, "--out", exam)
    assert pl.read_parquet(exam).height == 1


def test_ids_are_told_as_they_are_and_those_that_name_several_rows_are_counted(tmp_path: Path) -> None:
    path, other, pairs = tmp_path / "rows.parquet", tmp_path / "other.jsonl", tmp_path / "pairs.parquet"
    pl.DataFrame({"id": [7, 8, 8, None], "text": [LONG, NEAR, OTHER, OTHER]}).write_parquet(path)
    other.write_text(json.dumps({"id": "x", "text": OTHER}))
    to = ("--column", "text", "--id", "id", "--out", tmp_path / "out.parquet")
    said = invoke("dedup", path, *to, "--pairs", pairs)
    assert pl.read_parquet(pairs).select("removed", "survivor").rows() == [(8, 7), (None, 8)]
    assert "3  have no id of their own" in said
    said = invoke("decontaminate", path, *to, "--against", other)
    assert pl.read_parquet(tmp_path / "out.parquet")["row"].unique().sort().to_list() == [None, 8]
    assert "3 rows have no id of their own" in said
    invoke("dedup", path, *to, "--pairs", pairs, "--against", other)
    assert pl.read_parquet(pairs)["survivor"].to_list() == ["7", "x", "x"], "numbers beside names are text"


def test_a_column_may_be_named_twice(rows: Path, tmp_path: Path) -> None:
    out, twice = tmp_path / "out.parquet", ["--column", "text", "--column", "text", "--id", "text", "--out"]
    invoke("dedup", rows, *twice, out, "--agree", "text", "--pairs", tmp_path / "pairs.parquet")
    assert pl.read_parquet(out).height == 9, "only equal texts agree, and none are"
    invoke("decontaminate", rows, *twice, out, "--against", rows)
    assert pl.read_parquet(out)["column"].unique().to_list() == ["text"]


def test_a_threshold_below_what_signatures_find_says_how_many_they_do(rows: Path, tmp_path: Path) -> None:
    arguments = ("dedup", rows, "--column", "text", "--out", tmp_path / "out.parquet", "--threshold")
    assert "55%  of the pairs of similarity 0.5 are looked at" in invoke(*arguments, 0.5)
    assert "looked at" not in invoke(*arguments, 0.7)
