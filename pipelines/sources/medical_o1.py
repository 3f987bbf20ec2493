"""Medical-o1: medical questions with reasoning and answers of GPT-4o (FreedomIntelligence 2024, arXiv:2412.18925).

Question, reasoning and answer stand in columns; the file for English is read. The questions come from examinations
(MedQA, MedMCQA), whose own answers are not in it.
"""

import polars as pl

from pipelines.layouts.messages import turns
from pipelines.sources.source import Read, Source

SOURCE = Source(
    repo="FreedomIntelligence/medical-o1-reasoning-SFT",
    license="apache-2.0",
    made_with=("GPT-4o",),
    language="en",
    reads=(
        Read(
            config="en",
            splits=("train",),
            data_files={"train": "medical_o1_sft.json"},
            columns={"Question": pl.String, "Complex_CoT": pl.String, "Response": pl.String},
            families={
                "cot": {
                    "prompt": turns(user=pl.col("Question")),
                    "reasoning": pl.col("Complex_CoT"),
                    "completion": turns(assistant=pl.col("Response")),
                }
            },
        ),
    ),
)
