"""`lake.yaml`: what shapes the tables that all recipes share."""

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.configuration import Document
from pipelines.quality.signal import columns as signal_columns
from pipelines.quality.signals import SIGNALS
from pipelines.workspace import ROOT
from schemas.families import FAMILIES
from schemas.tables import TABLES

LAKE_FILE: Final = ROOT / "lake.yaml"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Shares(_Strict):
    """Parts of a hundred that a new component of tied records has to come to each side."""

    train: float = Field(default=90, ge=0)
    validation: float = Field(default=5, ge=0)
    test: float = Field(default=5, ge=0)

    @model_validator(mode="after")
    def _sum(self) -> "Shares":
        if abs(self.train + self.validation + self.test - 100) > 1e-9:
            raise ValueError(f"the shares add up to {self.train + self.validation + self.test:g}, not to 100")
        return self


class Ties(_Strict):
    """Similarities from which two records may not stand on different sides. `response_words`: shorter ones tie not."""

    prompt: float = Field(default=0.8, gt=0, le=1)
    response: float = Field(default=0.8, gt=0, le=1)
    response_words: int = Field(default=50, ge=1)


class ScoreFile(_Strict):
    """A file of scores from outside: a reward model's, a perplexity, a judge's. It becomes a signal of all families.

    `path`: parquet or JSONL, from the folder of `lake.yaml` on. `key`: whether its rows name a record's `id` or a
    `content_hash` (16 bytes, or hex), in a column of that name. `column`: which of its columns is the score.
    """

    path: str
    key: Literal["id", "content_hash"] = "content_hash"
    column: str = "score"


class LakeSettings(_Strict):
    """What `lake.yaml` says. `pair_floor`: Jaccard similarity from which pairs are stored.

    `rejects_at_most`: share of a source's rows that may be rejects before the source is refused. `scores`: files of
    scores by the name of the signal that they become.
    """

    pair_floor: float = Field(default=0.7, gt=0, le=1)
    shares: Shares = Shares()
    ties: Ties = Ties()
    rejects_at_most: float = Field(default=0.2, ge=0, le=1)
    scores: dict[str, ScoreFile] = {}


def lake_settings(path: Path = LAKE_FILE) -> LakeSettings:
    """The settings of a lake. TamisError with file, line and key for what is wrong in the file."""
    document = Document(path)
    settings = document.parse(LakeSettings)
    known = {column for family in FAMILIES.values() for column in signal_columns(family)} | set(SIGNALS)
    for name in settings.scores:
        if not _NAME.fullmatch(name):
            raise document.error(
                ("scores", name), "cannot be the name of a signal", "Use a-z, 0-9 and _, as in reward."
            )
        if name in known or name in TABLES["signals_instruction"].schema.names:
            raise document.error(("scores", name), "there is such a signal already", "Give the score another name.")
    return settings
