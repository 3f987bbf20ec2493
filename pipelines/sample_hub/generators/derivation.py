"""A problem with a worked chain of thought, and how calculations are written in it.

Every equality that is written out (`a = b`, in LaTeX's signs) holds: the numbers in the text are computed, not copied.
"""

import math
from dataclasses import dataclass

import numpy as np

Numbers = np.random.Generator


@dataclass(frozen=True)
class Derivation:
    """A problem, the thoughts that lead to its answer, the solution in short, and the answer."""

    question: str
    thoughts: tuple[str, ...]
    solution: str
    answer: str


def draw(generator: Numbers, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return int(generator.integers(low, high, endpoint=True))


def product(*factors: int) -> str:
    written = r" \times ".join(map(str, factors))
    return rf"\({written} = {math.prod(factors)}\)"


def total(*terms: int) -> str:
    return rf"\({' + '.join(map(str, terms))} = {sum(terms)}\)"


def difference(left: int, right: int) -> str:
    return rf"\({left} - {right} = {left - right}\)"
