"""NovaSky-AI/Sky-T1_data_17k: one JSON array of `system` and ShareGPT turns, reasoning and solution in tags."""

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.generators import divisibility, equations
from pipelines.sample_hub.generators.derivation import Derivation, Numbers
from pipelines.sample_hub.layouts import SKY_T1
from pipelines.sample_hub.rows import Rows

REPO: Final = "NovaSky-AI/Sky-T1_data_17k"
FILE: Final = "Sky-T1_data_17k.json"
_KINDS: Final[tuple[Callable[[Numbers, int], Derivation], ...]] = (
    divisibility.common_divisor,
    divisibility.last_digits,
    divisibility.divisors,
    divisibility.remainders,
    divisibility.other_base,
    equations.two_prices,
    equations.quadratic,
    equations.series,
    equations.committee,
    equations.mean_changes,
    equations.meeting,
)
_VARIANTS: Final = 5
_LEAD: Final = "Return your final response within \\boxed{}. "
_OPENINGS: Final = (
    "Let me read the problem once more before I calculate anything.",
    "First I want to be clear about what is given and what is wanted.",
    "This looks familiar, but I should not trust the first idea that comes to mind.",
    "Okay, the numbers are small enough to do everything by hand.",
    "I start with the facts that the task states and see how far they carry.",
    "Hmm, there may be a short way, yet a careful one is safer here.",
    "So what do I know at this point, and what is the unknown?",
    "Before I use a formula I would like to understand the situation.",
    "Alright, one thing after the other.",
    "A plan helps: name the unknown, relate it to the data, then solve.",
    "It is worth looking for structure before crunching numbers.",
)
_PAUSES: Final = (
    "Wait, did I use everything that was given? Yes, nothing is left over.",
    "I pause to see whether a sign or a unit got lost, but all seems in order.",
    "Could there be a second solution? The conditions leave no room for one.",
    "Let me make sure that I answer what was asked and not something next to it.",
    "Hold on, I want to verify the step in the middle, as slips happen there.",
    "That went smoothly, so a second look is the least I can do.",
    "Is the size of the result sensible? It lies where I would have guessed.",
    "An independent check would make me more confident.",
    "I go backwards through the calculation and meet no contradiction.",
    "No step relied on a guess, which is reassuring.",
    "If the result were wrong, the check above would have failed.",
)
_ENDS: Final = (
    "Hence the answer is",
    "Therefore the result is",
    "This gives the final value",
    "So we obtain",
    "The requested number is",
)


def rows(generator: np.random.Generator) -> list[Rows]:
    """The file with every kind of problem in all variants, in random order."""
    made = [kind(generator, number) for kind in _KINDS for number in range(_VARIANTS)]
    order = generator.permutation(len(made))
    parts = [_parts(made[number], place) for place, number in enumerate(order)]
    return [Rows("sky_t1", FILE, pl.DataFrame([SKY_T1.new(part, generator)[-1] for part in parts], SKY_T1.schema))]


def _parts(made: Derivation, place: int) -> dict[str, str]:
    opening, pause, end = (pool[place % len(pool)] for pool in (_OPENINGS, _PAUSES, _ENDS))
    return {
        "question": _LEAD + made.question,
        "reasoning": "\n\n".join((opening, *made.thoughts, pause)),
        "answer": f"{made.solution} {end} \\(\\boxed{{{made.answer}}}\\).",
    }
