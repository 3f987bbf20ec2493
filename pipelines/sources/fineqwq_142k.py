"""FineQwQ: 142k answers of QwQ-32B-Preview from three sets (qingy2024, 2024).

Its splits are nested samples, so only the largest is read. The reasoning is plain text that ends in a `\\boxed{}`, in
no tags. No licence is stated.
"""

import polars as pl

from pipelines.layouts.messages import kept, turns
from pipelines.layouts.tags import reasoned
from pipelines.sources.source import Read, Source

reasoning, answer = reasoned(pl.col("response"))

SOURCE = Source(
    repo="qingy2024/FineQwQ-142k",
    license=None,
    made_with=("QwQ-32B-Preview",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("142k",),
            columns={"prompt": pl.String, "response": pl.String, "source": pl.String},
            families={
                "cot": {
                    "prompt": turns(user=pl.col("prompt")),
                    "reasoning": reasoning,
                    "completion": turns(assistant=answer),
                    "meta": kept("source"),
                }
            },
        ),
    ),
)
