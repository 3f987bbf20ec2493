"""UltraChat: 1.47 million dialogues of two ChatGPTs (Ding et al. 2023, arXiv:2305.14233); formerly stingning/ultrachat.

The raw lines are read: the Hub's own parquet holds half of them. `data` is a bare list of turns, the user's first.
"""

import polars as pl

from pipelines.layouts.conversations import answered_plainly
from pipelines.layouts.messages import alternating, kept, unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("messages")

SOURCE = Source(
    repo="openbmb/UltraChat",
    license="mit",
    made_with=("ChatGPT",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            data_files={"train": "train_*.jsonl"},
            columns={"id": pl.String, "data": pl.List(pl.String)},
            prepare=lambda frame: alternating(frame, "data"),
            reject=unanswered(messages),
            families={"instruction": {**answered_plainly(messages), "meta": kept("id")}},
        ),
    ),
)
