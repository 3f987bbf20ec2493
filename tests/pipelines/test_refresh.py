"""A source's run: what is read again, what stays, and the gates."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.accounting import accounts
from pipelines.errors import TamisError
from pipelines.hub import Snapshot, UpstreamFile
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.layouts.messages import turns
from pipelines.refresh import Refreshed, refresh
from pipelines.sources.source import Read, Source
from pipelines.states import open_state
from pipelines.workspace import Workspace

SOURCE = Source(
    repo="org/set",
    license="mit",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"q": pl.String, "a": pl.String},
            skip={"left out": pl.col("q") == "skip"},
            families={"instruction": {"prompt": turns(user=pl.col("q")), "completion": turns(assistant=pl.col("a"))}},
        ),
    ),
)
SETTINGS = LakeSettings(rejects_at_most=0.5)


class Upstream:
    """A repository of JSON lines that can be edited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commits = 0
        self.license = "mit"
        self.files: dict[str, list[object]] = {}

    def put(self, name: str, rows: list[object]) -> None:
        self.files[name] = rows
        text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
        (self.folder / name).write_text(text, encoding="utf-8")

    def snapshot(self) -> Snapshot:
        self.commits += 1
        files = []
        for number, name in enumerate(sorted(self.files)):
            local = self.folder / name
            etag = str(hash(local.read_bytes()))
            files.append(UpstreamFile("default", "train", number, name, local, local.stat().st_size, etag))
        return Snapshot("org/set", "org/set", f"{self.commits:040d}", self.license, tuple(files), ())


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path)
    for name in ("one.jsonl", "two.jsonl"):
        made.put(name, [{"q": f"{name} {n}", "a": "x"} for n in range(6)])
    return made


def run(place: Workspace, lake: Lake, upstream: Upstream, limit: int | None = None) -> Refreshed:
    return refresh(place, lake, "set", SOURCE, upstream.snapshot(), settings=SETTINGS, limit=limit)


def questions(lake: Lake) -> list[str]:
    rows = lake.scan("records_instruction").sort("id").collect()
    return [prompt[0]["content"] for prompt in rows["prompt"]]


def parquet_files(lake: Lake) -> set[str]:
    return {path.name for tag in ("records_instruction", "signals_instruction") for path in _live(lake, tag)}


def _live(lake: Lake, table: str) -> list[Path]:
    return [Path(uri) for uri in lake._open(table).file_uris()]


def test_rows_that_yield_fail_and_are_left_out_are_counted(place: Workspace, lake: Lake, upstream: Upstream) -> None:
    upstream.put(
        "two.jsonl", [{"q": "a", "a": "x"}, {"q": "skip", "a": "x"}, "{broken", {"q": "b"}, {"q": "c", "a": ""}]
    )
    done = run(place, lake, upstream)
    counts = done.files.select("file", "rows", "yielding", "rejected", "not_selected").rows()
    assert counts == [("one.jsonl", 6, 6, 0, 0), ("two.jsonl", 5, 2, 2, 1)]
    assert (done.rows, done.records) == (11, {"instruction": 8})
    rejects = lake.scan("rejects").sort("row").select("file", "row", "selected", "reason").collect().rows()
    assert rejects == [
        ("two.jsonl", 1, False, "left out"),
        ("two.jsonl", 2, True, "broken JSON"),
        ("two.jsonl", 3, True, "null content"),
    ]
    assert accounts(lake, "set") is None


def test_unchanged_files_are_not_read_again(place: Workspace, lake: Lake, upstream: Upstream) -> None:
    run(place, lake, upstream)
    versions = {table: lake.version(table) for table in ("records_instruction", "files")}
    for path in upstream.folder.glob("*.jsonl"):
        path.write_bytes(path.read_bytes())
    assert run(place, lake, upstream).read_again == ()
    assert {table: lake.version(table) for table in versions} == versions, "a run that changes nothing commits nothing"


def test_a_licence_that_changed_between_revisions_is_that_of_each_record(
    place: Workspace, lake: Lake, upstream: Upstream
) -> None:
    def licences() -> set[tuple[str, str]]:
        held = pl.concat(lake.scan(t).select("license", "revision").collect() for t in ("files", "records_instruction"))
        return set(held.rows())

    run(place, lake, upstream)
    assert licences() == {("mit", f"{1:040d}")}
    upstream.license = "cc-by-nc-4.0"
    assert run(place, lake, upstream).read_again == ("one.jsonl", "two.jsonl"), "their content is the same"
    assert licences() == {("cc-by-nc-4.0", f"{2:040d}")}
    assert run(place, lake, upstream).read_again == ()


def test_a_changed_file_rewrites_its_own_records_only(place: Workspace, lake: Lake, upstream: Upstream) -> None:
    run(place, lake, upstream)
    before = parquet_files(lake)
    upstream.put("two.jsonl", [{"q": "new", "a": "x"}])
    assert run(place, lake, upstream).read_again == ("two.jsonl",)
    after = parquet_files(lake)
    assert len(before & after) == len(after - before) == 2
    assert sorted(questions(lake)) == sorted([*(f"one.jsonl {n}" for n in range(6)), "new"])


def test_a_file_that_left_takes_its_records_along(place: Workspace, lake: Lake, upstream: Upstream) -> None:
    run(place, lake, upstream)
    del upstream.files["one.jsonl"]
    assert run(place, lake, upstream).read_again == ()
    assert {q.split()[0] for q in questions(lake)} == {"two.jsonl"}
    assert accounts(lake, "set") is None


def test_a_limit_counts_from_the_start_and_takes_nothing_back(
    place: Workspace, lake: Lake, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [f"one.jsonl {n}" for n in range(6)]
    assert run(place, lake, upstream, limit=4).rows == 4
    assert questions(lake) == first[:4]
    assert run(place, lake, upstream, limit=8).rows == 8
    assert questions(lake) == [*first, "two.jsonl 0", "two.jsonl 1"]
    again = run(place, lake, upstream, limit=2)
    assert (again.rows, again.read_again) == (8, ())
    monkeypatch.setattr(Source, "code", "changed")
    again = run(place, lake, upstream, limit=2)
    assert (again.rows, again.read_again) == (8, ("one.jsonl", "two.jsonl")), "rows once read stay"
    assert run(place, lake, upstream).rows == 12
    assert run(place, lake, upstream, limit=3).rows == 12


def test_what_is_wrong_with_a_file_is_said_and_the_last_good_records_stand(
    place: Workspace, lake: Lake, upstream: Upstream
) -> None:
    run(place, lake, upstream)
    before, staged = questions(lake), sorted(lake.root.rglob("*.parquet"))
    upstream.put("two.jsonl", [{"question": "x", "a": "y"}])
    with pytest.raises(TamisError, match=r"^set: two\.jsonl: there is no column q; there are question, a\. Its layout"):
        run(place, lake, upstream)
    upstream.put("two.jsonl", ["{"] * 9)
    with pytest.raises(TamisError, match=r"^set: 9 of 15 rows are rejects, more than rejects_at_most"):
        run(place, lake, upstream)
    assert questions(lake) == before
    assert sorted(lake.root.rglob("*.parquet")) == staged, "nothing half-written is left"


@pytest.mark.parametrize("table", ["records_instruction", "rejects"])
def test_a_row_deleted_behind_the_lakes_back_fails_the_gate_and_names_the_source(
    place: Workspace, lake: Lake, upstream: Upstream, table: str
) -> None:
    upstream.put("two.jsonl", [{"q": "a", "a": "x"}, {"q": "skip", "a": "x"}])
    run(place, lake, upstream)
    open_state(place, lake, "code")
    delta = lake._open(table)
    delta.delete("origin.row = 0" if table.startswith("records") else "row = 1")
    said = r"two\.jsonl: (yielding 1 counted, 0 held|not_selected 1 counted, 0 held)"
    if table.startswith("records"):
        said = r"one\.jsonl: yielding 6 counted, 5 held; instruction 6 counted, 5 held"
    wrong = accounts(lake, "set")
    assert wrong is not None and pl.Series([wrong]).str.contains(said).item()
    with pytest.raises(TamisError, match=rf"^set: {said}.*materialise `records` of this source"):
        open_state(place, lake, "code")
    assert run(place, lake, upstream).read_again == ("one.jsonl", "two.jsonl"), "the cure works"
    assert accounts(lake, "set") is None
    open_state(place, lake, "code")
