"""Bespoke-Stratos: 17k answers of DeepSeek-R1 to Sky-T1's questions (Bespoke Labs, 2025).

Laid out as Sky-T1: one constant system prompt, reasoning and solution in tags inside the assistant's turn. The
`\\boxed{}` of the solution is the model's own answer, not a gold one. Many questions are Sky-T1's and OpenThoughts'.
"""

import polars as pl

from pipelines.layouts.messages import SHAREGPT, answered, in_place, sharegpt, unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("conversations")

SOURCE = Source(
    repo="bespokelabs/Bespoke-Stratos-17k",
    license="apache-2.0",
    made_with=("DeepSeek-R1",),
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
