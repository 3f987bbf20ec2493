"""What a training run is given: its order, made of the published corpora of the recipes that are compared."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.catalogue import recipe_now, recipes_now
from pipelines.errors import TamisError
from pipelines.evaluation import admitted, chosen, evaluation_rows
from pipelines.exports import TOOLS, exported
from pipelines.lake import Lake
from pipelines.ledger import last_published
from pipelines.recipe import Recipe
from pipelines.states import Pass, last_pass
from pipelines.training.compare import Comparison, comparison
from pipelines.training.settings import Order, Run
from pipelines.workspace import Workspace

BASELINE: Final = "raw"
"""The recipe that curated ones are compared with."""


@dataclass(frozen=True)
class Prepared:
    """A run that can start.

    `path`: the file with its order. `train_rows`: what the recipe exports for it, by family, those with tools by
    `<family>-tools`; how many of them fit the model and are reached is known when they are tokenised. `test_set`: rows
    of the test set; `test_rows`: those measured on. `compared`: the recipes whose runs of this name are measured on the
    same rows.
    """

    path: Path
    order: Order
    train_rows: dict[str, int]
    test_set: int
    test_rows: int
    compared: tuple[str, ...]


def prepare(workspace: Workspace, lake: Lake, recipe: str, run: str) -> Prepared:
    """Write the run's order and its test rows.

    A curated recipe's test set is what both it and the baseline admit. The baseline's holds the test sets of all
    recipes that are compared with it, so that each finds its rows among the baseline's losses. TamisError where the
    recipe has no such run, exports nothing for it, or its exports are not those of its last pass.
    """
    said = recipe_now(recipe)
    if run not in said.training:
        raise TamisError(f"has no training run {run!r}", where=f"recipe {recipe}", cure="Reload the definitions.")
    settings = said.training[run]
    mine = last_published(lake, recipe)
    others = _compared(lake, mine, run)
    groups: list[tuple[Pass, ...]] = [(mine, other) for other in others.values()] or [(mine,)]
    sets = [admitted(group, settings.families) for group in groups]
    ids = pl.concat([chosen(found, settings.test_rows, settings.seed) for found in sets]).unique().sort()
    exports = _train_files(workspace, mine, settings)
    if not exports:
        raise TamisError(
            f"keeps no train row of {', '.join(settings.families)}",
            where=f"recipe {recipe}",
            cure="Look at its ledger for what dropped them.",
        )
    folder = workspace.training / f"{recipe}.{run}"
    folder.mkdir(parents=True, exist_ok=True)
    test = evaluation_rows(mine, said, ids, settings.families)
    test.write_parquet(folder / "test.parquet")
    order = Order(
        name=f"{recipe}.{run}",
        run=settings,
        exports=exports,
        test=folder / "test.parquet",
        base_exports=_train_files(workspace, others.get(BASELINE, mine), settings),
        bases=workspace.training / "bases",
        out=folder / "result",
    )
    path = order_file(workspace, recipe, run)
    path.write_text(order.model_dump_json(indent=1), encoding="utf-8")
    return Prepared(
        path=path,
        order=order,
        train_rows={file.parent.name: _rows(file) for file in exports},
        test_set=pl.concat(sets).n_unique(),
        test_rows=test.height,
        compared=tuple(others),
    )


def order_file(workspace: Workspace, recipe: str, run: str) -> Path:
    """Where `prepare` writes a run's order."""
    return workspace.training / f"{recipe}.{run}" / "order.json"


def command(workspace: Workspace, recipe: str, run: str) -> list[str]:
    """What starts a prepared run. TamisError where none is prepared."""
    order = order_file(workspace, recipe, run)
    if not order.exists():
        raise TamisError("is not prepared", where=f"run {recipe}.{run}", cure="Materialise its `training_set` first.")
    return [sys.executable, "-m", "pipelines.training", str(order)]


def compare(workspace: Workspace, trained: Sequence[str]) -> Iterable[Comparison]:
    """Each trained run of a curated recipe with the same run of the baseline, where both were trained."""
    for name in trained:
        recipe, run = name.split(".", 1)
        baseline = f"{BASELINE}.{run}"
        if recipe != BASELINE and baseline in trained:
            yield comparison(workspace.training / name / "result", workspace.training / baseline / "result")


def _compared(lake: Lake, mine: Pass, run: str) -> dict[str, Pass]:
    """The passes over the same state whose runs of this name are compared with that of `mine`."""
    found = {}
    for name, said in recipes_now().items():
        meets = (name == BASELINE) != (mine.recipe == BASELINE)
        if meets and isinstance(said, Recipe) and run in said.training:
            published = last_pass(lake, name)
            if published is not None and published.state.number == mine.state.number:
                found[name] = published
    return found


def _train_files(workspace: Workspace, published: Pass, run: Run) -> list[Path]:
    """Of the pass's own folder, so that a run whose exports are replaced meanwhile does not read half of each."""
    folder = exported(workspace, published)
    files = [folder / f"{family}{tools}" / "train.parquet" for family in run.families for tools in ("", TOOLS)]
    return [file for file in files if file.exists()]


def _rows(file: Path) -> int:
    return int(pl.scan_parquet(file).select(pl.len()).collect().item())
