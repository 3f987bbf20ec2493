"""A file that a user added goes through the whole graph, and is in what recipes that take all sources export."""

import json
from pathlib import Path

import polars as pl
import pytest
from added_sources import written
from graph_process import curate
from unseen_rows import rows

from pipelines.lake_settings import LAKE_FILE


@pytest.mark.slow
def test_an_added_file_is_exported_by_a_recipe_that_takes_all_sources(tmp_path: Path) -> None:
    path = written(tmp_path / "support.jsonl", rows("messages_with_tools", 40))
    entry = f"\nsources:\n  support:\n    files: {path.name}\n    layout: messages\n"
    lake = tmp_path / "lake.yaml"
    lake.write_text(LAKE_FILE.read_text() + entry + "    columns: {messages: messages, tools: tools}\n")
    recipes, hub = tmp_path / "recipes", tmp_path / "hub"
    recipes.mkdir()
    hub.mkdir()
    (recipes / "mine.yaml").write_text("sources: all\n")
    place, said = curate(tmp_path, str(hub), only="support", settings=(lake, recipes))
    assert "FAILURE" not in said
    assert "40 rows" in said
    files = sorted(place.exports.glob("mine/*-tools/*.parquet"))
    exported = pl.concat(pl.read_parquet(file) for file in files)
    assert exported.height == 40
    assert json.loads(exported["tools"][0])[0]["function"]["name"] == "multiply"
    path.unlink()
    _, again = curate(tmp_path, str(hub), only="support", settings=(lake, recipes))
    assert "STALE" in again
    assert "no such file or folder" in again
