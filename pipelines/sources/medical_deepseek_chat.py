"""The medical conversations of `medical_deepseek` as chats, in one parquet file (Maziyar Panahi, 2025).

Its columns are not documented, so they are recognised at first contact. It states no licence of its own.
"""

import polars as pl

from pipelines.layouts.conversations import answered_plainly
from pipelines.layouts.detected import ANY_OF, COLUMNS, REJECT, talks
from pipelines.sources.source import Read, Source

SOURCE = Source(
    repo="MaziyarPanahi/synthetic-medical-conversations-deepseek-v3-chat",
    license=None,
    made_with=("DeepSeek-V3",),
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns=COLUMNS,
            any_of=ANY_OF,
            prepare=talks,
            reject=REJECT,
            families={"instruction": answered_plainly(pl.col("messages"))},
        ),
    ),
)
