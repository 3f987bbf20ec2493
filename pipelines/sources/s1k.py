"""s1K-1.1: a thousand difficult questions with answers of DeepSeek-R1 (Simple Scaling, 2025, arXiv:2501.19393).

The answers of Gemini, whose terms bind those who train on them, are those of s1K and stay out. `solution` is the
reference: a short answer, a box in a derivation, or a proof, which is no gold. How upstream graded an answer is in
`meta`.
"""

import polars as pl

from pipelines.layouts.answers import final
from pipelines.layouts.messages import kept, turns
from pipelines.layouts.tasks import checked
from pipelines.sources.source import Read, Source

FACTS = ("cot_type", "source_type", "deepseek_grade")
answer = final(pl.col("solution"))
task = checked(pl.col("question"), answer)

SOURCE = Source(
    repo="simplescaling/s1K-1.1",
    license="mit",
    made_with=("DeepSeek-R1",),
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns=dict.fromkeys(
                ("question", "solution", "deepseek_thinking_trajectory", "deepseek_attempt", *FACTS), pl.String
            ),
            families={
                "cot": {
                    "prompt": turns(user=pl.col("question")),
                    "reasoning": pl.col("deepseek_thinking_trajectory"),
                    "completion": turns(assistant=pl.col("deepseek_attempt")),
                    "answer": answer,
                    "meta": kept(*FACTS),
                },
                "grpo": {**task, "when": task["when"] & (pl.col("cot_type") == "math"), "meta": kept(*FACTS)},
            },
        ),
    ),
)
