"""Tulu 3's preference mixture for the 8B model: 271k pairs (Lambert et al. 2024, arXiv:2411.15124).

Both sides hold the whole conversation; `prompt` says its last question again. Some parts are non-commercial, whatever
the licence of the whole. It holds rewritten UltraFeedback and WildChat, which GPT-4 rated.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.conversations import PAIR, not_text, side_columns, sides
from pipelines.layouts.messages import kept
from pipelines.sources.source import Read, Source

SOURCE = Source(
    repo="allenai/llama-3.1-tulu-3-8b-preference-mixture",
    license="odc-by",
    made_with=("GPT-4",),
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"id": pl.String, "source": Column(pl.String, optional=True), **side_columns()},
            prepare=sides,
            reject=not_text("chosen", "rejected"),
            families={"preference": {**PAIR, "meta": kept("id", "source")}},
        ),
    ),
)
