"""`make run` on the sample Hub, whole: what a newcomer sees, and what lies in the workspace after it."""

import fcntl
import json
import re
from pathlib import Path

import graph_process
import polars as pl
import psutil
import pytest

from pipelines.lake import Lake
from pipelines.sample_hub import manifest
from schemas.families import FAMILIES


class Run:
    """A finished run: what it said, its exit code and its workspace."""

    def __init__(self, home: Path, said: str, code: int) -> None:
        self.home, self.said, self.code = home, said, code
        self.workspace = home / "tamis" / "sample"
        self.lake = Lake(self.workspace / "lake")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Run:
    """One run for all tests of this session, in whichever process they are."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    home = shared / "make-run"
    with (shared / "make-run.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "code").exists():
            home.mkdir()
            process = graph_process.start(home)
            said, _ = process.communicate(timeout=400)
            (home / "said").write_text(said)
            (home / "code").write_text(str(process.returncode))
    return Run(home, (home / "said").read_text(), int((home / "code").read_text()))


def test_it_ends_well_and_says_what_it_did(run: Run) -> None:
    assert run.code == 0, run.said
    for heading in (
        "Recipe default:",
        "Funnel",
        "Planted defects:",
        "Model: default.sft against raw.sft",
        "Where to look",
    ):
        assert heading in run.said
    assert "Warning" not in run.said


def test_planted_defects_are_caught_and_clean_rows_are_kept(run: Run) -> None:
    """Counted from the lake by this test, not by the report: every defect that is looked for today is caught."""
    planted = manifest.read(run.workspace / "planted.parquet")
    caught, of = map(int, re.search(r"Planted defects: (\d+) of (\d+) caught", run.said).groups())
    assert of >= 70
    assert caught == of
    assert planted["kind"].n_unique() >= 10
    ledger = run.lake.scan("ledger").filter(pl.col("recipe") == "default").collect()
    records = pl.concat(
        run.lake.scan(f"records_{name}").select("id", "source", "origin").unnest("origin") for name in FAMILIES
    ).collect()
    hit = pl.concat(
        [
            planted.select("source", "file", "row"),
            planted.select(pl.col("of_source", "of_file", "of_row").name.map(lambda n: n.removeprefix("of_"))),
        ]
    ).drop_nulls()
    clean = records.join(hit, on=["source", "file", "row"], how="anti").join(
        ledger.select("id", "fate", "reason"), on="id"
    )
    assert clean.height > 200
    assert clean.filter(pl.col("fate") != "kept").rows() == []


def test_the_exports_hold_what_the_ledger_keeps(run: Run) -> None:
    kept = run.lake.scan("ledger").filter((pl.col("recipe") == "default") & (pl.col("fate") == "kept")).collect()
    for (family, side), rows in kept.group_by("family", "side"):
        file = run.workspace / "exports" / "default" / str(family) / f"{side}.parquet"
        ids = run.workspace / "exports" / "default" / "ids" / str(family) / f"{side}.parquet"
        assert pl.scan_parquet(file).select(pl.len()).collect().item() == rows.height
        assert set(pl.read_parquet(ids)["id"]) == set(rows["id"])


def test_both_recipes_trained_equally_long_from_one_base_and_were_compared(run: Run) -> None:
    reports = [
        json.loads((run.workspace / "training" / f"{name}.sft" / "result" / "report.json").read_text())
        for name in ("default", "raw")
    ]
    assert reports[0]["tokens"] == reports[1]["tokens"] > 0
    assert reports[0]["base"] == reports[1]["base"]
    assert all(report["evaluation"]["all"]["rows"] > 0 for report in reports)
    assert re.search(r"Curation (helped|did not help|hurt)", run.said)


def test_nothing_of_the_sample_reaches_the_users_own_folders(run: Run) -> None:
    ours = (run.home / "tamis", run.home / "said", run.home / "code")
    strangers = [p for p in run.home.rglob("*") if p.is_file() and not any(p.is_relative_to(our) for our in ours)]
    assert [path for path in strangers if "huggingface" in str(path) or path.suffix in (".parquet", ".arrow")] == []


def test_no_process_and_no_lock_is_left(run: Run) -> None:
    left = [p for p in psutil.process_iter(["cmdline"]) if str(run.home) in " ".join(p.info["cmdline"] or [])]
    assert left == []
    for lock in (run.workspace / "locks").iterdir():
        with lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_second_run_reads_nothing_again_and_publishes_nothing_new(run: Run) -> None:
    before = run.lake.versions(["files", "passes", "ledger", "states"])
    _, said = graph_process.curate(run.home)
    assert said.count("unchanged") == 7
    assert run.lake.versions(["files", "passes", "ledger", "states"]) == before
