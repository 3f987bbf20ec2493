"""Big-Math: 251k problems with answers that were checked, out of many sets (SynthLabs, 2025, arXiv:2502.17387).

There are no solutions. `llama8b_solve_rate` is how often Llama-3.1-8B solved a problem. GSM8K, MATH, DeepScaleR's and
NuminaMath's problems are in it.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.answers import gold
from pipelines.layouts.messages import kept
from pipelines.layouts.tasks import checked
from pipelines.sources.source import Read, Source

FACTS = ("source", "domain", "llama8b_solve_rate")
answer = gold(pl.col("answer"))

SOURCE = Source(
    repo="SynthLabsAI/Big-Math-RL-Verified",
    license="apache-2.0",
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "problem": pl.String,
                "answer": pl.String,
                "source": pl.String,
                "domain": Column(as_json=True),
                "llama8b_solve_rate": pl.Float64,
            },
            reject={"no gold answer": answer.is_null()},
            families={"grpo": {**checked(pl.col("problem"), answer), "meta": kept(*FACTS)}},
        ),
    ),
)
