"""Tulu 3's mixture for fine-tuning: 939k conversations from 19 sets (Lambert et al. 2024, arXiv:2411.15124).

`source` names the set that a row is from; the oldest revision lacks it. Some parts are non-commercial, whatever the
licence of the whole. It holds WildChat (answers of ChatGPT and GPT-4), OpenAssistant,
FLAN and others whole or in part.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.conversations import TOOLS, answered_plainly, message_columns, not_text, spoken
from pipelines.layouts.messages import kept, unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("messages")

SOURCE = Source(
    repo="allenai/tulu-3-sft-mixture",
    license="odc-by",
    made_with=("ChatGPT", "GPT-4"),
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "id": pl.String,
                "source": Column(pl.String, optional=True),
                **message_columns("messages"),
            },
            prepare=spoken("messages"),
            reject={**not_text("messages"), **unanswered(messages)},
            families={
                "instruction": {**answered_plainly(messages), **TOOLS, "meta": kept("id", "source")},
            },
        ),
    ),
)
