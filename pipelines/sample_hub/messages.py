"""OASST's layout: one message a row, and a question and its answer are two rows."""

import uuid
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.layout import Layout, question
from pipelines.sample_hub.rows import Row, Unit, columns

_DETOXIFY: Final = (
    "toxicity",
    "severe_toxicity",
    "obscene",
    "identity_attack",
    "insult",
    "threat",
    "sexual_explicit",
)
_LABELS: Final = ("spam", "lang_mismatch", "pii", "not_appropriate", "hate_speech", "sexual_content", "quality")


def _messages(generator: np.random.Generator) -> Unit:
    """A question and its only answer, with what upstream knows of them beside the text."""
    asked = blank_message(generator)
    tree = {"message_tree_id": asked["message_id"]}
    answer = {**blank_message(generator), **tree, "parent_id": asked["message_id"], "role": "assistant"}
    return {**asked, **tree}, answer


def blank_message(generator: np.random.Generator) -> Row:
    """One message of OASST without text and tree, by `prompter`, in English, with ids and ratings drawn at random."""
    toxicity = {
        name: float(value) for name, value in zip(_DETOXIFY, generator.uniform(0, 0.01, 7).round(6), strict=True)
    }
    ratings = [*np.zeros(6), *generator.uniform(0.5, 1, 1).round(3)]
    return {
        "message_id": str(uuid.UUID(bytes=generator.bytes(16), version=4)),
        "parent_id": None,
        "user_id": str(uuid.UUID(bytes=generator.bytes(16), version=4)),
        "created_date": f"2023-03-{generator.integers(1, 28):02}T{generator.integers(24):02}:15:32.481937+00:00",
        "text": "",
        "role": "prompter",
        "lang": "en",
        "review_count": 3,
        "review_result": True,
        "deleted": False,
        "rank": None,
        "synthetic": False,
        "model_name": None,
        "detoxify": toxicity,
        "message_tree_id": None,
        "tree_state": "ready_for_export",
        "emojis": {"name": ["+1"], "count": [int(generator.integers(1, 5))]},
        "labels": {"name": list(_LABELS), "value": [float(value) for value in ratings], "count": [3] * len(_LABELS)},
    }


OASST1: Final = Layout(
    source="oasst1",
    schema=columns(
        message_id=pl.String,
        parent_id=pl.String,
        user_id=pl.String,
        created_date=pl.String,
        text=pl.String,
        role=pl.String,
        lang=pl.String,
        review_count=pl.Int32,
        review_result=pl.Boolean,
        deleted=pl.Boolean,
        rank=pl.Int32,
        synthetic=pl.Boolean,
        model_name=pl.String,
        detoxify=pl.Struct(dict.fromkeys(_DETOXIFY, pl.Float64)),
        message_tree_id=pl.String,
        tree_state=pl.String,
        emojis=pl.Struct({"name": pl.List(pl.String), "count": pl.List(pl.Int32)}),
        labels=pl.Struct({"name": pl.List(pl.String), "value": pl.List(pl.Float64), "count": pl.List(pl.Int32)}),
    ),
    needed=("text",),
    compared={"instruction": ("question", "context", "answer")},
    read=lambda unit: {"question": unit[0]["text"], "answer": unit[-1]["text"]},
    write=lambda unit, parts: (
        *({**row, "text": question(parts)} for row in unit[:-1]),
        {**unit[-1], "text": parts["answer"]},
    ),
    blank=_messages,
    identity=("message_id", "parent_id", "message_tree_id", "user_id", "created_date"),
)
