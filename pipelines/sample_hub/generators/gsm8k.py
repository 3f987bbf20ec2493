"""openai/gsm8k: `question`, and `answer` with calculator marks and the gold after `####`; two configs, two splits."""

from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.arithmetic import Worked, worked
from pipelines.sample_hub.content import load
from pipelines.sample_hub.layouts import GSM8K
from pipelines.sample_hub.rows import Rows

REPO: Final = "openai/gsm8k"
TRAIN: Final = "main/train-00000-of-00001.parquet"
TEST: Final = "main/test-00000-of-00001.parquet"


def rows(generator: np.random.Generator) -> list[Rows]:
    """Both splits of both configs; the socratic ones hold the same problems, worked with sub-questions."""
    made: list[Rows] = []
    for file, split in ((TRAIN, "train"), (TEST, "test")):
        problems = [worked(problem, generator) for problem in load("problems")[split]]
        made += (
            Rows("gsm8k", file, _frame(problems, [problem.main for problem in problems])),
            Rows("gsm8k", file.replace("main", "socratic"), _frame(problems, [p.socratic for p in problems])),
        )
    return made


def _frame(problems: list[Worked], answers: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"question": [problem.question for problem in problems], "answer": answers}, GSM8K.schema)
