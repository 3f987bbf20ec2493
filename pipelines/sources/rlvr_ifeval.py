"""RLVR-IFeval: instructions with constraints that a program can check (Allen AI, 2024, arXiv:2411.15124).

`ground_truth` is the JSON of the check: a function's name and its arguments. It is no answer.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.messages import MESSAGES, kept, messages
from pipelines.sources.source import Read, Source

said = messages("messages")
check = pl.col("ground_truth")

SOURCE = Source(
    repo="allenai/RLVR-IFeval",
    license="odc-by",
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "messages": MESSAGES,
                "ground_truth": Column(as_json=True),
                "constraint_type": Column(optional=True),
                "constraint": Column(optional=True),
            },
            reject={
                "the prompt ends with the assistant": said.list.last().struct.field("role") == "assistant",
                "no constraint to check": (~check.str.json_path_match("$").str.starts_with("{")).fill_null(value=True),
            },
            families={
                "grpo": {
                    "prompt": said,
                    "verifier": pl.lit("instruction"),
                    "verifier_args": check,
                    "meta": kept("constraint_type", "constraint"),
                }
            },
        ),
    ),
)
