from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from corpora import Row, instruction, lake_state, published

from pipelines.errors import TamisError
from pipelines.exports import export, ids_of
from pipelines.lake import Lake
from pipelines.recipe import Recipe, Unreadable
from pipelines.states import State
from pipelines.training import launch
from pipelines.training.settings import Order, Run
from pipelines.workspace import Workspace

RUN = Run(test_rows=6)
RECIPES = {
    "default": Recipe(sources={"a": None, "b": None}, training={"sft": RUN}),
    "narrow": Recipe(sources={"a": None}, training={"sft": RUN, "other": RUN}),
    "raw": Recipe(sources={"a": None, "b": None}, training={"sft": RUN}),
    "broken": Unreadable(TamisError("cannot be read")),
}


def rows() -> list[Row]:
    """20 test rows of each of two sources; `narrow` takes one source only, `default` drops some of both."""
    made = []
    for source in ("a", "b"):
        for n in range(40):
            fates = {"narrow": "not in recipe"} if source == "b" else {}
            if n % 5 == 0:
                fates["default"] = "rule"
            side = "test" if n % 2 else "train"
            made.append(instruction(f"{source}/{n}", f"What is {n}?", f"It is {n}.", side=side, fates=fates))
    return made


@pytest.fixture
def state(place: Workspace, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(launch, "recipes_now", lambda: RECIPES)
    monkeypatch.setattr(launch, "recipe_now", RECIPES.__getitem__)
    return lake_state(lake, rows())


@pytest.fixture
def publish(place: Workspace, state: State) -> Callable[..., None]:
    def made(*recipes: str, over: State = state) -> None:
        for recipe in recipes:
            export(place, published(over, rows(), recipe), RECIPES[recipe])  # type: ignore[arg-type]

    return made


def measured_on(order: Order) -> set[str]:
    return set(pl.read_parquet(order.test)["id"])


def train_ids(files: list[Path]) -> set[str]:
    return {i for file in files for i in pl.read_parquet(ids_of(file))["id"]}


def test_each_curated_run_finds_its_test_rows_among_the_baselines(
    place: Workspace, lake: Lake, publish: Callable[..., None]
) -> None:
    publish("default", "narrow", "raw")
    ready = {name: launch.prepare(place, lake, name, "sft") for name in ("default", "narrow", "raw")}
    tests = {name: measured_on(prepared.order) for name, prepared in ready.items()}
    assert len(tests["default"]) == len(tests["narrow"]) == 6
    assert all(i.startswith("a/") for i in tests["narrow"])
    assert tests["raw"] == tests["default"] | tests["narrow"]
    assert (ready["default"].test_set, ready["narrow"].test_set) == (40, 20)
    assert ready["raw"].compared == ("default", "narrow")
    assert ready["narrow"].compared == ("raw",)


def test_runs_that_are_compared_start_from_the_same_text_none_of_it_tested(
    place: Workspace, lake: Lake, publish: Callable[..., None]
) -> None:
    publish("default", "narrow", "raw")
    orders = {name: launch.prepare(place, lake, name, "sft").order for name in ("default", "narrow", "raw")}
    assert orders["default"].base_exports == orders["narrow"].base_exports == orders["raw"].base_exports
    held_out = {row.id for row in rows() if row.side == "test"}
    for order in orders.values():
        assert not train_ids([*order.exports, *order.base_exports]) & held_out
    assert Order.model_validate_json(launch.order_file(place, "raw", "sft").read_bytes()) == orders["raw"]


def test_a_run_that_the_baseline_does_not_have_is_measured_alone(
    place: Workspace, lake: Lake, publish: Callable[..., None]
) -> None:
    publish("narrow", "raw")
    prepared = launch.prepare(place, lake, "narrow", "other")
    assert prepared.compared == ()
    assert (prepared.test_set, prepared.test_rows) == (20, 6)
    assert prepared.train_rows == {"instruction": 20}
    assert prepared.order.base_exports == prepared.order.exports


def test_a_baseline_of_another_state_is_not_compared_with(
    place: Workspace, lake: Lake, publish: Callable[..., None]
) -> None:
    publish("raw")
    publish("default", over=lake_state(lake, rows()))
    assert launch.prepare(place, lake, "default", "sft").compared == ()


def test_what_cannot_start_is_said(place: Workspace, lake: Lake, state: State, publish: Callable[..., None]) -> None:
    with pytest.raises(TamisError, match=r"recipe default: has no pass yet"):
        launch.prepare(place, lake, "default", "sft")
    with pytest.raises(TamisError, match=r"run default.sft: is not prepared"):
        launch.command(place, "default", "sft")
    publish("default")
    with pytest.raises(TamisError, match=r"has no training run 'dpo'"):
        launch.prepare(place, lake, "default", "dpo")
    published(state, rows(), "default")
    with pytest.raises(TamisError, match=r"the exports are not those of its last pass"):
        launch.prepare(place, lake, "default", "sft")


def test_a_recipe_that_keeps_nothing_to_train_on_is_said(place: Workspace, lake: Lake, state: State) -> None:
    dropped = [Row(row.id, row.own, row.side, fates={"default": "rule"}) for row in rows()]
    export(place, published(state, dropped), RECIPES["default"])  # type: ignore[arg-type]
    with pytest.raises(TamisError, match=r"keeps no train row of instruction, cot"):
        launch.prepare(place, lake, "default", "sft")


def test_curated_runs_are_compared_with_the_baselines_of_their_name(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "comparison", lambda *folders: tuple(f.parent.name for f in folders))
    found = list(launch.compare(place, ["default.sft", "raw.sft", "narrow.other", "narrow.sft"]))
    assert found == [("default.sft", "raw.sft"), ("narrow.sft", "raw.sft")]
