"""Dolly: 15k instructions in eight categories, written by people at Databricks (2023).

`context` is a passage from Wikipedia for the closed categories, with footnote marks such as "[42]" left in it.
"""

import polars as pl

from pipelines.layouts.messages import kept, turns, with_context
from pipelines.sources.source import Read, Source

question = with_context(pl.col("instruction"), pl.col("context"))

SOURCE = Source(
    repo="databricks/databricks-dolly-15k",
    license="cc-by-sa-3.0",
    made_with=(),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"instruction": pl.String, "context": pl.String, "response": pl.String, "category": pl.String},
            families={
                "instruction": {
                    "prompt": turns(user=question),
                    "completion": turns(assistant=pl.col("response")),
                    "meta": kept("category"),
                }
            },
        ),
    ),
)
