"""Runs that are killed, files that are lost, disks that run full: all of a source's tables change, or none does."""

import errno
import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from numbers_source import pull

from pipelines import transactions
from pipelines.accounting import accounts
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.states import open_state
from pipelines.transactions import clean, committing
from pipelines.workspace import Workspace, source_lock
from schemas.tables import PER_SOURCE

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["numbers_source", "pipelines.states"])
_COMMITS = 6  # records and signals of two families, rejects, files


def _die_after(commits: int) -> None:
    """Have this process killed after so many commits of a table; -1: before the journal is written."""
    done = 0
    commit = Lake.commit

    def counting(self, *arguments, **how):
        nonlocal done
        if done == commits:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        return commit(self, *arguments, **how)

    def unlink(path: Path, **_: object) -> None:
        if path.suffix == ".json":
            os.kill(os.getpid(), signal.SIGKILL)

    Lake.commit = counting
    Path.unlink = unlink
    if commits < 0:
        transactions.write_whole = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


def _run_and_die(path: Path, commits: int) -> None:
    _die_after(commits)
    pull(Workspace(path, "sample"), "numbers", "second", 7)


def killed(place: Workspace, commits: int) -> None:
    child = _server.Process(target=_run_and_die, args=(place.path, commits))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def journals(place: Workspace) -> list[Path]:
    return list((place.lake / "journal").glob("*"))


def held(lake: Lake, scan=None) -> dict[str, object]:
    """What is visible of the source: rows of each table, and the revisions in them."""
    scan = scan or lake.scan
    tables = {table.name: scan(table.name).select(pl.len()).collect().item() for table in PER_SOURCE}
    records = scan("records_cot").select("revision").unique().collect()["revision"].to_list()
    return tables | {"revision": records, "files_revision": scan("files").collect()["revision"].unique().to_list()}


def _each(moments: range) -> list[Any]:
    """The first, a middle and the last moment; those between take as long and run on request."""
    usual = {moments[0], moments[len(moments) // 2], moments[-1]}
    return [moment if moment in usual else pytest.param(moment, marks=pytest.mark.slow) for moment in moments]


@pytest.mark.parametrize("commits", _each(range(-1, _COMMITS + 1)))
def test_a_run_killed_between_its_commits_shows_all_or_nothing(place: Workspace, commits: int) -> None:
    lake = Lake(place.lake)
    pull(place, "numbers", "first", 4)
    before = held(lake)
    assert before["revision"] == before["files_revision"] == ["first"]
    killed(place, commits)
    assert len(journals(place)) == (0 if commits < 0 else 1)

    state = open_state(place, lake, "code")
    seen = held(lake, state.scan)
    if commits < 0:
        assert seen == before
    else:
        assert seen["revision"] == seen["files_revision"] == ["second"]
        assert seen["records_cot"] == seen["signals_cot"] == 12
    assert accounts(lake, "numbers") is None
    assert journals(place) == []
    assert open_state(place, lake, "code") == state, "a journal is finished once"
    assert pull(place, "numbers", "second", 7).read_again == (() if commits >= 0 else ("a.jsonl", "b.jsonl"))


@pytest.mark.parametrize("commits", _each(range(_COMMITS)))
def test_where_a_staged_file_was_lost_all_tables_are_as_before(place: Workspace, commits: int) -> None:
    lake = Lake(place.lake)
    pull(place, "numbers", "first", 4)
    before = held(lake)
    killed(place, commits)
    change = json.loads(journals(place)[0].read_text())["changes"][-1]
    lake.folder("files").joinpath(change["staged"][0]["path"]).unlink()
    told: list[str] = []
    state = open_state(place, lake, "code", told.append)
    assert held(lake, state.scan) == held(lake) == before
    assert "the last run of numbers was killed and files/" in told[0]
    assert journals(place) == []
    pull(place, "numbers", "second", 7)
    assert held(lake)["revision"] == ["second"]
    assert accounts(lake, "numbers") is None


def test_a_first_run_that_cannot_be_finished_leaves_nothing(place: Workspace) -> None:
    lake = Lake(place.lake)
    killed(place, 3)
    for path in lake.folder("files").rglob("*.parquet"):
        path.unlink()
    with committing(lake):
        pass
    assert {table.name: lake.rows(table.name) for table in PER_SOURCE} == dict.fromkeys((t.name for t in PER_SOURCE), 0)
    pull(place, "numbers", "first", 4)
    assert held(lake)["revision"] == ["first"]


def test_a_run_that_is_interrupted_between_its_commits_is_finished_by_the_next(place: Workspace, monkeypatch) -> None:
    """What is committed already must not lose its files to the clearing up after an error."""
    lake = Lake(place.lake)
    pull(place, "numbers", "first", 4)
    commit, done = Lake.commit, []

    def interrupted(self, table, *arguments, **how):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(table)
        return commit(self, table, *arguments, **how)

    monkeypatch.setattr(Lake, "commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pull(place, "numbers", "second", 7)
    monkeypatch.undo()
    pull(place, "numbers", "second", 7)
    assert held(lake)["records_cot"] == held(lake)["signals_cot"] == 12
    assert accounts(lake, "numbers") is None


# --- a full disk ----------------------------------------------------------------------------------------------------


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def full_as_delta_says_it(*_: object, **__: object) -> None:
    raise OSError("Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("what", "fails"),
    [
        ("pyarrow.parquet.ParquetWriter.write_table", full),
        ("pipelines.files.Path.replace", full),
        ("deltalake.DeltaTable.create_write_transaction", full_as_delta_says_it),
    ],
)
def test_a_full_disk_is_told_with_its_place_and_nothing_changes(place: Workspace, monkeypatch, what, fails) -> None:
    lake = Lake(place.lake)
    pull(place, "numbers", "first", 4)
    before = held(lake)
    files = parquet_files(place)
    monkeypatch.setattr(what, fails)
    with pytest.raises(TamisError, match=r"no space is left.*TAMIS_HOME") as error:
        pull(place, "numbers", "second", 7)
    assert str(place.lake) in str(error.value)
    assert held(lake) == before
    monkeypatch.undo()
    if not journals(place):
        assert parquet_files(place) == files, "what was staged is cleared up"
    pull(place, "numbers", "second", 7)
    assert held(lake)["revision"] == ["second"]


# --- what killed runs leave -----------------------------------------------------------------------------------------


def parquet_files(place: Workspace) -> set[Path]:
    return {path for path in place.lake.rglob("*.parquet") if "_delta_log" not in path.parts}


def test_what_killed_runs_had_staged_is_deleted_and_nothing_that_a_commit_named(place: Workspace) -> None:
    lake = Lake(place.lake)
    versions = []
    for revision in ("first", "other", "third"):
        pull(place, "numbers", revision, 4)
        versions.append(lake.version("records_cot"))
    named = parquet_files(place)
    killed(place, -1)
    assert parquet_files(place) > named
    assert clean(place, lake) == 0, "an hour has not passed"
    assert clean(place, lake, older_than_s=-1) == len(parquet_files(place) - named) + 2 * 6 + 1
    assert parquet_files(place) == named
    for version, revision in zip(versions, ("first", "other", "third"), strict=True):
        assert set(lake.scan("records_cot", version).collect()["revision"]) == {revision}


def test_what_a_journal_names_is_finished_before_anything_is_deleted(place: Workspace) -> None:
    pull(place, "numbers", "first", 4)
    killed(place, 2)
    assert clean(place, Lake(place.lake), older_than_s=-1) == 0
    assert held(Lake(place.lake))["revision"] == ["second"]


def _hold_source(path: Path) -> None:
    with Workspace(path, "sample").lock(source_lock("odd name/ü"), "a long run"):
        (path / "held").touch()
        time.sleep(600)


def test_what_a_running_source_has_staged_is_left_alone(place: Workspace) -> None:
    lake = Lake(place.lake)
    row = pl.DataFrame(
        {
            "source": ["odd name/ü"],
            "file": ["f"],
            "row": [1],
            "family": [None],
            "selected": [True],
            "reason": ["r"],
            "excerpt": ["e"],
        }
    )
    lake.replace("rejects", row, partition="odd name/ü")
    staged = lake.stage("rejects", row, partition="odd name/ü")
    child = _server.Process(target=_hold_source, args=(place.path,))
    child.start()
    while not (place.path / "held").exists():
        time.sleep(0.02)
    assert clean(place, lake, older_than_s=-1) == 0
    child.kill()
    child.join()
    assert lake.path(staged[0]).exists()
    assert clean(place, lake, older_than_s=-1) == 1
    assert lake.rows("rejects", partition="odd name/ü") == 1
