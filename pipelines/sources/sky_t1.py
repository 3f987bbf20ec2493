"""Sky-T1: 17k long answers of QwQ-32B-Preview to mathematics, code, science and puzzles (NovaSky, 2025).

One JSON array. Reasoning and solution stand in tags inside the assistant's turn; the solution's `\\boxed{}` is the
model's own answer, not a gold one. The system prompt is the same in every row and stays.
"""

import polars as pl

from pipelines.layouts.messages import SHAREGPT, answered, in_place, sharegpt, unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("conversations")

SOURCE = Source(
    repo="NovaSky-AI/Sky-T1_data_17k",
    license="apache-2.0",
    made_with=("QwQ-32B-Preview",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"system": pl.String, "conversations": SHAREGPT},
            prepare=in_place("conversations", sharegpt("conversations")),
            reject=unanswered(messages),
            families={"cot": answered(messages, pl.col("system"))},
        ),
    ),
)
