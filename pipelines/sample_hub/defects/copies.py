"""Rows that are there already, exactly or nearly; and rows that only look as if they were."""

import re
from fractions import Fraction
from typing import Final

import numpy as np

from pipelines.sample_hub.arithmetic import evaluate
from pipelines.sample_hub.defects.plant import INSTRUCTION, Copier
from pipelines.sample_hub.generators.countdown import reachable
from pipelines.sample_hub.layout import Layout
from pipelines.sample_hub.rows import Parts
from pipelines.sample_hub.similarity import jaccard

NEAR: Final = (0.75, 0.95)
"""Bounds of a planted near-duplicate's similarity."""

LOOKALIKE: Final = 0.7
"""Least similarity of the prompts of two problems that only look like duplicates."""

_FILLERS: Final = ("really", "also", "indeed", "often", "simply", "usually", "certainly", "perhaps", "clearly", "still")
_TRIES: Final = 20
_TEXTS: Final = (*INSTRUCTION, "hh_rlhf", "sky_t1", "gsm8k")
_PROTECTED: Final = re.compile(r"```.*?```|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_GAP: Final = re.compile(r"(?<=[a-z]{2}) (?=[a-z]{2})")
_TURN: Final = re.compile(r"(\n\n(?:Human|Assistant): )")
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
_MARK: Final = re.compile(r"<<([^=<>]{1,60})=([^<>]{1,20})>>")
_CONSTANTS: Final = {"12", "24", "52", "60", "100", "365", "1000"}
"""Numbers that a solution uses whatever the question says."""


def inserted(text: str, generator: np.random.Generator, within: tuple[float, float] = (0, 1)) -> str | None:
    """The text with a small word more between two others, outside code and formulas; None where there is no place.

    `within`: the part of the text in which the place is drawn, from 0 to 1.
    """
    closed = [match.span() for match in _PROTECTED.finditer(text)]
    low, high = (share * len(text) for share in within)
    gaps = [
        gap.start()
        for gap in _GAP.finditer(text)
        if low <= gap.start() <= high and not any(start <= gap.start() < end for start, end in closed)
    ]
    if not gaps:
        return None
    at = gaps[int(generator.integers(len(gaps)))]
    return f"{text[:at]} {_FILLERS[int(generator.integers(len(_FILLERS)))]}{text[at:]}"


def _near(parts: Parts, layout: Layout, generator: np.random.Generator) -> Parts | None:
    """Small words are added until the compared text of each family is as similar as was drawn, within the bounds."""
    tries = (_edited(parts, layout, generator) for _ in range(_TRIES))
    return next((made for made in tries if made is not None), None)


def _edited(parts: Parts, layout: Layout, generator: np.random.Generator) -> Parts | None:
    made, settled = dict(parts), set[str]()
    for family, names in sorted(layout.compared.items(), key=lambda item: len(item[1])):
        original, aim = layout.text(parts, family), generator.uniform(*NEAR)
        open_parts = [name for name in names if name not in settled and parts.get(name)]
        similarity = jaccard(original, layout.text(made, family))
        while similarity > aim and open_parts:
            name = open_parts[int(generator.integers(len(open_parts)))]
            longer = inserted(made[name], generator)
            after = jaccard(original, layout.text({**made, name: longer or ""}, family))
            if longer is None or after < NEAR[0]:
                open_parts.remove(name)
            else:
                made[name], similarity = longer, after
        if not NEAR[0] <= similarity <= NEAR[1]:
            return None
        settled |= set(names)
    return made


def _other_case(parts: Parts, _: Layout, generator: np.random.Generator) -> Parts | None:
    """All in lower case, and some spaces wider. Code has a case that counts, so it is left alone."""
    if any("```" in text for text in parts.values()):
        return None
    space = ("  ", "\n", " \t")[int(generator.integers(3))]

    def change(said: str) -> str:
        return space.join(said.lower().split(" ", 2))

    def outside_marks(text: str) -> str:
        return "".join(piece if _TURN.fullmatch(piece) else change(piece) for piece in _TURN.split(text))

    changed = {name: outside_marks(text) for name, text in parts.items()}
    return None if changed == parts else changed


def _renumbered(parts: Parts, _: Layout, generator: np.random.Generator) -> Parts | None:
    """A problem of other numbers, worked anew along upstream's calculator marks, whose text is nearly the same."""
    candidates = [n for n in _NUMBER.findall(parts["question"]) if n.isdigit() and int(n) > 10 and n not in _CONSTANTS]
    for old in generator.permutation(candidates) if candidates else ():
        for step in generator.permutation([1, 2, 3, 5, 10]):
            made = _with_number(parts, str(old), str(int(old) + int(step)))
            if made and jaccard(parts["question"], made["question"]) >= LOOKALIKE:
                return made
    return None


def _with_number(parts: Parts, old: str, new: str) -> Parts | None:
    """The parts with one number of the question changed, and every result that follows from it; None if that fails."""
    given = _NUMBER.findall(parts["question"])
    if given.count(old) != 1 or re.search(r"\d,\d", parts["question"] + parts["reasoning"]):
        return None
    moved = {old: new}
    try:
        for expression, result in _MARK.findall(parts["reasoning"]):
            if moved.keys().isdisjoint(_NUMBER.findall(expression)):
                continue
            value = evaluate(_replaced(expression, moved))
            if value.denominator != 1 or value <= 0 or result in given:
                return None
            moved[result] = str(value)
        made = parts | {name: _replaced(text, moved) for name, text in parts.items()}
        right = all(evaluate(expression) == Fraction(result) for expression, result in _MARK.findall(made["reasoning"]))
    except ValueError:  # a mark that is no plain arithmetic: 5%, 3x, an unfinished one
        return None
    return made if right and made["answer"] != parts["answer"] else None


def _replaced(text: str, moved: dict[str, str]) -> str:
    return _NUMBER.sub(lambda number: moved.get(number.group(), number.group()), text)


def _other_task(parts: Parts, _: Layout, generator: np.random.Generator) -> Parts | None:
    """One of the numbers is another one, which reaches the same target too."""
    numbers, target = [int(number) for number in parts["numbers"].split()], int(parts["target"])
    for at in generator.permutation(len(numbers)):
        for step in generator.permutation([1, 2, 3, 5, 10]):
            made = [number + (int(step) if place == at else 0) for place, number in enumerate(numbers)]
            if target in reachable(made):
                return parts | {"numbers": " ".join(map(str, made))}
    return None


def _same(parts: Parts, _: Layout, __: np.random.Generator) -> Parts:
    return parts


EXACT: Final = Copier("exact duplicate", ("exact duplicate",), (*_TEXTS, "countdown"), _same)
OTHER_CASE: Final = Copier(
    "duplicate but for case and space", ("exact duplicate",), (*INSTRUCTION, "hh_rlhf", "gsm8k"), _other_case
)
NEAR_DUPLICATE: Final = Copier("near-duplicate", ("near-duplicate",), _TEXTS, _near)
ACROSS: Final = Copier("exact duplicate across sources", ("exact duplicate",), (*INSTRUCTION, "gsm8k"), _same)
NEAR_ACROSS: Final = Copier("near-duplicate across sources", ("near-duplicate",), INSTRUCTION, _near)
OTHER_NUMBERS: Final = Copier("near-equal problem, other numbers", ("kept",), ("gsm8k",), _renumbered)
OTHER_TASK: Final = Copier(OTHER_NUMBERS.kind, ("kept",), ("countdown",), _other_task)

ALL: Final = (EXACT, OTHER_CASE, NEAR_DUPLICATE, ACROSS, NEAR_ACROSS, OTHER_NUMBERS, OTHER_TASK)
