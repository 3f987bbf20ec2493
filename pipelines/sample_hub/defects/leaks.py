"""Benchmark items in training rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.sample_hub.defects.copies import inserted
from pipelines.sample_hub.defects.plant import INSTRUCTION, Planted, plant, planted
from pipelines.sample_hub.layouts import LAYOUTS
from pipelines.sample_hub.rows import Parts, Row, Rows

LEAKED: Final = "benchmark question"
EDITED: Final = "benchmark question, edited"
_EDITS: Final = ((0.0, 0.3), (0.7, 1.0))
"""Where a word is added to an edited question: its middle stays, so that a long run of words is shared."""


@dataclass(frozen=True)
class Item:
    """An item of a benchmark: its question, the solution, the gold, and an answer in a sentence."""

    benchmark: str
    question: str
    solution: str
    gold: str
    said: str


def leak(rows: Rows, items: Sequence[Item], generator: np.random.Generator, *, edited: bool = False) -> Planted:
    """Add a training row to `rows` for each item, asking its question; `edited`, with two words more.

    For sources that yield instruction or cot. ValueError where a question is too short to be edited.
    """
    layout, plants = LAYOUTS[rows.source], []
    added: list[Row] = []
    for item in items:
        added += layout.new(_parts(rows.source, item, generator, edited=edited), generator)
        row = rows.frame.height + len(added) - 1
        plants.append(plant(EDITED if edited else LEAKED, ("contaminated",), rows, row))
    return planted(rows.extended(added), plants)


def _parts(source: str, item: Item, generator: np.random.Generator, *, edited: bool) -> Parts:
    asked = item.question
    for within in _EDITS if edited else ():
        longer = inserted(asked, generator, within)
        if longer is None:
            raise ValueError(f"too short to be edited: {asked!r}")
        asked = longer
    if source in INSTRUCTION:
        return {"question": asked, "answer": item.said}
    return {"question": asked, "reasoning": item.solution, "answer": item.gold if source == "gsm8k" else item.said}
