"""The graph: what a run trains on follows the exports of rows with tools, as it follows the others."""

from typing import Any

import dagster as dg
import polars as pl
import pytest
from corpora import instruction, lake_state, published
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from tool_corpus import record

import assets.recipes
from assets.recipes import exports
from assets.resources import Tamis
from assets.training import training_set
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.training import launch
from pipelines.training.settings import Order, Run
from pipelines.workspace import Workspace

RECIPES = {"default": Recipe(sources={"calls": None, "sums": None}, training={"sft": Run()})}


def test_a_changed_export_of_rows_with_tools_makes_the_training_set_stale(
    place: Workspace, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMIS_HUB", "sample")
    monkeypatch.setattr(launch, "recipes_now", lambda: RECIPES)
    for module in (launch, assets.recipes):
        monkeypatch.setattr(module, "recipe_now", RECIPES.__getitem__)
    plain = [instruction(f"sums/{n}", f"What is {n}?", "So.", side="test" if n else "train") for n in range(2)]
    state = lake_state(lake, [*plain, *map(record, range(3))])
    instance = dg.DagsterInstance.ephemeral()

    def made(asset: Any, partition: str) -> dict[str, Any]:
        done = dg.materialize([asset], partition_key=partition, resources={"tamis": Tamis()}, instance=instance)
        (event,) = done.asset_materializations_for_node(asset.key.path[-1])
        return {name: value.value for name, value in event.metadata.items()}

    def status() -> StaleStatus:
        graph = dg.Definitions(assets=[exports, training_set], resources={"tamis": Tamis()}).resolve_asset_graph()
        context = LoadingContextForTest(instance)
        return CachingStaleStatusResolver(instance, graph, context).get_status(training_set.key, "default.sft")

    published(state, [*plain, *map(record, range(3))])
    assert made(exports, "default")["instruction-tools_train"] == 3
    said = made(training_set, "default.sft")
    assert (said["train_rows_instruction"], said["train_rows_instruction-tools"]) == (1, 3)
    assert said["dagster/partition_row_count"] == 4
    assert status() == StaleStatus.FRESH

    published(state, [*plain, *map(record, range(2))])
    assert made(exports, "default")["instruction-tools_train"] == 2
    assert status() == StaleStatus.STALE
    said = made(training_set, "default.sft")
    assert said["train_rows_instruction-tools"] == 2
    assert status() == StaleStatus.FRESH
    order = Order.model_validate_json(launch.order_file(place, "default", "sft").read_bytes())
    assert [pl.read_parquet(file).height for file in order.exports] == [1, 2]
