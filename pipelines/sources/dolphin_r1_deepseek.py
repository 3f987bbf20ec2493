"""The DeepSeek part of Dolphin-R1 as whole conversations (mlabonne, 2025).

The reasoning stands inside the assistant's turn, in `<|begin_of_thought|>` tags with the bare solution after them;
answers without tags are kept as they are. The rows are those of Dolphin-R1, laid out anew.
"""

import polars as pl

from pipelines.layouts.messages import MESSAGES, answered, in_place, messages, unanswered
from pipelines.sources.source import Read, Source

said = pl.col("messages")

SOURCE = Source(
    repo="mlabonne/dolphin-r1-deepseek",
    license="apache-2.0",
    made_with=("DeepSeek-R1",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"messages": MESSAGES},
            prepare=in_place("messages", messages("messages")),
            reject=unanswered(said),
            families={"cot": answered(said)},
        ),
    ),
)
