"""UltraFeedback binarised for Zephyr: 61k prompts, each with its best answer and another (Tunstall et al. 2023).

The best is the one of the highest `overall_score`, the other one is drawn from the rest; equal scores occur. `messages`
is the chosen side. The splits for preference and for fine-tuning have the same rows for training; the splits for
generation lack the answer and are not read. Prompts from TruthfulQA were left out upstream.
"""

import polars as pl

from pipelines.layouts.conversations import (
    PAIR,
    TOOLS,
    answered_plainly,
    message_columns,
    not_text,
    side_columns,
    sides,
    spoken,
)
from pipelines.layouts.messages import unanswered
from pipelines.sources.source import Read, Source

group = pl.col("prompt_id")
scores = {"chosen_score": pl.col("score_chosen"), "rejected_score": pl.col("score_rejected")}
messages = pl.col("messages")

SOURCE = Source(
    repo="HuggingFaceH4/ultrafeedback_binarized",
    license="mit",
    made_with=("GPT-4",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train_prefs", "test_prefs"),
            columns={
                "prompt_id": pl.String,
                "score_chosen": pl.Float64,
                "score_rejected": pl.Float64,
                **side_columns(),
            },
            prepare=sides,
            reject=not_text("chosen", "rejected"),
            families={"preference": {**PAIR, **scores, "group": group}},
        ),
        Read(
            config=None,
            splits=("train_sft", "test_sft"),
            columns={"prompt_id": pl.String, **message_columns("messages")},
            prepare=spoken("messages"),
            reject={**not_text("messages"), **unanswered(messages)},
            families={"instruction": {**answered_plainly(messages), **TOOLS, "group": group}},
        ),
    ),
)
