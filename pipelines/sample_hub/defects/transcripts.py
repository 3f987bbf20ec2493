"""Pairs of transcripts that are broken, equal, or contradict another pair."""

from collections.abc import Callable
from typing import Final

import numpy as np

from pipelines.sample_hub.defects.answers import pick, saying
from pipelines.sample_hub.defects.plant import Copier, Spoiler
from pipelines.sample_hub.layout import ASSISTANT, HUMAN, Layout
from pipelines.sample_hub.rows import Parts, Unit

_THANKS: Final = ("Thank you, that helps.", "And what would you do next?", "I am not sure that I follow.")
_AGAIN: Final = ("Are you still there?", "Hello?", "Please answer.")


def _both(change: Callable[[str, np.random.Generator], str]) -> Callable[[Unit, Layout, np.random.Generator], Unit]:
    """A change of the transcripts of both sides."""

    def spoil(unit: Unit, _: Layout, generator: np.random.Generator) -> Unit:
        seed = int(generator.integers(1 << 32))
        sides = {side: change(unit[-1][side], np.random.default_rng(seed)) for side in ("chosen", "rejected")}
        return ({**unit[-1], **sides},)

    return spoil


def _silent(parts: Parts, generator: np.random.Generator) -> Parts:
    """The assistant says nothing in its first turn, and the human asks again."""
    first, mark, rest = parts["question"].partition(ASSISTANT)
    again = ASSISTANT.rstrip() + HUMAN + pick(_AGAIN, generator)
    return parts | {"question": first + again + mark + rest}


def _swapped(parts: Parts, _: Layout, __: np.random.Generator) -> Parts | None:
    return parts | {"answer": parts["rejected"], "rejected": parts["answer"]}


NOT_FROM_HUMAN: Final = Spoiler(
    "transcript does not begin with a human turn",
    ("reject",),
    ("hh_rlhf",),
    _both(lambda text, _: text[text.index(ASSISTANT) :]),
)
ENDS_WITH_HUMAN: Final = Spoiler(
    "transcript ends with a human turn",
    ("reject",),
    ("hh_rlhf",),
    _both(lambda text, generator: text + HUMAN + pick(_THANKS, generator)),
)
EMPTY_TURN: Final = Spoiler("empty turn", ("rule",), ("hh_rlhf",), saying(_silent))
IDENTICAL_PAIR: Final = Spoiler(
    "identical pair", ("rule",), ("hh_rlhf",), saying(lambda parts, _: parts | {"rejected": parts["answer"]})
)
SWAPPED_PAIR: Final = Copier("a pair and its swap", ("kept",), ("hh_rlhf",), _swapped)
"""Both orders of a pair say all the same words and are no duplicates: a conflict, which is reported and not dropped."""

ALL: Final = (NOT_FROM_HUMAN, ENDS_WITH_HUMAN, EMPTY_TURN, IDENTICAL_PAIR, SWAPPED_PAIR)
