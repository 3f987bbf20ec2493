"""OpenThoughts3: 1.2M answers of QwQ-32B to mathematics, code and science (Open Thoughts, 2025, arXiv:2506.04178).

Sixteen answers a question, each a row: those of one question are a group. The roles are human and gpt, other than in
the sets before it; `difficulty` is null in many rows. There are no gold answers.
"""

import polars as pl

from pipelines.layouts.conversations import FROM_VALUE, TOOLS, called, message_columns, not_text, spoken
from pipelines.layouts.messages import answered, first_question, kept, same, unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("conversations")

SOURCE = Source(
    repo="open-thoughts/OpenThoughts3-1.2M",
    license="apache-2.0",
    made_with=("QwQ-32B",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "difficulty": pl.Int64,
                "source": pl.String,
                "domain": pl.String,
                **message_columns("conversations", keys=FROM_VALUE),
            },
            prepare=spoken("conversations", keys=FROM_VALUE),
            reject={**not_text("conversations"), **unanswered(messages)},
            families={
                "cot": {
                    **answered(messages, called=called("conversations")),
                    **TOOLS,
                    "group": same(first_question(messages)),
                    "meta": kept("difficulty", "source", "domain"),
                }
            },
        ),
    ),
)
