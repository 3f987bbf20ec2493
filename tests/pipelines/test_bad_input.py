"""Bad input, from a Hub's folder to the lake: one bad row stops no source, one bad source no other."""

import gzip
import json
import shutil
import uuid
from pathlib import Path

import polars as pl
import pytest
from hub_repositories import settings, write
from hub_switch import CACHE, serving
from numbers_source import SETTINGS, SOURCE, rows

from pipelines.accounting import accounts
from pipelines.errors import TamisError
from pipelines.hub import Absent, Hub
from pipelines.lake import Lake
from pipelines.refresh import Refreshed, refresh
from pipelines.sources.source import Read, Source
from pipelines.states import open_state
from pipelines.workspace import Workspace

GOOD = rows("good", 8)
CARD = "---\nlicense: mit\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: train*\n---\n"


class Bench:
    """A folder's Hub with one source, and the lake that it is refreshed into."""

    def __init__(self, place: Workspace, folder: Path) -> None:
        shutil.rmtree(CACHE, ignore_errors=True)
        self.place, self.folder, self.lake = place, folder, Lake(place.lake)
        self.repo = f"org/set-{uuid.uuid4().hex[:8]}"
        self.root = folder / self.repo
        write(self.root / "README.md", CARD)

    def refresh(self, name: str = "numbers", *, repo: str | None = None, **changes: object) -> Refreshed:
        declared = Read(**({**SOURCE.reads[0].__dict__} | changes))
        source = Source(repo=repo or self.repo, license="mit", reads=(declared,), module=__name__)
        with serving(self.folder):
            pulled = Hub(None, CACHE, online=False).snapshot(source.repo, source.wanted)
        return refresh(self.place, self.lake, name, source, pulled, settings=SETTINGS)

    def questions(self) -> list[str]:
        first = pl.col("prompt").list.first().struct["content"]
        return self.lake.scan("records_cot").sort("id").select(first).collect().to_series().to_list()

    def rejects(self) -> list[tuple[str, int]]:
        return self.lake.scan("rejects").select("file", "row").sort("file", "row").collect().rows()

    def parquet_files(self) -> set[Path]:
        return {path for path in self.place.lake.rglob("*.parquet") if "_delta_log" not in path.parts}


@pytest.fixture
def bench(place: Workspace, tmp_path: Path) -> Bench:
    return Bench(place, tmp_path / "hub")


def lines(*given: dict[str, object] | bytes) -> bytes:
    """JSON lines; bytes stand as they are."""
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in given)


BROKEN_LINES = {
    "a truncated line": b'{"question": "1 + 1?", "ans',
    "invalid UTF-8": b'{"question": "\xff\xfe", "answer": "1"}',
    "a lone surrogate": b'{"question": "\\ud800", "answer": "1"}',
    "a bare list": b'["question", "answer"]',
    "a bare string": b'"question"',
    "a list for a string": b'{"question": ["1 + 1?"], "answer": "1"}',
    "an object for a string": b'{"question": {"a": 1}, "answer": "1"}',
    "a line of NUL": b"\0\0\0",
    "deep nesting": b'{"question": ' + b"[" * 100_000 + b"]" * 100_000 + b', "answer": "1"}',
}


@pytest.mark.parametrize("broken", BROKEN_LINES.values(), ids=BROKEN_LINES)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_a_broken_line_is_a_reject_and_costs_no_other(bench: Bench, broken: bytes, zipped: bool) -> None:
    data = lines(*GOOD[1:4], broken, *GOOD[4:])
    name = "train.jsonl.gz" if zipped else "train.jsonl"
    write(bench.root / name, gzip.compress(data) if zipped else data)
    done = bench.refresh()
    assert (done.rows, done.records) == (8, {"cot": 7, "grpo": 7})
    assert bench.rejects() == [(name, 3)]
    assert bench.questions() == [row["question"] for row in GOOD[1:]]
    assert accounts(bench.lake, "numbers") is None


def test_a_broken_element_of_a_json_array_costs_no_other(bench: Bench) -> None:
    text = json.dumps(GOOD[1:]).replace('"answer": "3"', '"answer": "3', 1)
    write(bench.root / "train.json", text)
    done = bench.refresh()
    assert len(bench.questions()) >= 5, "at most the broken one and its neighbour"
    assert done.rows == len(bench.questions()) + len(bench.rejects())
    assert accounts(bench.lake, "numbers") is None


@pytest.mark.parametrize("value", [None, 7, 1.5, True])
def test_a_null_or_a_number_where_a_text_is_due_stops_nothing(bench: Bench, value: object) -> None:
    write(bench.root / "train.jsonl", lines(*GOOD[1:4], {"question": "odd", "answer": value}, *GOOD[4:]))
    done = bench.refresh()
    assert done.rows == 8
    assert set(bench.questions()) >= {row["question"] for row in GOOD[1:]}
    assert accounts(bench.lake, "numbers") is None


def test_blank_lines_and_a_missing_newline_are_no_rows(bench: Bench) -> None:
    write(bench.root / "train.jsonl", b"\n" + lines(*GOOD[1:]).replace(b"\n", b"\r\n\n").rstrip())
    assert bench.refresh().rows == 7
    assert bench.rejects() == []


def test_a_missing_column_names_those_found_and_nothing_changes(bench: Bench) -> None:
    write(bench.root / "train.jsonl", lines(*GOOD[1:]))
    bench.refresh()
    before, files = bench.questions(), bench.parquet_files()
    write(bench.root / "train.jsonl", lines(*({"query": row["question"], "label": "x"} for row in GOOD)))
    with pytest.raises(TamisError, match=r"numbers: train.jsonl: .*question.*query.*label|numbers.*label.*query"):
        bench.refresh()
    assert bench.questions() == before
    assert bench.parquet_files() == files


def test_a_parquet_column_of_another_type_names_file_and_column(bench: Bench) -> None:
    pl.DataFrame({"question": [["a"], ["b"]], "answer": ["1", "2"]}).write_parquet(bench.root / "train.parquet")
    with pytest.raises(TamisError, match=r"numbers: train.parquet: .*question"):
        bench.refresh()
    assert bench.parquet_files() == set()


def test_a_column_of_nothing_but_null_is_read_as_null(bench: Bench) -> None:
    frame = pl.DataFrame({"question": [row["question"] for row in GOOD], "answer": [None] * 8})
    assert frame.schema["answer"] == pl.Null
    frame.write_parquet(bench.root / "train.parquet")
    done = bench.refresh()
    assert (done.rows, done.records) == (8, {"grpo": 8}), "a task needs no gold, an answer needs a text"
    assert accounts(bench.lake, "numbers") is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.jsonl.gz", b""),
        ("train.jsonl.gz", gzip.compress(lines(*GOOD), mtime=0)[:40]),
        ("train.parquet", b""),
        ("train.parquet", b"PAR1 but not really PAR1"),
    ],
)
def test_a_file_that_is_empty_or_damaged_as_a_whole_is_named_with_the_cure(bench: Bench, name, content) -> None:
    write(bench.root / name, content)
    with pytest.raises(TamisError) as error:
        bench.refresh()
    assert name in str(error.value)
    assert error.value.cure
    assert bench.parquet_files() == set()


@pytest.mark.parametrize("name", ["train.jsonl", "train.json"])
def test_an_empty_file_of_lines_is_noted_with_no_rows(bench: Bench, name: str) -> None:
    write(bench.root / name, b"")
    write(bench.root / "train-2.jsonl", lines(*GOOD))
    done = bench.refresh(data_files={"train": "train*"})
    assert dict(zip(done.files["file"], done.files["rows"], strict=True)) == {name: 0, "train-2.jsonl": 8}


def test_too_many_rejects_stop_their_source_before_it_is_committed(bench: Bench) -> None:
    write(bench.root / "train.jsonl", lines(*GOOD[1:3], *[b"{"] * 5))
    with pytest.raises(TamisError, match=r"numbers: 5 of 7 rows are rejects.*raise rejects_at_most"):
        bench.refresh()
    assert bench.parquet_files() == set()


def test_what_a_folder_lacks_is_absent(bench: Bench) -> None:
    write(bench.root / "train.jsonl", lines(*GOOD))
    with pytest.raises(Absent, match="org/none"):
        bench.refresh(repo="org/none")
    for lacking in ({"config": "none"}, {"splits": ("none",)}, {"data_files": {"train": "none/*"}}):
        assert bench.refresh(f"without {lacking}", **lacking).rows == 0
    settings(bench.root, gated=True)
    with pytest.raises(TamisError, match="is gated"):
        bench.refresh()


def test_one_bad_source_stops_no_other_and_its_last_good_records_stand(bench: Bench, tmp_path: Path) -> None:
    write(bench.root / "train.jsonl", lines(*GOOD))
    bench.refresh()
    first = open_state(bench.place, bench.lake, "code")
    write(bench.root / "train.jsonl", lines(*[b"{"] * 9))
    with pytest.raises(TamisError):
        bench.refresh()
    other = Bench(bench.place, tmp_path / "other")
    write(other.root / "train.jsonl", lines(*GOOD[:3]))
    other.refresh("other")
    second = open_state(bench.place, bench.lake, "code")
    held = second.scan("files").collect()
    assert dict(zip(held["source"], held["rows"], strict=True)) == {"numbers": 8, "other": 3}
    assert first.scan("files").collect()["source"].to_list() == ["numbers"]
