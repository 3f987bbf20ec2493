"""LIMA: 1,030 answers chosen or written with care (Zhou et al. 2023, arXiv:2305.11206).

`conversations` is a bare list of turns, the user's first; 30 rows have several answers. Its card says only that the
licence is CC BY-NC-SA or stricter, by the sources of the rows. The test split has prompts alone and is not read.
"""

import polars as pl

from pipelines.layouts.conversations import answered_plainly
from pipelines.layouts.messages import alternating, kept, unanswered
from pipelines.sources.source import Read, Source

messages = pl.col("messages")

SOURCE = Source(
    repo="GAIR/lima",
    license="other",
    made_with=(),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            data_files={"train": "train.jsonl"},
            columns={"conversations": pl.List(pl.String), "source": pl.String},
            prepare=lambda frame: alternating(frame, "conversations"),
            reject=unanswered(messages),
            families={
                "instruction": {**answered_plainly(messages), "meta": kept("source")},
            },
        ),
    ),
)
