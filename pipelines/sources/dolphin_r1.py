"""Dolphin-R1: 300k answers of DeepSeek-R1, 300k of Gemini 2.0 Flash Thinking, 214k chats (QuixiAI, 2025).

Formerly cognitivecomputations/dolphin-r1. Three configs and no default. The reasoning ones have the prompt's messages,
the reasoning and the answer in columns of their own; `nonreasoning` has whole conversations and four ratings, whose
types are not settled. Gemini's terms bind those who train on the flash part.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.messages import MESSAGES, kept, messages, turns, unanswered
from pipelines.sources.source import Read, Source

RATINGS = ("score", "refusal", "compliance_rating", "overall_quality")
said = messages("messages")
last = said.list.last().struct.field("role")

REASONING = tuple(
    Read(
        config=config,
        splits=("train",),
        columns={"messages": MESSAGES, "reasoning": pl.String, "answer": pl.String, "model": pl.String},
        reject={"the prompt ends with the assistant": last == "assistant"},
        families={
            "cot": {
                "prompt": said,
                "reasoning": pl.col("reasoning"),
                "completion": turns(assistant=pl.col("answer")),
                "meta": kept("model"),
            }
        },
        made_with=(model,),
    )
    for config, model in (("reasoning-deepseek", "DeepSeek-R1"), ("reasoning-flash", "Gemini 2.0 Flash Thinking"))
)
CHATS = Read(
    config="nonreasoning",
    splits=("train",),
    columns={"messages": MESSAGES, **dict.fromkeys(RATINGS, Column(as_json=True, optional=True))},
    reject=unanswered(said),
    families={
        "instruction": {
            "prompt": said.list.head(said.list.len() - 1),
            "completion": said.list.tail(1),
            "meta": kept(*RATINGS),
        }
    },
)

SOURCE = Source(repo="QuixiAI/dolphin-r1", license="apache-2.0", language="en", reads=(*REASONING, CHATS))
