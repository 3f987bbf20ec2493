"""Countdown: reach a target from three or four numbers with + - * /, each used once (Jiayi Pan, 2025).

There is no gold answer: the verifier evaluates the equation that a model gives. No licence is stated. Some
40,000 of the 490,000 rows repeat another once the numbers are sorted.
"""

import polars as pl

from pipelines.layouts.messages import turns
from pipelines.sources.source import Read, Source

numbers, target = pl.col("nums"), pl.col("target")
listed = numbers.cast(pl.List(pl.String)).list.join(", ")
question = pl.format(
    "Write an arithmetic expression that equals {} out of the numbers {}. Use +, -, * and / and parentheses, and "
    "each number exactly once. Think first, between <think> and </think>; then give the expression alone, between "
    "<answer> and </answer>.",
    target,
    listed,
)
arguments = pl.struct(numbers=numbers, target=target).struct.json_encode()

SOURCE = Source(
    repo="Jiayi-Pan/Countdown-Tasks-3to4",
    license=None,
    made_with=(),
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"nums": pl.List(pl.Int64), "target": pl.Int64},
            reject={
                "no numbers": (numbers.list.len() == 0).fill_null(value=True),
                "a number is missing": numbers.list.eval(pl.element().is_null()).list.any(),
                "no target": target.is_null(),
            },
            families={
                "grpo": {
                    "prompt": turns(user=question),
                    "verifier": pl.lit("countdown"),
                    "verifier_args": arguments,
                }
            },
        ),
    ),
)
