"""Anthropic/hh-rlhf: pairs of transcripts in four subsets of gzipped JSON lines, and the red-team attempts."""

from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.sample_hub.content import Subject, conversational, load
from pipelines.sample_hub.layout import ASSISTANT, HUMAN
from pipelines.sample_hub.layouts import HH_RLHF
from pipelines.sample_hub.rows import Parts, Rows, columns

REPO: Final = "Anthropic/hh-rlhf"
SUBSETS: Final = ("harmless-base", "helpful-base", "helpful-online", "helpful-rejection-sampled")
RED_TEAM: Final = "red-team-attempts/red_team_attempts.jsonl.gz"
RED_TEAM_SCHEMA: Final = columns(
    min_harmlessness_score_transcript=pl.Float64,
    num_params=pl.String,
    model_type=pl.String,
    rating=pl.Float64,
    task_description=pl.String,
    task_description_harmlessness_score=pl.Float64,
    red_team_member_id=pl.Int64,
    is_upworker=pl.Boolean,
    tags=pl.List(pl.String),
    transcript=pl.String,
)
_SHORT: Final = 12
"""Subjects whose first question stands alone in helpful-online too, as upstream has dialogues of several lengths."""
_LONG: Final = 18
"""Subjects whose two questions are told in helpful-base; those of the others are in helpful-rejection-sampled."""

_TEST: Final = (3, 3, 0, 3)
"""Last dialogues of each subset that are upstream's test split."""


def rows(generator: np.random.Generator) -> list[Rows]:
    """Train and test of every subset, and the red-team attempts.

    Dialogues of one subject are all in train, so that no pinned test row pulls others to its side.
    """
    subjects = conversational()[1]
    told = (
        [_harmless(dialogue) for dialogue in load("harmless")],
        [_long(subject) for subject in subjects[:_LONG]],
        [_short(subject) for subject in subjects[:_SHORT]],
        [_long(subject) for subject in subjects[_LONG:]],
    )
    made = []
    for subset, parts, test in zip(SUBSETS, told, _TEST, strict=True):
        frame = pl.DataFrame([HH_RLHF.new(said, generator)[-1] for said in parts], HH_RLHF.schema)
        splits = {"train": frame[: len(parts) - test], "test": frame[len(parts) - test :]}
        made += [Rows("hh_rlhf", f"{subset}/{split}.jsonl.gz", rows) for split, rows in splits.items() if rows.height]
    return [*made, _red_team(generator)]


def _harmless(told: dict[str, Any]) -> Parts:
    turns = [mark + said for mark, said in zip((HUMAN, ASSISTANT) * len(told["turns"]), told["turns"], strict=False)]
    return {"question": "".join(turns).removeprefix(HUMAN), "answer": told["chosen"], "rejected": told["rejected"]}


def _short(subject: Subject) -> Parts:
    facet = subject.facets[2]
    return {"question": facet.ask, "answer": facet.say, "rejected": facet.poor}


def _long(subject: Subject) -> Parts:
    first, then = subject.facets[2:]
    asked = first.ask + ASSISTANT + first.say + HUMAN + then.ask
    return {"question": asked, "answer": then.say, "rejected": then.poor}


def _red_team(generator: np.random.Generator) -> Rows:
    attempts = []
    for told in load("red_team"):
        turns = [mark + said for mark, said in zip((HUMAN, ASSISTANT), told["turns"], strict=True)]
        score, described = generator.normal(0, 1, 2).round(4)
        attempts.append(
            {
                "min_harmlessness_score_transcript": float(score),
                "num_params": "52B",
                "model_type": "rlhf",
                "rating": float(generator.integers(5)),
                "task_description": told["task"],
                "task_description_harmlessness_score": float(described),
                "red_team_member_id": int(generator.integers(300)),
                "is_upworker": bool(generator.integers(2)),
                "tags": told["tags"],
                "transcript": "".join(turns),
            }
        )
    return Rows("hh_rlhf", RED_TEAM, pl.DataFrame(attempts, RED_TEAM_SCHEMA))
