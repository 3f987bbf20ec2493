"""Code Alpaca: 20k instructions about code, answered by text-davinci-003 in Alpaca's way (Chaudhary, 2023).

One JSON array in Alpaca's columns; `input` is empty in half of the rows.
"""

import polars as pl

from pipelines.layouts.messages import turns, with_context
from pipelines.sources.source import Read, Source

SOURCE = Source(
    repo="sahil2801/CodeAlpaca-20k",
    license="cc-by-nc-4.0",
    made_with=("text-davinci-003",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"instruction": pl.String, "input": pl.String, "output": pl.String},
            families={
                "instruction": {
                    "prompt": turns(user=with_context(pl.col("instruction"), pl.col("input"))),
                    "completion": turns(assistant=pl.col("output")),
                }
            },
        ),
    ),
)
