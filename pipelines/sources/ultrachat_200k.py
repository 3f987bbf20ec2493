"""UltraChat 200k: dialogues of two ChatGPTs, filtered and truecased for Zephyr (Tunstall et al. 2023).

arXiv:2310.16944. Only the splits for fine-tuning are read: `train_gen` and `test_gen` hold other dialogues of
overlapping prompts without their last answer. `prompt` says the first message again. It is a part of UltraChat.
"""

import polars as pl

from pipelines.layouts.conversations import TOOLS, answered_plainly, message_columns, not_text, spoken
from pipelines.layouts.messages import unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("messages")

SOURCE = Source(
    repo="HuggingFaceH4/ultrachat_200k",
    license="mit",
    made_with=("ChatGPT",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train_sft", "test_sft"),
            columns={"prompt_id": pl.String, **message_columns("messages")},
            prepare=spoken("messages"),
            reject={**not_text("messages"), **unanswered(messages)},
            families={
                "instruction": {**answered_plainly(messages), **TOOLS, "group": pl.col("prompt_id")},
            },
        ),
    ),
)
