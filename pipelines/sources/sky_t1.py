"""Sky-T1: 17k long answers of QwQ-32B-Preview to mathematics, code, science and puzzles (NovaSky, 2025).

One JSON array. Reasoning and solution stand in tags inside the assistant's turn; the solution's `\\boxed{}` is the
model's own answer, not a gold one. The system prompt is the same in every row and stays.
"""

import polars as pl

from pipelines.layouts import sharegpt, tagged, turns, with_system
from pipelines.sources.source import Read, Source

THOUGHT = ("<|begin_of_thought|>", "<|end_of_thought|>")
SOLUTION = ("<|begin_of_solution|>", "<|end_of_solution|>")

messages = sharegpt("conversations")
last = messages.list.last().struct
reasoning, solution = tagged(last.field("content"), THOUGHT, SOLUTION)
TURNS = pl.List(pl.Struct({"from": pl.String, "value": pl.String}))

SOURCE = Source(
    repo="NovaSky-AI/Sky-T1_data_17k",
    license="apache-2.0",
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train",),
            columns={"system": pl.String, "conversations": TURNS},
            reject={
                "no conversation": (messages.list.len() == 0).fill_null(value=True),
                "ends with the user": last.field("role") == "user",
                "not the assistant's last turn": last.field("role").ne_missing("assistant"),
                "nothing before the answer": messages.list.len() == 1,
            },
            families={
                "cot": {
                    "prompt": with_system(pl.col("system"), messages.list.head(messages.list.len() - 1)),
                    "reasoning": reasoning,
                    "completion": turns(assistant=solution),
                }
            },
        ),
    ),
)
