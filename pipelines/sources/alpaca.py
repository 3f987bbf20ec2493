"""Alpaca: 52k instructions written by text-davinci-003 (Stanford, 2023).

`input` is empty or a junk placeholder ("<noinput>", "N/A") in some rows; `text` repeats the row as a training
prompt and is not read.
"""

import polars as pl

from pipelines.layouts.messages import turns, with_context
from pipelines.sources.source import Read, Source

question = with_context(pl.col("instruction"), pl.col("input"))

SOURCE = Source(
    repo="tatsu-lab/alpaca",
    license="cc-by-nc-4.0",
    made_with=("text-davinci-003",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"instruction": pl.String, "input": pl.String, "output": pl.String},
            families={"instruction": {"prompt": turns(user=question), "completion": turns(assistant=pl.col("output"))}},
        ),
    ),
)
