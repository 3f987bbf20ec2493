"""`lake.yaml`: what shapes the tables that all recipes share."""

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.configuration import Document
from pipelines.layouts.known import LAYOUTS
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


class Added(_Strict):
    """A source that is no file of `pipelines/sources/`: where its rows are, and which layout they have.

    `repo`, a repository of the Hub, or `files`, a file or a folder (relative to the folder of `lake.yaml`). `config`:
    null for the default; `splits`: names or patterns; `data_files`: split -> glob, where the Hub's own configs are
    wrong or missing. `columns`: the layout's role -> the column, or the columns, that play it. `keep`: columns whose
    values go into `meta`. `licence`: what a file's owner says, or the Hub where its card says nothing. `made_with`:
    models that wrote its rows, none where it is empty; left out, they are not known.
    """

    repo: str | None = None
    files: str | None = None
    revision: str | None = None
    config: str | None = None
    splits: list[str] = Field(default=["*"], min_length=1)
    data_files: dict[str, str] | None = None
    layout: str
    columns: dict[str, str | list[str]]
    keep: list[str] = []
    licence: str | None = None
    made_with: list[str] | None = None
    language: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Added":
        if (self.repo is None) == (self.files is None):
            raise ValueError("name one of `repo` and `files`")
        if self.files is not None and (self.revision or self.data_files or self.config):
            raise ValueError("`revision`, `config` and `data_files` are a repository's, not those of files")
        return self


class LakeSettings(_Strict):
    """What `lake.yaml` says. `pair_floor`: Jaccard similarity from which pairs are stored.

    `rejects_at_most`: share of a source's rows that may be rejects before the source is refused. `scores`: files of
    scores by the name of the signal that they become. `sources`: those that were added, by name. `tokenizer`: whose
    tokens are counted, as a repository of the Hub or the path of a tokenizer.json.
    """

    pair_floor: float = Field(default=0.7, gt=0, le=1)
    shares: Shares = Shares()
    ties: Ties = Ties()
    rejects_at_most: float = Field(default=0.2, ge=0, le=1)
    tokenizer: str | None = None
    scores: dict[str, ScoreFile] = {}
    sources: dict[str, Added] = {}

    @field_validator("sources", mode="before")
    @classmethod
    def _none(cls, said: object) -> object:
        """The key alone, as it stands before the first entry and after the last one was taken out."""
        return {} if said is None else said


def lake_settings(path: Path | None = None) -> LakeSettings:
    """The settings of a lake. TamisError with file, line and key for what is wrong in the file."""
    document = Document(path or LAKE_FILE)
    settings = document.parse(LakeSettings)
    _check_scores(document, settings)
    _check_sources(document, settings)
    return settings


def _check_scores(document: Document, settings: LakeSettings) -> None:
    known = {column for family in FAMILIES.values() for column in signal_columns(family)} | set(SIGNALS)
    for name in settings.scores:
        if not _NAME.fullmatch(name):
            raise document.error(
                ("scores", name), "cannot be the name of a signal", "Use a-z, 0-9 and _, as in reward."
            )
        if name in known or name in TABLES["signals_instruction"].schema.names:
            raise document.error(("scores", name), "there is such a signal already", "Give the score another name.")


def _check_sources(document: Document, settings: LakeSettings) -> None:
    for name, entry in settings.sources.items():
        if not _NAME.fullmatch(name):
            raise document.error(("sources", name), "is no name of a source", "Names are a-z, 0-9 and _.")
        if entry.layout not in LAYOUTS:
            cure = f"There are {', '.join(LAYOUTS)}."
            raise document.error(("sources", name, "layout"), f"there is no layout {entry.layout!r}", cure)
        try:
            LAYOUTS[entry.layout].bound(entry.keep, **entry.columns)
        except ValueError as error:
            cure = "`tamis inspect` shows which columns play which role."
            raise document.error(("sources", name, "columns"), str(error), cure) from error
