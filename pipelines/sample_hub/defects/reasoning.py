"""Chains of thought that cannot be trusted: broken tags, cut, empty or looping, with a gold that they contradict."""

import re
from typing import Final

import numpy as np

from pipelines.sample_hub.defects.answers import looped, pick, saying
from pipelines.sample_hub.defects.plant import Spoiler
from pipelines.sample_hub.layout import Layout
from pipelines.sample_hub.layouts import SOLUTION, THOUGHT
from pipelines.sample_hub.rows import Parts, Unit

_GOLD: Final = re.compile(r"-?\d[\d,]*")


def _said(unit: Unit, text: str) -> Unit:
    """The example with another last turn."""
    turns = [dict(turn) for turn in unit[-1]["conversations"]]
    turns[-1]["value"] = text
    return ({**unit[-1], "conversations": turns},)


def _unbalanced(unit: Unit, _: Layout, generator: np.random.Generator) -> Unit:
    """One tag is lost, or said twice."""
    text = unit[-1]["conversations"][-1]["value"]
    tag = pick((*THOUGHT, *SOLUTION), generator)
    return _said(unit, text.replace(tag, "" if generator.integers(2) else f"{tag}\n\n{tag}", 1))


def _truncated(unit: Unit, _: Layout, generator: np.random.Generator) -> Unit:
    """The text stops within the thoughts, in the middle of a word, as when the tokens have run out."""
    text = unit[-1]["conversations"][-1]["value"]
    whole = text.index(THOUGHT[1])
    cut = int(whole * generator.uniform(0.5, 0.9))
    inside = re.compile(r"(?<=\w)(?=\w)").search(text, cut, whole)
    return _said(unit, text[: inside.start() if inside else cut])


def _other_gold(parts: Parts, generator: np.random.Generator) -> Parts:
    """A number near the right one, as a slip of the pen would give."""
    right = int(parts["answer"].replace(",", ""))
    wrong = right + int(generator.choice((-10, -2, -1, 1, 2, 10, 100)))
    return parts | {"answer": str(wrong)}


UNBALANCED_TAGS: Final = Spoiler("unbalanced reasoning tags", ("rule",), ("sky_t1",), _unbalanced)
TRUNCATED: Final = Spoiler("truncated reasoning", ("rule",), ("sky_t1",), _truncated)
EMPTY_REASONING: Final = Spoiler(
    "empty reasoning", ("rule",), ("sky_t1",), saying(lambda parts, _: parts | {"reasoning": ""})
)
LOOPING_REASONING: Final = Spoiler(
    "looping reasoning",
    ("rule",),
    ("sky_t1",),
    saying(lambda parts, generator: parts | {"reasoning": looped(parts["reasoning"], generator)}),
)
WRONG_GOLD: Final = Spoiler(
    "wrong gold answer",
    ("rule",),
    ("gsm8k",),
    saying(_other_gold),
    fits=lambda parts: _GOLD.fullmatch(parts["answer"]) is not None,
    families={"gsm8k": "cot"},  # the record of grpo has no reasoning that the gold could contradict
)

ALL: Final = (UNBALANCED_TAGS, TRUNCATED, EMPTY_REASONING, LOOPING_REASONING, WRONG_GOLD)
