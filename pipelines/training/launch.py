"""What a training run is given: its order, made of the published corpora of the recipes that are compared."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.catalogue import recipe_now, recipes_now
from pipelines.errors import TamisError
from pipelines.evaluation import test_rows
from pipelines.lake import Lake
from pipelines.ledger import last_published
from pipelines.recipe import Recipe
from pipelines.states import last_pass
from pipelines.training.compare import Comparison, comparison
from pipelines.training.settings import Order
from pipelines.workspace import Workspace

BASELINE = "raw"
"""The recipe that curated ones are compared with."""


@dataclass(frozen=True)
class Prepared:
    """A run that can start. `order`: the file that says so; rows by what they are for."""

    order: Path
    train_rows: int
    test_rows: int


def prepare(workspace: Workspace, lake: Lake, recipe: str, run: str) -> Prepared:
    """Write the run's order and its test set. TamisError where the recipe has no such run or no train rows."""
    said = recipe_now(recipe)
    if run not in said.training:
        raise TamisError(f"has no training run {run!r}", where=f"recipe {recipe}", cure="Reload the definitions.")
    settings = said.training[run]
    compared = _compared(lake, recipe, run)
    passes = {name: last_published(lake, name) for name in compared}
    test = test_rows(recipe, passes, compared, settings.families)
    folder = workspace.training / f"{recipe}.{run}"
    folder.mkdir(parents=True, exist_ok=True)
    test.write_parquet(folder / "test.parquet")
    exports = _train_files(workspace, recipe, settings.families)
    if not exports:
        raise TamisError(
            f"keeps no train row of {', '.join(settings.families)}",
            where=f"recipe {recipe}",
            cure="Look at the ledger for what dropped them.",
        )
    order = Order(
        name=f"{recipe}.{run}",
        run=settings,
        exports=exports,
        test=folder / "test.parquet" if test.height else None,
        base_exports=[file for name in sorted(compared) for file in _train_files(workspace, name, settings.families)],
        bases=workspace.training / "bases",
        out=folder / "result",
    )
    path = folder / "order.json"
    path.write_text(order.model_dump_json(indent=1), encoding="utf-8")
    ledger = passes[recipe].ledger().collect()
    trained = (ledger["fate"] == "kept") & (ledger["side"] == "train") & ledger["family"].is_in(settings.families)
    return Prepared(path, int(trained.sum()), test.height)


def command(workspace: Workspace, recipe: str, run: str) -> list[str]:
    """What starts a prepared run."""
    order = workspace.training / f"{recipe}.{run}" / "order.json"
    return [sys.executable, "-m", "pipelines.training.sft", str(order)]


def compare(workspace: Workspace, trained: Sequence[str]) -> Iterable[Comparison]:
    """Each trained run of a curated recipe with the same run of the baseline, where both were trained."""
    for name in trained:
        recipe, run = name.split(".", 1)
        baseline = f"{BASELINE}.{run}"
        if recipe != BASELINE and baseline in trained:
            yield comparison(workspace.training / name / "result", workspace.training / baseline / "result")


def _compared(lake: Lake, recipe: str, run: str) -> dict[str, Recipe]:
    """The recipe and the published ones that have a run of this name, and so share its test set."""
    found = {
        name: said
        for name, said in recipes_now().items()
        if isinstance(said, Recipe) and run in said.training and last_pass(lake, name) is not None
    }
    return {name: said for name, said in found.items() if name in (recipe, BASELINE) or recipe == BASELINE}


def _train_files(workspace: Workspace, recipe: str, families: Sequence[str]) -> list[Path]:
    files = [workspace.exports / recipe / family / "train.parquet" for family in families]
    return [file for file in files if file.exists()]
