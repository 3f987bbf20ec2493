"""Synthia-Coder: some 23k questions about code with long answers, told to think in a tree of thoughts (Tissera, 2023).

The columns are known from a sibling of the set, so their usual other names are taken too. The system prompt that asks
for the thoughts stays.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.messages import turns, with_system
from pipelines.sources.source import Read, Source

SOURCE = Source(
    repo="migtissera/Synthia-Coder-v1.5-I",
    license="apache-2.0",
    made_with=("Claude Opus",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={
                "system": Column(pl.String, ("system", "system_prompt"), optional=True),
                "instruction": Column(pl.String, ("instruction", "prompt", "question")),
                "response": Column(pl.String, ("response", "output", "completion", "answer")),
            },
            families={
                "instruction": {
                    "prompt": with_system(pl.col("system"), turns(user=pl.col("instruction"))),
                    "completion": turns(assistant=pl.col("response")),
                }
            },
        ),
    ),
)
