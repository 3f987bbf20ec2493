"""DeepMath: 103k difficult problems, each with three answers of DeepSeek-R1 (2025, arXiv:2504.11456).

Each answer is a record, those of one problem a group. The answers lack the opening `<think>`. Upstream took the
problems of known benchmarks out.
"""

import polars as pl

from pipelines.layouts.answers import gold
from pipelines.layouts.messages import apart, kept, same, turns
from pipelines.layouts.tags import reasoned
from pipelines.layouts.tasks import checked
from pipelines.sources.source import Read, Source

SOLUTIONS = tuple(f"r1_solution_{number}" for number in (1, 2, 3))
FACTS = ("topic", "difficulty")


def solutions_apart(frame: pl.DataFrame) -> pl.DataFrame:
    """Each answer as a row of its own, `solution`; a null one where there is none."""
    listed = frame.with_columns(solution=pl.concat_list(SOLUTIONS).list.drop_nulls()).drop(SOLUTIONS)
    return apart(listed, "solution")


question, answer = pl.col("question"), gold(pl.col("final_answer"))
reasoning, said = reasoned(pl.col("solution"))
task = checked(question, answer)

SOURCE = Source(
    repo="zwhe99/DeepMath-103K",
    license="mit",
    made_with=("DeepSeek-R1",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                **dict.fromkeys(("question", "final_answer", "topic", *SOLUTIONS), pl.String),
                "difficulty": pl.Float64,
            },
            prepare=solutions_apart,
            families={
                "cot": {
                    "when": pl.col("solution").is_not_null(),
                    "group": same(question),
                    "prompt": turns(user=question),
                    "reasoning": reasoning,
                    "completion": turns(assistant=said),
                    "answer": answer,
                    "meta": kept(*FACTS),
                },
                "grpo": {
                    **task,
                    "when": task["when"] & (pl.col("number") == 0),
                    "group": same(question),
                    "meta": kept(*FACTS),
                },
            },
        ),
    ),
)
