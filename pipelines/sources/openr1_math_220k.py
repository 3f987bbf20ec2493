"""OpenR1-Math: 225k problems of NuminaMath with one to four answers of DeepSeek-R1 each (Open R1, 2025).

The config `all` is the other two in one, so it is not read. Each generation that is complete is a record, and those of
one problem are a group, the right ones and the wrong ones: what upstream found by Math-Verify and by Llama is in `meta`
(Llama was asked about few), and verification judges anew. Generations that were cut off are left out. "proof" and
"notfound" stand where there is no gold; such problems are no tasks.
"""

import polars as pl

from pipelines.layouts.answers import gold
from pipelines.layouts.messages import apart, kept, turns
from pipelines.layouts.tags import reasoned
from pipelines.layouts.tasks import checked
from pipelines.sources.source import Read, Source

PROBLEM = ("problem_type", "question_type", "source")
JUDGED = {
    "complete": "is_reasoning_complete",
    "right": "correctness_math_verify",
    "right_by_llama": "correctness_llama",
}


def generations_apart(frame: pl.DataFrame) -> pl.DataFrame:
    """Each complete generation as a row of its own, with what was found of it; a null one where there is none."""
    each = apart(frame, "generations").with_columns(
        pl.col(column).list.get(pl.col("number"), null_on_oob=True).alias(name) for name, column in JUDGED.items()
    )
    whole = pl.col("generations").is_not_null() & pl.col("complete").fill_null(value=True)
    only = (pl.col("number") == 0) & ~whole.any().over("row")
    return (
        each.with_columns(generation=pl.when(whole).then("generations"))
        .filter(whole | only)
        .with_columns(first=pl.int_range(pl.len()).over("row") == 0)
        .drop("generations")
    )


answer = gold(pl.col("answer"))
reasoning, said = reasoned(pl.col("generation"))
task = checked(pl.col("problem"), answer)
BOOLEANS = pl.List(pl.Boolean)

SOURCE = Source(
    repo="open-r1/OpenR1-Math-220k",
    license="apache-2.0",
    made_with=("DeepSeek-R1",),
    language="en",
    reads=tuple(
        Read(
            config=config,
            splits=("train",),
            columns={
                "problem": pl.String,
                "answer": pl.String,
                **dict.fromkeys(PROBLEM, pl.String),
                "uuid": pl.String,
                "generations": pl.List(pl.String),
                **dict.fromkeys(JUDGED.values(), BOOLEANS),
            },
            prepare=generations_apart,
            families={
                "cot": {
                    "when": pl.col("generation").is_not_null(),
                    "group": pl.col("uuid"),
                    "prompt": turns(user=pl.col("problem")),
                    "reasoning": reasoning,
                    "completion": turns(assistant=said),
                    "answer": answer,
                    "meta": kept(*PROBLEM, "number", "right", "right_by_llama"),
                },
                "grpo": {
                    **task,
                    "when": task["when"] & pl.col("first"),
                    "group": pl.col("uuid"),
                    "meta": kept(*PROBLEM),
                },
            },
        )
        for config in ("default", "extended")
    ),
)
