"""Answers and questions that teach nothing: empty, placeholders, echoes, loops, garbled; images that are not there."""

import re
from collections.abc import Callable
from typing import Final

import numpy as np

from pipelines.sample_hub.defects.plant import INSTRUCTION, Spoiler
from pipelines.sample_hub.layout import HUMAN, Layout, question
from pipelines.sample_hub.rows import Parts, Unit

_ANSWERS: Final = ("N/A", "None", "TODO", "...", "[insert answer here]", "No output.", "<nooutput>", "n/a", "tbd")
_INPUTS: Final = ("<noinput>", "N/A", "No input", "None", "<no input>", "n/a", "No Input.")
_IMAGES: Final = (
    "Look at the attached picture before you answer. {}",
    "{} See the image below.",
    "Based on the photo above: {}",
    "The screenshot that I uploaded shows it. {}",
)
_TYPOGRAPHY: Final = str.maketrans({"'": "’", '"': "”", "-": "–", ",": " —"})
_GARBLED: Final = 3
_LOOP_WORDS: Final = 12
_LOOP_CHARACTERS: Final = 40  # shorter answers that are said again are no loop of a model

Change = Callable[[Parts, np.random.Generator], Parts]


def saying(change: Change) -> Callable[[Unit, Layout, np.random.Generator], Unit]:
    """A change of what an example says as a change of the example."""
    return lambda unit, layout, generator: layout.write(unit, change(layout.read(unit), generator))


def pick(pool: tuple[str, ...], generator: np.random.Generator) -> str:
    return pool[int(generator.integers(len(pool)))]


def looped(text: str, generator: np.random.Generator) -> str:
    """The text with its last words said again and again, as models do that lose their thread."""
    tail = " ".join(text.split()[-_LOOP_WORDS:]) or text
    return " ".join([text, *[tail] * int(generator.integers(20, 40))])


def garbled(text: str) -> str | None:
    """UTF-8 that was read as Windows-1252; typography and accents are added where there are none that could break.

    None where fewer than three places come of it.
    """
    rich = text.translate(_TYPOGRAPHY)
    missing = _GARBLED - sum(not character.isascii() for character in rich)
    rich = re.sub("e", "é", rich, count=missing) if missing > 0 else rich
    enough = sum(not character.isascii() for character in rich) >= _GARBLED
    return "".join(_as_windows(byte) for byte in rich.encode()) if enough else None


def _as_windows(byte: int) -> str:
    raw = bytes([byte])
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:  # five bytes mean nothing there; browsers take them as Latin-1's controls
        return raw.decode("latin-1")


def _without_image(parts: Parts, generator: np.random.Generator) -> Parts:
    return parts | {"question": pick(_IMAGES, generator).format(parts["question"])}


def _without_answer(unit: Unit, layout: Layout, _: np.random.Generator) -> Unit:
    return (*unit[:-1], {**unit[-1], layout.needed[-1]: None})


_TALK: Final = (*INSTRUCTION, "hh_rlhf")

EMPTY_ANSWER: Final = Spoiler(
    "empty answer",
    ("rule",),
    (*_TALK, "sky_t1"),
    saying(lambda parts, generator: parts | {"answer": pick(("", " ", " \n"), generator)}),
)
PLACEHOLDER_ANSWER: Final = Spoiler(
    "placeholder answer",
    ("rule",),
    (*_TALK, "sky_t1"),
    saying(lambda parts, generator: parts | {"answer": pick(_ANSWERS, generator)}),
)
PLACEHOLDER_INPUT: Final = Spoiler(
    "placeholder input",
    ("rule",),
    ("alpaca", "dolly"),
    saying(lambda parts, generator: parts | {"context": pick(_INPUTS, generator)}),
    fits=lambda parts: not parts["context"],
)
ECHO: Final = Spoiler(
    "answer echoes the prompt",
    ("rule",),
    _TALK,
    saying(lambda parts, _: parts | {"answer": question(parts).rpartition(HUMAN)[-1]}),
)
LOOPING_ANSWER: Final = Spoiler(
    "looping answer",
    ("rule",),
    _TALK,
    saying(lambda parts, generator: parts | {"answer": looped(parts["answer"], generator)}),
    fits=lambda parts: len(parts["answer"]) >= _LOOP_CHARACTERS,
)
MOJIBAKE: Final = Spoiler(
    "mojibake answer",
    ("rule",),
    _TALK,
    saying(lambda parts, _: parts | {"answer": garbled(parts["answer"]) or ""}),
    fits=lambda parts: garbled(parts["answer"]) is not None,
)
MISSING_IMAGE: Final = Spoiler("asks for a missing image", ("rule",), ("alpaca", "dolly"), saying(_without_image))
NULL_ANSWER: Final = Spoiler(
    "null answer", ("reject",), (*_TALK, "sky_t1", "gsm8k", "countdown"), _without_answer, families={}
)

ALL: Final = (
    EMPTY_ANSWER,
    PLACEHOLDER_ANSWER,
    PLACEHOLDER_INPUT,
    ECHO,
    LOOPING_ANSWER,
    MOJIBAKE,
    MISSING_IMAGE,
    NULL_ANSWER,
)
