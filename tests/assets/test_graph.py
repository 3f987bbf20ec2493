"""The graph through Dagster's own API: the same history gives the same tables, and what goes wrong stays in bounds."""

import json
import re
import shutil
import signal
import time
from pathlib import Path

import graph_process
import polars as pl
import psutil
import pytest

from pipelines.sample_hub.repositories import write
from schemas.families import FAMILIES

TABLES = (
    *(f"{kind}_{family}" for kind in ("records", "signals", "pairs") for family in FAMILIES),
    "rejects",
    "ties",
    "placements",
    "sides",
    "ledger",
    "fates",
)


def rows(frame: pl.DataFrame) -> pl.DataFrame:
    """In an order of their own."""
    flat = frame.select(sorted(frame.columns))
    return flat[flat.hash_rows(seed=0).arg_sort()]


def test_two_runs_over_the_same_history_give_identical_tables(tmp_path: Path) -> None:
    only = "gsm8k,hh_rlhf,oasst1,sky_t1"  # cot and grpo, transcripts, trees, reasoning
    first, second = (graph_process.curate(tmp_path / name, only=only)[0] for name in ("one", "two"))
    for table in TABLES:
        ours, theirs = (rows(graph_process.lake_of(w).scan(table).collect()) for w in (first, second))
        assert ours.equals(theirs), table
    for path in (first.exports / "default").rglob("*.parquet"):
        assert path.read_bytes() == (second.exports / path.relative_to(first.exports)).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample's repositories as a folder of one's own."""
    write(tmp_path / "hub", 0)
    return tmp_path / "hub"


def test_absent_sources_are_listed_and_a_failed_one_stops_no_other(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(folder / "OpenAssistant")
    (folder / "databricks" / "databricks-dolly-15k" / "databricks-dolly-15k.jsonl").write_text('{"question": "?"}\n')
    workspace, said = graph_process.curate(tmp_path, str(folder))
    assert re.search(r"oasst1 +ABSENT", said)
    (failure,) = [line for line in said.splitlines() if line.startswith("FAILURE")]
    assert "dolly" in failure and "instruction" in failure and "question" in failure
    read = graph_process.lake_of(workspace).scan("files").select(pl.col("source").unique()).collect()["source"]
    assert {"alpaca", "gsm8k", "hh_rlhf", "sky_t1", "countdown"} <= set(read)
    assert (workspace.exports / "default" / "instruction" / "train.parquet").exists()


def test_a_source_that_fails_later_is_stale_and_its_last_good_records_take_part(folder: Path, tmp_path: Path) -> None:
    workspace, _ = graph_process.curate(tmp_path, str(folder), only="gsm8k,dolly")
    before = graph_process.lake_of(workspace).scan("records_instruction").collect()
    (folder / "databricks" / "databricks-dolly-15k" / "databricks-dolly-15k.jsonl").write_text('{"question": "?"}\n')
    _, said = graph_process.curate(tmp_path, str(folder), only="gsm8k,dolly")
    assert re.search(r"dolly +STALE", said)
    assert rows(graph_process.lake_of(workspace).scan("records_instruction").collect()).equals(rows(before))


@pytest.mark.slow
def test_a_limit_caps_the_rows_and_changes_no_fate_of_rows_read_before(folder: Path, tmp_path: Path) -> None:
    only = "gsm8k"
    workspace, _ = graph_process.curate(tmp_path, str(folder), only=only, limit=20)
    files = graph_process.lake_of(workspace).scan("files").group_by("source").agg(pl.col("rows").sum()).collect()
    assert files["rows"].max() == 20
    graph_process.curate(tmp_path, str(folder), only=only)
    whole = graph_process.lake_of(workspace).scan("ledger").select("recipe", "id", "fate").collect()
    graph_process.curate(tmp_path, str(folder), only=only, limit=20)
    again = graph_process.lake_of(workspace).scan("ledger").select("recipe", "id", "fate").collect()
    assert rows(again).equals(rows(whole))


@pytest.mark.parametrize(
    "moment",
    [
        "[ 2/",
        *(pytest.param(later, marks=pytest.mark.slow) for later in ("recipe default ...", "making the tiny model")),
    ],
)
def test_ctrl_c_ends_the_children_and_leaves_nothing_half_visible(tmp_path: Path, moment: str) -> None:
    process = graph_process.start(tmp_path, "--no-review", "--sources", "gsm8k,dolly,sky_t1")
    assert process.stdout is not None
    said = ""
    while moment not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    time.sleep(0.3)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said + rest
    assert "stopped" in rest
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    workspace, after = graph_process.curate(tmp_path, only="gsm8k,dolly,sky_t1")
    assert "FAILURE" not in after
    assert list(workspace.path.rglob("*.tmp")) == []
    lake = graph_process.lake_of(workspace)
    last = lake.scan("passes").sort("pass").last().collect()
    assert json.loads(last["versions"].item())["ledger"] == lake.version("ledger")


@pytest.mark.slow
def test_two_runs_at_once_take_turns_and_both_end_well(tmp_path: Path) -> None:
    first = graph_process.start(tmp_path, "--no-review", "--sources", "gsm8k")
    assert first.stdout is not None
    while "recipe default" not in first.stdout.readline():
        assert first.poll() is None
    second = graph_process.start(tmp_path, "--no-review", "--sources", "gsm8k")
    told, ended = (process.communicate(timeout=200)[0] for process in (second, first))
    assert (first.returncode, second.returncode) == (0, 0), told + ended
    assert f"waiting for make run (process {first.pid})" in told


COUNTS = {
    "alpaca": 20_276,
    "dolly": 2_996,
    "oasst1": 4_771,
    "hh_rlhf": 2_312,
    "sky_t1": 280,
    "gsm8k": 7_473,
    "countdown": 8_001,
}
"""Rows of the upstream files, counted by hand with pyarrow and wc."""


def test_the_real_rows_are_all_accounted_for(real_hub: Path, tmp_path: Path) -> None:
    workspace, said = graph_process.curate(tmp_path, str(real_hub), only=graph_process.SEVEN)
    assert "FAILURE" not in said
    lake = graph_process.lake_of(workspace)
    files = lake.scan("files").group_by("source").agg(pl.col("rows", "yielding", "rejected", "not_selected").sum())
    for source, *counts in files.collect().select("source", "rows", "yielding", "rejected", "not_selected").rows():
        assert counts[0] == COUNTS[source] == sum(counts[1:])
    fated = lake.scan("ledger").filter(pl.col("recipe") == "default").select(pl.len()).collect().item()
    held = sum(lake.scan(f"records_{family}").select(pl.len()).collect().item() for family in FAMILIES)
    assert fated == held
