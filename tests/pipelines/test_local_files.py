"""A team's own files as sources: copied by content, split by name, and told when they change or go."""

import json
import os
from pathlib import Path

import polars as pl
import pytest
from added_sources import added, counts, own_lake, read, written
from unseen_rows import rows

from pipelines import local_files, snapshots
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.local_files import listed
from pipelines.sources import sources
from pipelines.upstream import look, planned, snapshot
from pipelines.workspace import Workspace


@pytest.fixture
def lake_file(tmp_path: Path, monkeypatch):
    with own_lake(monkeypatch, tmp_path) as file:
        yield file


def test_the_files_of_a_folder_go_by_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    for name in ("a.jsonl", "deep/train-2.parquet", "test.csv.gz", "validation/x.json", "contest.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    for name in ("README.md", ".hidden.jsonl", "_tmp.jsonl", ".cache/a.jsonl", "dataset_infos.json", "a.pdf"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    assert [(one.path, one.split) for one in listed(folder)] == [
        ("a.jsonl", "train"),
        ("contest.jsonl", "train"),
        ("deep/train-2.parquet", "train"),
        ("test.csv.gz", "test"),
        ("validation/x.json", "validation"),
    ]


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere", "no such file"), ("empty", "no file of rows"), ("a.pdf", "is no file")]
)
def test_a_place_without_rows_is_a_clear_error(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(TamisError, match=why):
        listed(tmp_path / name)


def test_a_folder_of_several_forms_is_one_source(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    folder = tmp_path / "support"
    forms = ("a.jsonl", "b.jsonl.gz", "c.json", "d.parquet", "e.csv", "test.csv.gz")
    for number, form in enumerate(forms):
        written(folder / form, rows("question_answer", number + 1))
    added(folder, place)
    done = read("support", place)
    assert counts(done) == (21, 21, 0, 0)
    records = Lake(place.lake).scan("records_instruction").select("id", "origin").unnest("origin").collect()
    assert dict(records.group_by("split").len().rows()) == {"train": 15, "test": 6}
    assert records["id"].is_unique().all()


def test_only_what_changed_is_read_again(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("a", "b"):
        written(folder / f"{name}.jsonl", rows("messages", 4))
    added(folder, place)
    assert read("mine", place).read_again == ("a.jsonl", "b.jsonl")
    os.utime(folder / "a.jsonl")
    assert read("mine", place).read_again == ()
    written(folder / "b.jsonl", rows("messages", 5))
    done = read("mine", place)
    assert (done.read_again, counts(done)) == (("b.jsonl",), (9, 9, 0, 0))
    (folder / "a.jsonl").unlink()
    assert counts(read("mine", place)) == (5, 5, 0, 0)


def test_what_is_gone_fails_and_its_rows_stay(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    path = written(tmp_path / "mine.jsonl", rows("messages", 4))
    added(path, place)
    read("mine", place)
    path.unlink()
    source = sources()["mine"]
    for ask in (snapshot, planned):
        with pytest.raises(TamisError, match=r"no such file or folder.*the rows that were read of it stay"):
            ask(None, place, source)
    seen = look(None, place, {"mine": source})
    assert seen.failed.keys() == {"mine"}
    assert Lake(place.lake).scan("records_instruction").collect().height == 4


def test_a_copy_is_read_whatever_befalls_the_file(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    path = written(tmp_path / "mine.jsonl", rows("messages", 4))
    added(path, place)
    taken = snapshot(None, place, sources()["mine"])
    path.write_text("changed")
    assert len(taken.files[0].local.read_text().splitlines()) == 4
    snapshots.save(place, "mine", taken)
    written(path, rows("messages", 3))
    newer = snapshot(None, place, sources()["mine"])
    snapshots.save(place, "mine", newer)
    local_files.tidy(place, taken, snapshots.noted_now(place).values())
    assert not taken.files[0].local.exists()
    assert newer.files[0].local.exists()
    assert newer.revision != taken.revision


def test_broken_rows_are_rejects_with_reasons(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    path = tmp_path / "mine.csv"
    good = "".join(f'"What is ""{n}""?\nSay.",It is {n}.\n' for n in range(20))
    path.write_bytes(b"\xef\xbb\xbfquestion,answer\n" + good.encode() + b"one\nbad,\xff\n,\n")
    added(path, place)
    assert counts(read("mine", place)) == (23, 20, 3, 0)
    reasons = Lake(place.lake).scan("rejects").sort("row").collect()
    assert reasons["reason"].to_list()[:2] == ["1 fields, not 2", "not valid UTF-8"]
    first = Lake(place.lake).scan("records_instruction").sort("id").head(1).collect().row(0, named=True)
    assert first["prompt"][0]["content"] == 'What is "0"?\nSay.'


def test_a_layout_that_changed_names_the_columns_found(tmp_path: Path, place: Workspace, lake_file: Path) -> None:
    path = written(tmp_path / "mine.jsonl", rows("messages", 4))
    added(path, place)
    path.write_text("".join(json.dumps({"talk": n}) + "\n" for n in range(3)))
    with pytest.raises(TamisError, match=r"mine: mine\.jsonl: there is no column messages"):
        read("mine", place)
    assert isinstance(planned(None, place, sources()["mine"])[1], int)
    assert pl.DataFrame(rows("messages", 1)).height == 1
