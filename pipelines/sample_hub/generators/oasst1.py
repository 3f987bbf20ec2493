"""OpenAssistant/oasst1: conversation trees as one message a row, some siblings ranked, in several languages."""

from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.content import conversational, load
from pipelines.sample_hub.messages import OASST1, blank_message
from pipelines.sample_hub.rows import Row, Rows

REPO: Final = "OpenAssistant/oasst1"
TRAIN: Final = "data/train-00000-of-00001-b42a775f407cee45.parquet"
VALIDATION: Final = "data/validation-00000-of-00001-134b8fd0c89408b6.parquet"
_VALIDATION_TREES: Final = 3


def rows(generator: np.random.Generator) -> list[Rows]:
    """Trees of subjects in English and of the other languages; the last few are upstream's validation split."""
    trees = _english(generator) + _others(generator)
    order = generator.permutation(len(trees))
    parts = order[:-_VALIDATION_TREES], order[-_VALIDATION_TREES:]
    return [
        Rows("oasst1", file, pl.DataFrame([row for number in chosen for row in trees[number]], OASST1.schema))
        for file, chosen in zip((TRAIN, VALIDATION), parts, strict=True)
    ]


def _english(generator: np.random.Generator) -> list[list[Row]]:
    """Every second tree is a question and its answer; the rest has a ranked second answer, some a continuation."""
    trees = []
    for number, subject in enumerate(conversational()[0]):
        first, then = subject.facets[2:]
        tree = grown(generator, "en", first.ask, first.say, second=first.poor if number % 2 == 0 else "")
        if number % 4 == 0:
            tree += _continued(generator, tree, then.ask, then.say)
        if number % 6 == 0:
            tree.append({**reply(generator, tree[0], "assistant", "Remove me, please."), "deleted": True})
        trees.append(tree)
    return trees


def _others(generator: np.random.Generator) -> list[list[Row]]:
    trees = []
    for told in load("languages"):
        tree = grown(generator, told["lang"], told["ask"], told["say"], second=told.get("second", ""))
        if "more" in told:
            tree += _continued(generator, tree, told["more"], told["answer"])
        trees.append(tree)
    return trees


def grown(generator: np.random.Generator, lang: str, ask: str, say: str, *, second: str) -> list[Row]:
    """A question and its answer; both answers ranked where there is a second one."""
    root, best = OASST1.new({"question": ask, "answer": say}, generator)
    tree = [{**row, "lang": lang} for row in (root, best)]
    if second:
        tree.append({**reply(generator, tree[0], "assistant", second), "rank": 1})
        tree[1]["rank"] = 0
    return tree


def _continued(generator: np.random.Generator, tree: list[Row], ask: str, say: str) -> list[Row]:
    asked = reply(generator, tree[1], "prompter", ask)
    return [asked, reply(generator, asked, "assistant", say)]


def reply(generator: np.random.Generator, to: Row, role: str, text: str) -> Row:
    """A message that follows another one."""
    inherited = {name: to[name] for name in ("lang", "message_tree_id")}
    return {**blank_message(generator), **inherited, "parent_id": to["message_id"], "role": role, "text": text}
