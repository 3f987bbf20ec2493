"""What the sample rows say: knowledge, tasks, dialogues, problems and benchmark items that the project wrote itself.

One YAML file a kind of text. No text is taken from a data set or a benchmark.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_FOLDER: Final = Path(__file__).parent
_KNOWLEDGE: Final = ("garden_and_kitchen", "world", "skills")


@dataclass(frozen=True)
class Facet:
    """A question with a good answer; `short`: the answer in one sentence, `poor`: a weak one; either may be empty."""

    ask: str
    say: str
    short: str = ""
    poor: str = ""


@dataclass(frozen=True)
class Subject:
    """Four facets of one subject. The first two stand alone; the fourth is a question that follows the third."""

    name: str
    facets: tuple[Facet, Facet, Facet, Facet]


@functools.cache
def load(name: str) -> Any:  # noqa: ANN401 - as many shapes as files
    """The content of a file of this folder, by its name without the suffix."""
    return yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


@functools.cache
def subjects() -> tuple[Subject, ...]:
    """All subjects, those of a file together."""
    found = []
    for name in _KNOWLEDGE:
        for subject, facets in load(name).items():
            first, second, third, fourth = (Facet(**facet) for facet in facets)
            found.append(Subject(subject, (first, second, third, fourth)))
    return tuple(found)


@functools.cache
def conversational() -> tuple[tuple[Subject, ...], tuple[Subject, ...]]:
    """The subjects whose last two facets are told as OASST trees, and those that are told as HH dialogues."""
    trees = tuple(subject for number, subject in enumerate(subjects()) if number % 10 in (0, 3, 6))
    return trees, tuple(subject for subject in subjects() if subject not in trees)
