"""DAPO-Math: problems of competitions whose answers are whole numbers (ByteDance and Tsinghua 2025, arXiv:2503.14476).

Open R1's copy, and of it the English half: upstream repeats each of its 17,917 rows a hundred times and wraps every
problem in an instruction, which `source_prompt` still has. `solution` is the answer.
"""

import polars as pl

from pipelines.layouts.answers import gold
from pipelines.layouts.messages import kept
from pipelines.layouts.tasks import checked, without_wrapper
from pipelines.sources.source import Read, Source

answer = gold(pl.col("solution"))

SOURCE = Source(
    repo="open-r1/DAPO-Math-17k-Processed",
    license="apache-2.0",
    language="en",
    reads=(
        Read(
            config="en",
            splits=("train",),
            columns={"prompt": pl.String, "solution": pl.String, "data_source": pl.String},
            reject={"no gold answer": answer.is_null()},
            families={
                "grpo": {**checked(without_wrapper(pl.col("prompt")), answer), "meta": kept("data_source")},
            },
        ),
    ),
)
