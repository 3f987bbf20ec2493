"""`lake.yaml`: what shapes the tables that all recipes share."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.configuration import Document
from pipelines.workspace import ROOT

LAKE_FILE: Final = ROOT / "lake.yaml"


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


class LakeSettings(_Strict):
    """What `lake.yaml` says. `pair_floor`: Jaccard similarity from which pairs are stored.

    `rejects_at_most`: share of a source's rows that may be rejects before the source is refused. `tokenizer`: whose
    tokens are counted, as a repository of the Hub or the path of a tokenizer.json.
    """

    pair_floor: float = Field(default=0.7, gt=0, le=1)
    shares: Shares = Shares()
    ties: Ties = Ties()
    rejects_at_most: float = Field(default=0.2, ge=0, le=1)
    tokenizer: str | None = None


def lake_settings(path: Path = LAKE_FILE) -> LakeSettings:
    """The settings of a lake. TamisError with file, line and key for what is wrong in the file."""
    return Document(path).parse(LakeSettings)
