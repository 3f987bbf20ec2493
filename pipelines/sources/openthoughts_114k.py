"""OpenThoughts-114k: answers of DeepSeek-R1 to mathematics, code, science and puzzles (Open Thoughts, 2025).

Both configs hold the same rows. `metadata` is the one that is read: it has the reasoning in a column of its own, the
gold of mathematics inside `\\boxed{}` of `ground_truth_solution`, and the tests of code as a JSON string. What it
lacks is the constant system prompt of `default`.
"""

import polars as pl

from pipelines.layouts.answers import boxed, code_tests, gold
from pipelines.layouts.messages import kept, turns
from pipelines.sources.source import Read, Source

starter = pl.col("starter_code").fill_null("")
given = pl.when(starter.str.strip_chars() != "").then("\n\n" + starter).otherwise(pl.lit(""))
question = turns(user=pl.col("problem") + given)
is_code = pl.col("domain") == "code"
answer = pl.when(~is_code).then(gold(boxed(pl.col("ground_truth_solution"))))
tests = pl.when(is_code).then(code_tests(pl.col("test_cases"), starter))

SOURCE = Source(
    repo="open-thoughts/OpenThoughts-114k",
    license="apache-2.0",
    made_with=("DeepSeek-R1",),
    language="en",
    reads=(
        Read(
            config="metadata",
            splits=("train",),
            columns=dict.fromkeys(
                (
                    "problem",
                    "deepseek_reasoning",
                    "deepseek_solution",
                    "ground_truth_solution",
                    "domain",
                    "source",
                    "test_cases",
                    "starter_code",
                ),
                pl.String,
            ),
            families={
                "cot": {
                    "prompt": question,
                    "reasoning": pl.col("deepseek_reasoning"),
                    "completion": turns(assistant=pl.col("deepseek_solution")),
                    "answer": answer,
                    "meta": kept("domain", "source"),
                },
                "grpo": {
                    "when": answer.is_not_null() | tests.is_not_null(),
                    "prompt": question,
                    "answer": answer,
                    "verifier": pl.when(is_code).then(pl.lit("code")).otherwise(pl.lit("math")),
                    "verifier_args": tests,
                    "meta": kept("domain", "source"),
                },
            },
        ),
    ),
)
