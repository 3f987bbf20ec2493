"""RLVR-MATH: MATH's train split as tasks with a checkable answer (Allen AI, 2024, arXiv:2411.15124).

The prompt holds worked examples before the question; they are left out. No licence is stated.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.answers import gold, only
from pipelines.layouts.messages import MESSAGES, first_question, messages
from pipelines.layouts.tasks import checked, without_examples
from pipelines.sources.source import Read, Source

asked = first_question(messages("messages"))
answer = gold(only(pl.col("ground_truth")))

SOURCE = Source(
    repo="allenai/RLVR-MATH",
    license=None,
    made_with=(),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"messages": MESSAGES, "ground_truth": Column(as_json=True)},
            reject={"no gold answer": answer.is_null(), "no question": asked.is_null()},
            families={"grpo": checked(without_examples(asked), answer)},
        ),
    ),
)
