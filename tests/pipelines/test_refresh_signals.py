"""Signals are kept while their code is the same, and computed again from the records when it is not."""

import dataclasses
from pathlib import Path

import polars as pl
import pytest

from pipelines import refresh as refreshing
from pipelines.accounting import accounts
from pipelines.catalogue import settings_now
from pipelines.hub import Snapshot, UpstreamFile
from pipelines.lake import Lake
from pipelines.quality import signals as quality
from pipelines.refresh import Refreshed, refresh
from pipelines.sources import sources
from pipelines.workspace import Workspace
from schemas.families import Family

TABLES = ("records_cot", "records_grpo", "signals_cot", "signals_grpo", "files", "rejects")


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    files = []
    for number in range(2):
        path = tmp_path / f"{number}.parquet"
        answers = [f"1+{n}={n + 1}\n#### {n + 1}" for n in range(5)]
        pl.DataFrame({"question": [f"What is 1+{n} ({number})?" for n in range(5)], "answer": answers}).write_parquet(
            path
        )
        files.append(UpstreamFile("main", "train", number, path.name, path, path.stat().st_size, f"etag{number}"))
    return Snapshot("openai/gsm8k", "openai/gsm8k", "r" * 40, "mit", tuple(files), ())


def run(place: Workspace, lake: Lake, snapshot: Snapshot) -> Refreshed:
    return refresh(place, lake, "gsm8k", sources()["gsm8k"], snapshot, settings=settings_now())


def stored(lake: Lake, table: str = "signals_cot") -> pl.DataFrame:
    return lake.scan(table).sort("id").collect()


def unreadable(*_: object, **__: object) -> None:
    raise AssertionError("upstream was read again")


def test_nothing_changes_while_nothing_changed(place: Workspace, lake: Lake, snapshot: Snapshot) -> None:
    run(place, lake, snapshot)
    versions = lake.versions(TABLES)
    assert run(place, lake, snapshot).read_again == ()
    assert lake.versions(TABLES) == versions


def test_new_code_measures_the_committed_records(
    place: Workspace, lake: Lake, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(place, lake, snapshot)
    versions, before = lake.versions(TABLES), stored(lake)
    monkeypatch.setattr(quality, "code", lambda *_: "newer")
    monkeypatch.setattr(refreshing, "read", unreadable)
    done = run(place, lake, snapshot)
    after = stored(lake)
    assert done.read_again == ()
    assert set(after["code"]) == {"newer"}
    assert after.drop("code").equals(before.drop("code"))
    assert set(stored(lake, "signals_grpo")["code"]) == {"newer"}
    now = lake.versions(TABLES)
    assert {table for table in now if now[table] != versions[table]} >= {"signals_cot", "signals_grpo"}
    assert now["records_cot"] == versions["records_cot"]
    assert accounts(lake, "gsm8k") is None
    assert run(place, lake, snapshot).read_again == ()
    assert lake.versions(TABLES) == now


def test_only_stale_signals_are_computed_again(
    place: Workspace, lake: Lake, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(quality, "code", lambda *_: "older")
        run(place, lake, dataclasses.replace(snapshot, files=snapshot.files[:1]))
    measured: list[str] = []
    compute = quality.signals

    def watched(table: pl.DataFrame, family: Family, *given: object) -> pl.DataFrame:
        measured.extend(table["id"])
        return compute(table, family, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(quality, "signals", watched)
    assert run(place, lake, snapshot).read_again == ("1.parquet",)
    assert sorted(measured) == sorted([*stored(lake)["id"], *stored(lake, "signals_grpo")["id"]])
    assert set(stored(lake)["code"]) == {quality.code()}
    measured.clear()
    run(place, lake, snapshot)
    assert measured == []


def test_signals_that_are_missing_are_computed(place: Workspace, lake: Lake, snapshot: Snapshot) -> None:
    run(place, lake, snapshot)
    before = stored(lake)
    lake.commit("signals_cot", [], replace="gsm8k")
    assert stored(lake).is_empty()
    run(place, lake, snapshot)
    assert stored(lake).equals(before)
