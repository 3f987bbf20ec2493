"""Constitutional AI by Hugging Face: answers that a model criticised and revised by principles (Huang et al. 2024).

It stands for Anthropic's own set (Bai et al. 2022, arXiv:2212.08073), which was never published. The chosen answer is
the revised one, the rejected one the first; the prompts are first turns of hh-rlhf's `harmless-base`. The critique
that led to the revision is kept in `meta`; it is a text, in the older layout a message.
"""

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.conversations import (
    PAIR,
    TOOLS,
    answered_plainly,
    message_columns,
    not_text,
    side_columns,
    sides,
    spoken,
)
from pipelines.layouts.messages import unanswered
from pipelines.sources.source import Read, Source

REVISION = ("critic_prompt", "critic_response", "revision_prompt")
MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})
texts = {name: Column(pl.String, (name,), optional=True, if_it_fits=True) for name in REVISION}
critiques = {f"{name}_message": Column(MESSAGE, (name,), optional=True, if_it_fits=True) for name in REVISION}
meta = pl.struct(
    pl.coalesce(name, pl.col(f"{name}_message").struct.field("content")).alias(name) for name in REVISION
).struct.json_encode()
messages = pl.col("messages")

SOURCE = Source(
    repo="HuggingFaceH4/cai-conversation-harmless",
    license="apache-2.0",
    language="en",
    reads=(
        Read(
            config=None,
            splits=("train_sft", "test_sft"),
            columns={**message_columns("messages"), **texts, **critiques},
            prepare=spoken("messages"),
            reject={**not_text("messages"), **unanswered(messages)},
            families={"instruction": {**answered_plainly(messages), **TOOLS, "meta": meta}},
        ),
        Read(
            config=None,
            splits=("train_prefs", "test_prefs"),
            columns={**side_columns(), **texts, **critiques},
            prepare=sides,
            reject=not_text("chosen", "rejected"),
            families={"preference": {**PAIR, "meta": meta}},
        ),
    ),
)
