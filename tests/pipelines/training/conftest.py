"""A small corpus with two recipes, exported, and a tiny base made of it: once for all tests of training."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from corpora import Row, instruction, lake_state, messages, published

from pipelines.exports import export, exported
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.states import Pass
from pipelines.training.settings import Order, Run
from pipelines.workspace import Workspace

# Before torch is imported: with more threads than idle cores it is many times slower.
os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}

RECIPE = Recipe(sources={"sums": None, "traces": None})
SMALL = {"tokens": 3_000, "max_tokens": 128, "batch_tokens": 256, "test_rows": 50}


def corpus_rows() -> list[Row]:
    """Sums and traces on three sides; `default` drops the sums of 7, which `raw` keeps."""
    sides = ["train"] * 8 + ["validation", "test"]
    rows = []
    for a in range(16):
        for b in range(12):
            side = sides[(a * 12 + b) % 10]
            fates = {"default": "rule"} if a == 7 else {}
            question = f"What is {a} plus {b}? Please count it on your fingers."
            answer = f"{a} and {b} are {a + b}, as anyone can see on {a + b} fingers."
            rows.append(instruction(f"sums/{a}.{b}", question, answer, side=side, fates=fates))
    for n in range(60):
        own = {
            "prompt": messages(("user", f"Double {n}.")),
            "reasoning": f"Twice {n} is {n} plus {n}.",
            "completion": messages(("assistant", str(2 * n))),
            "answer": str(2 * n),
        }
        rows.append(Row(f"traces/cot/{n}", own, sides[n % 10]))
    return rows


@dataclass(frozen=True)
class Corpus:
    workspace: Workspace
    lake: Lake
    rows: list[Row]
    passes: dict[str, Pass]

    def exports(self, recipe: str = "default", side: str = "train") -> list[Path]:
        folder = exported(self.workspace, self.passes[recipe])
        return [folder / family / f"{side}.parquet" for family in ("instruction", "cot")]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    workspace = Workspace(tmp_path_factory.mktemp("corpus"), "sample")
    lake, rows = Lake(workspace.lake), corpus_rows()
    state = lake_state(lake, rows)
    passes = {name: published(state, rows, name) for name in ("default", "raw")}
    for one in passes.values():
        export(workspace, one, RECIPE)
    return Corpus(workspace, lake, rows, passes)


@pytest.fixture(scope="session")
def tiny(corpus: Corpus) -> Path:
    """The folder of a tiny base made of the corpus."""
    from pipelines.training.tiny import tiny_base

    return tiny_base(corpus.workspace.training / "bases", corpus.exports("raw"), seed=0)


@pytest.fixture
def order(corpus: Corpus, tmp_path: Path) -> Callable[..., Order]:
    """An order of a small run on the corpus; `changes` are settings of the run."""
    from pipelines.evaluation import admitted, evaluation_rows

    def made(recipe: str = "default", **changes: Any) -> Order:
        run = Run.model_validate(SMALL | changes)
        ids = admitted(list(corpus.passes.values()), run.families)
        evaluation_rows(corpus.passes[recipe], RECIPE, ids, run.families).write_parquet(tmp_path / "test.parquet")
        return Order(
            name=f"{recipe}.sft",
            run=run,
            exports=corpus.exports(recipe),
            test=tmp_path / "test.parquet",
            base_exports=corpus.exports("raw"),
            bases=corpus.workspace.training / "bases",
            out=tmp_path / recipe,
        )

    return made
