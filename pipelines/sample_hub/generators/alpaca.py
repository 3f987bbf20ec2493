"""tatsu-lab/alpaca: instruction, input, output, and `text`, which says all of them as a training prompt."""

from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.content import load, subjects
from pipelines.sample_hub.layouts import ALPACA
from pipelines.sample_hub.rows import Parts, Rows

REPO: Final = "tatsu-lab/alpaca"
FILE: Final = "data/train-00000-of-00001-a09b74b3ef9c3b56.parquet"


def rows(generator: np.random.Generator) -> list[Rows]:
    """The first facet of every subject, and the tasks with an input, in random order."""
    told: list[Parts] = [{"question": s.facets[0].ask, "answer": s.facets[0].say} for s in subjects()]
    tasks: list[Parts] = [
        {"question": task["instruction"], "context": task["input"], "answer": task["output"]} for task in load("tasks")
    ]
    parts = told + tasks
    made = [ALPACA.new(parts[number], generator)[-1] for number in generator.permutation(len(parts))]
    return [Rows("alpaca", FILE, pl.DataFrame(made, ALPACA.schema))]
