import multiprocessing
from pathlib import Path

import polars as pl
import pytest

from pipelines.errors import TamisError
from pipelines.lake import Lake

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["pipelines.lake"])


def rejects(source: str, rows: int, file: str = "f") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source": [source] * rows,
            "file": [file] * rows,
            "row": list(range(rows)),
            "family": pl.Series([None] * rows, dtype=pl.String),
            "selected": [True] * rows,
            "reason": ["broken line"] * rows,
            "excerpt": ["{"] * rows,
        }
    )


def test_a_missing_table_reads_as_no_rows_of_its_columns(lake: Lake) -> None:
    assert lake.scan("rejects").collect().shape == (0, 7)
    assert lake.version("rejects") is None


def test_staged_rows_are_invisible_until_committed(lake: Lake) -> None:
    staged = lake.stage("rejects", rejects("a", 2), partition="a")
    assert lake.scan("rejects").collect().is_empty()
    lake.commit("rejects", staged, replace="a")
    assert lake.rows("rejects", partition="a") == 2


def test_replacing_one_partition_leaves_the_others_and_the_past(lake: Lake) -> None:
    lake.replace("rejects", rejects("a", 2), partition="a")
    before = lake.replace("rejects", rejects("b", 3), partition="b")
    lake.replace("rejects", rejects("a", 5), partition="a")
    assert (lake.rows("rejects", partition="a"), lake.rows("rejects", partition="b")) == (5, 3)
    assert lake.rows("rejects", before, partition="a") == 2


def test_one_upstream_files_rows_are_replaced_alone(lake: Lake) -> None:
    for tag in ("one", "two"):
        lake.commit("rejects", lake.stage("rejects", rejects("a", 2, tag), partition="a", tag=tag))
    fresh = lake.stage("rejects", rejects("a", 7, "two"), partition="a", tag="two")
    lake.commit("rejects", fresh, replace="a", tags=["two"])
    counts = lake.scan("rejects").group_by("file").len().sort("file").collect()
    assert counts.rows() == [("one", 2), ("two", 7)]


def test_an_empty_partition_can_be_emptied(lake: Lake) -> None:
    lake.replace("rejects", rejects("a", 2), partition="a")
    lake.commit("rejects", [], replace="a")
    assert lake.scan("rejects").collect().is_empty()
    version = lake.version("rejects")
    assert lake.commit("rejects", [], replace="a") == version, "a commit that changes nothing makes no version"


def test_new_signals_widen_their_table(lake: Lake) -> None:
    base = pl.DataFrame({"id": ["x"], "source": ["a"], "content_hash": [b"h"], "code": ["1"]})
    lake.replace("signals_cot", base.with_columns(words=pl.lit(3, dtype=pl.UInt32)), partition="a")
    lake.replace("signals_cot", base.with_columns(source=pl.lit("b"), loops=pl.lit(0.5)), partition="b")
    rows = lake.scan("signals_cot").sort("source").select("source", "words", "loops").collect().rows()
    assert rows == [("a", 3, None), ("b", None, 0.5)]


def test_a_column_that_is_missing_is_named(lake: Lake) -> None:
    with pytest.raises(TamisError, match=r"rejects: the columns \['excerpt'\] are missing"):
        lake.replace("rejects", rejects("a", 1).drop("excerpt"), partition="a")


@pytest.mark.parametrize("name", ["a b", "a%20b", "é", "x=y", "a/b", "q?#&+:"])
def test_a_partition_may_have_any_name(lake: Lake, name: str) -> None:
    for rows in (2, 5):
        lake.commit(
            "rejects", lake.stage("rejects", rejects(name, rows), partition=name, tag="t"), replace=name, tags=["t"]
        )
        assert lake.scan("rejects").filter(pl.col("source") == name).collect().height == rows
        assert lake.rows("rejects") == rows
    assert len(lake.files("rejects", name, {"t"})) == 1
    assert lake.files("rejects", name, {"t"})[0].exists()
    assert lake.orphans("rejects", -1) == []


def test_a_table_that_could_not_be_made_is_made_later(lake: Lake) -> None:
    (lake.folder("rejects") / "_delta_log").mkdir(parents=True)  # what a full disk leaves
    assert lake.scan("rejects").collect().is_empty()
    lake.replace("rejects", rejects("a", 2), partition="a")
    assert lake.rows("rejects") == 2


def _commit_often(root: Path, source: str) -> None:
    lake = Lake(root)
    for n in range(6):
        lake.replace("rejects", rejects(source, n + 1), partition=source)
        signals = {"id": ["x"], "source": [source], "content_hash": [b"h"], "code": ["1"], f"signal_{n}": [1]}
        lake.replace("signals_cot", pl.DataFrame(signals), partition=source)


def test_writers_of_different_sources_do_not_lose_each_others_rows(lake: Lake) -> None:
    sources = ["a", "b", "c"]
    writers = [_server.Process(target=_commit_often, args=(lake.root, source)) for source in sources]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert [lake.rows("rejects", partition=source) for source in sources] == [6, 6, 6]
    widened = lake.scan("signals_cot").select(pl.len(), pl.col("signal_5").sum()).collect()
    assert widened.row(0) == (3, 3)
