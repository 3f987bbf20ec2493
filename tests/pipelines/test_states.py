"""Lake states and passes while several processes work on one lake, and after its derived tables were deleted."""

import json
import multiprocessing
import shutil
import time
from pathlib import Path

import polars as pl
import pytest
from numbers_source import pull

from pipelines.accounting import accounts
from pipelines.errors import TamisError
from pipelines.lake import LASTING, Lake
from pipelines.states import State, last_pass, open_state, passes, publish
from pipelines.workspace import Workspace
from schemas.tables import TABLES

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["numbers_source", "pipelines.states"])


def moved(number: int) -> pl.DataFrame:
    """What `publish` is given: one record whose fate changed."""
    row = {"recipe": "r", "id": f"x/{number}", "content_hash": b"h", "from": None, "to": "kept"}
    return pl.DataFrame([row], schema_overrides={"from": pl.String, "content_hash": pl.Binary})


def start(target, *arguments) -> multiprocessing.Process:
    child = _server.Process(target=target, args=arguments)
    child.start()
    return child


def joined(*children: multiprocessing.Process) -> None:
    for child in children:
        child.join(60)
        assert child.exitcode == 0


def _pull(path: Path, name: str, revision: str, count: int, told: Path) -> None:
    def tell(text: str) -> None:
        with told.open("a") as file:
            file.write(text + "\n")
        if "a.jsonl" in text:
            time.sleep(0.5)

    pull(Workspace(path, "sample"), name, revision, count, tell)


def test_two_sources_are_refreshed_at_once(place: Workspace) -> None:
    told = place.path / "told"
    joined(*(start(_pull, place.path, name, "first", 5, told) for name in ("one", "two")))
    lake = Lake(place.lake)
    assert [accounts(lake, name) for name in ("one", "two")] == [None, None]
    assert lake.scan("files").collect()["source"].sort().to_list() == ["one", "one", "two", "two"]
    assert "waiting for a run" not in told.read_text()


def test_one_source_is_refreshed_once_at_a_time(place: Workspace) -> None:
    children = [start(_pull, place.path, "one", revision, 5, place.path / revision) for revision in ("first", "second")]
    joined(*children)
    told = [(place.path / revision).read_text() for revision in ("first", "second")]
    waited = [text for text in told if "waiting for a run of one (process " in text]
    assert len(waited) == 1
    assert "to release source-one" in waited[0]
    lake = Lake(place.lake)
    assert accounts(lake, "one") is None
    assert lake.scan("records_cot").collect()["revision"].n_unique() == 1


def _pull_often(path: Path) -> None:
    for revision, count in enumerate((3, 8, 5, 2, 9, 4), 1):
        pull(Workspace(path, "sample"), "numbers", f"r{revision}", count)


def test_a_state_never_mixes_a_sources_revisions(place: Workspace) -> None:
    lake = Lake(place.lake)
    pull(place, "numbers", "r0", 6)
    child = start(_pull_often, place.path)
    seen = {}
    while child.is_alive():
        state = open_state(place, lake, "code")
        revisions = {
            revision
            for table in ("files", "records_cot", "records_grpo")
            for revision in state.scan(table).select("revision").unique().collect()["revision"]
        }
        assert len(revisions) == 1
        seen[state.number] = revisions
    joined(child)
    assert len(seen) > 1
    assert list(seen) == list(range(1, len(seen) + 1))


def _publish_often(path: Path) -> None:
    place = Workspace(path, "sample")
    lake = Lake(place.lake)
    for number in range(4):
        state = open_state(place, lake, f"code {number}")
        publish(state, "r", "hash", state.versions, moved(number))


def test_states_and_passes_have_numbers_of_their_own(place: Workspace) -> None:
    pull(place, "numbers", "first", 3)
    joined(*[start(_publish_often, place.path) for _ in range(3)])
    lake = Lake(place.lake)
    assert sorted(passes(lake)["pass"]) == list(range(1, 13))
    assert sorted(lake.scan("fates").collect()["pass"]) == list(range(1, 13)), "each with its own history"
    states = lake.scan("states").collect()
    assert sorted(states["state"]) == list(range(1, states.height + 1))
    assert states["built_with"].n_unique() == 4


def test_a_pass_and_its_history_become_visible_together(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(place.lake)
    pull(place, "numbers", "first", 3)
    state = open_state(place, lake, "code")
    commit, done = Lake.commit, []

    def interrupted(self, table, *arguments, **how):
        if done:
            raise KeyboardInterrupt
        done.append(table)
        return commit(self, table, *arguments, **how)

    monkeypatch.setattr(Lake, "commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(state, "r", "hash", {}, moved(1))
    monkeypatch.undo()
    assert passes(lake).is_empty()
    assert publish(state, "r", "hash", {}, moved(2)).number == 2
    assert passes(lake)["pass"].to_list() == [2, 1], "the one that was interrupted was finished first"
    assert lake.scan("fates").sort("pass").collect()["id"].to_list() == ["x/1", "x/2"]


def _state_with_a_pass(place: Workspace, lake: Lake) -> State:
    pull(place, "numbers", "first", 3)
    state = open_state(place, lake, "code")
    publish(state, "r", "hash", state.versions, moved(1))
    sides = {"content_hash": [b"h"], "side": ["test"], "state": [state.number]}
    lake.append("sides", pl.DataFrame(sides))
    return state


def test_what_cannot_be_derived_outlives_all_else(place: Workspace) -> None:
    lake = Lake(place.lake)
    before = _state_with_a_pass(place, lake)
    lasting = {table.name for table in TABLES.values() if not table.derived and lake.exists(table.name)}
    assert lasting == {path.name for path in (place.lake / LASTING).iterdir()} == {"sides", "fates"}
    for path in place.lake.iterdir():
        if path.name != LASTING and path.is_dir():
            shutil.rmtree(path)
    assert last_pass(lake, "r") is None
    with pytest.raises(TamisError, match="version 1 is gone"):
        before.scan("files")
    again = _state_with_a_pass(place, lake)
    assert again.number == before.number + 1, "sides name the state that gave them"
    assert passes(lake)["pass"].to_list() == [2], "fates name the pass that changed them"
    assert lake.scan("fates").sort("pass").collect()["pass"].to_list() == [1, 2]
    assert lake.rows("sides") == 2


def test_tables_of_another_schema_version_are_refused(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(place.lake)
    _state_with_a_pass(place, lake)
    log = lake.folder("files") / "_delta_log/00000000000000000000.json"
    created = [json.loads(line) for line in log.read_text().splitlines()]
    assert next(a for a in created if "metaData" in a)["metaData"]["configuration"]["tamis.schemaVersion"] == "1"

    def newer(name: str) -> None:
        monkeypatch.setitem(TABLES, name, TABLES[name].__class__(**(TABLES[name].__dict__ | {"version": 2})))

    newer("records_cot")
    for use in (
        lambda: lake.scan("records_cot"),
        lambda: pull(place, "numbers", "second", 3),
        lambda: open_state(place, lake, "code"),
    ):
        with pytest.raises(TamisError, match=rf"version 1.*works with 2.*Delete everything in .* but `{LASTING}`"):
            use()
    newer("sides")
    with pytest.raises(TamisError, match=r"sides: .*version 1.*Use the version of Tamis that wrote it"):
        lake.scan("sides")
