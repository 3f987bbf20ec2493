"""A recipe: the one file that a team edits to say what corpus it wants."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.benchmarks.catalogue import NAMES as BENCHMARK_NAMES
from pipelines.configuration import Document
from pipelines.errors import TamisError
from pipelines.lake_settings import LakeSettings
from pipelines.licences import terms
from pipelines.quality.redaction import Kind
from pipelines.quality.rules import Rule, faults
from pipelines.training.settings import Run
from pipelines.workspace import ROOT

RECIPES: Final = ROOT / "recipes"

ALL: Final = "all"
"""What a recipe says that takes every source."""


ReviewGround = Literal[
    "conflict",
    "disputed duplicate",
    "contamination",
    "rules disagree",
    "near a threshold",
    "random kept",
    "random dropped",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SourceUse(_Strict):
    """How a recipe uses a source. `limit`: upstream rows, from the start; null takes all."""

    limit: int | None = Field(default=None, ge=1)


Taken = Literal["keep", "drop"]


class LicencePolicy(_Strict):
    """What licences a recipe takes, by the licence of each record's source at its revision.

    `use`: `commercial` drops what is for non-commercial use only, and what is unknown unless `unknown` is given.
    `unknown`: records that state no licence, or one that is not known (`other`). `share_alike`: licences that ask the
    same of what is made of the records; `no_derivatives`: that forbid to pass on changed records; `conditions`: that
    permit some uses only (those of models). `model_terms`: sets made with a model whose maker forbids to train
    competing ones on its output, or with models that are not known. `exclude`: ids of further licences to drop.
    """

    use: Literal["any", "commercial"] = "any"
    unknown: Taken = "keep"
    share_alike: Taken = "keep"
    no_derivatives: Taken = "keep"
    conditions: Taken = "keep"
    model_terms: Taken = "keep"
    exclude: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _unknown_by_use(cls, said: Any) -> Any:  # noqa: ANN401
        """What is unknown is no licence for commercial use."""
        if isinstance(said, dict) and said.get("use") == "commercial":
            return {"unknown": "drop"} | said
        return said

    def against(self, licence: str | None) -> str | None:
        """Why records of this licence are dropped; None where they are taken."""
        if licence in self.exclude:
            return licence
        asked = terms(licence)
        dropped = {
            "unknown": self.unknown == "drop" and not asked.known,
            "no derivatives": self.no_derivatives == "drop" and asked.no_derivatives,
            "non-commercial": self.use == "commercial" and asked.non_commercial,
            "conditions of use": self.conditions == "drop" and asked.conditions,
            "share-alike": self.share_alike == "drop" and asked.share_alike,
        }
        why = next((why for why, applies in dropped.items() if applies), None)
        return None if why is None else "none stated" if licence is None else f"{licence} ({why})"


class Duplicates(_Strict):
    """`exact`: whether equal records are dropped; `near`: Jaccard similarity from which near-equal ones are."""

    exact: bool = True
    near: float | None = Field(default=0.7, gt=0, le=1)


class Contamination(_Strict):
    """Which repetitions of benchmark items are dropped; all others are evidence only.

    `rules`: those of `pipelines.decontaminate.rules` that drop. `benchmarks`: whose items count. `coverage`: the share
    of an item above which that rule drops; the lake holds hits from a half on.
    """

    rules: list[Literal["8-gram", "13-gram", "coverage", "short item"]] = ["coverage", "short item"]
    benchmarks: Literal["all"] | list[str] = "all"
    coverage: float = Field(default=0.5, ge=0.5, lt=1)


class Review(_Strict):
    """What people are asked, and what becomes of their verdicts.

    `budget`: records of each family in the review queue; `shares`: parts of a hundred of it by ground, of which the two
    random ones are controls; what one ground has too little for goes to the others but these. `overlap`: people that
    answer each record. `precision`: below this a rule is reported. `verdicts`: whether they decide rows of this recipe.
    """

    budget: int = Field(default=50, ge=0)
    shares: dict[ReviewGround, float] = {
        "conflict": 15,
        "disputed duplicate": 10,
        "contamination": 10,
        "rules disagree": 15,
        "near a threshold": 20,
        "random kept": 15,
        "random dropped": 15,
    }
    overlap: int = Field(default=1, ge=1)
    precision: float = Field(default=0.8, ge=0, le=1)
    verdicts: bool = True

    @model_validator(mode="after")
    def _sum(self) -> "Review":
        if abs(sum(self.shares.values()) - 100) > 1e-9 or any(share < 0 for share in self.shares.values()):
            raise ValueError(f"the shares add up to {sum(self.shares.values()):g}, not to 100")
        return self

    def records(self, ground: str) -> int:
        """Records of a family that are asked for on a ground."""
        shares: Mapping[Any, float] = self.shares
        return round(self.budget * shares.get(ground, 0.0) / 100)


class ReasoningTags(_Strict):
    """What stands around the reasoning in an exported answer."""

    open: str = "<think>\n"
    close: str = "\n</think>\n\n"


class Recipe(_Strict):
    """A parsed recipe. The order of `sources` is their priority: of two equal rows the earlier source's stays.

    `redact`: personal data and secrets that are replaced by placeholders wherever the recipe's rows go; the lake, and
    what is asked of it by id, holds them as they are.
    """

    description: str = ""
    sources: dict[str, SourceUse | None]
    licence: LicencePolicy = LicencePolicy()
    rules: list[Rule] = []
    contamination: Contamination = Contamination()
    duplicates: Duplicates = Duplicates()
    redact: list[Kind] = []
    reasoning: ReasoningTags = ReasoningTags()
    review: Review = Review()
    training: dict[str, Run] = {}

    @property
    def hash(self) -> str:
        """Identity of what the recipe says; its description and comments do not count."""
        said = self.model_dump(mode="json", exclude={"description"})
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

    def limit(self, source: str) -> int | None:
        """Upstream rows of the source that the recipe takes; None for all."""
        use = self.sources[source]
        return use.limit if use else None


@dataclass(frozen=True)
class Unreadable:
    """A recipe that cannot be read: it stays a partition, and its ledger fails with this error."""

    error: TamisError


def names(folder: Path | None = None) -> list[str]:
    """Names of the recipes, in alphabetical order."""
    return sorted(path.stem for path in (folder or RECIPES).glob("*.yaml"))


def read(name: str, lake: LakeSettings, known_sources: Mapping[str, Any], folder: Path | None = None) -> Recipe:
    """The recipe `name`. TamisError with file, line and key for what is wrong in it.

    `extends: OTHER` takes every top-level key that is not given from another recipe. `sources: all` takes every source,
    those of the catalogue in alphabetical order and then those that `lake.yaml` adds.
    """
    folder = folder or RECIPES
    document = Document(folder / f"{name}.yaml")
    base = document.data.pop("extends", None)
    if base is not None:
        if base == name or base not in names(folder):
            raise document.error(("extends",), f"there is no other recipe {base!r}", f"There are {names(folder)}.")
        parent = Document(folder / f"{base}.yaml")
        if "extends" in parent.data:
            raise document.error(("extends",), f"{base!r} itself extends a recipe", "Extend that one.")
        document = document.over(parent, leaving=("description",))
    if document.data.get("sources") == ALL:
        document.data["sources"] = dict.fromkeys(known_sources)
    recipe = document.parse(Recipe)
    for source in recipe.sources:
        if source not in known_sources:
            near = get_close_matches(source, known_sources, 1)
            cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known_sources)}."
            raise document.error(("sources", source), "there is no such source", cure)
    for key, what, cure in faults(recipe.rules, known_sources, lake.scores):
        raise document.error(key, what, cure)
    if recipe.contamination.benchmarks != "all":
        for position, benchmark in enumerate(recipe.contamination.benchmarks):
            if benchmark not in BENCHMARK_NAMES:
                near = get_close_matches(benchmark, BENCHMARK_NAMES, 1, cutoff=0.5)
                cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(BENCHMARK_NAMES)}."
                raise document.error(("contamination", "benchmarks", position), "there is no such benchmark", cure)
    if recipe.duplicates.near is not None and recipe.duplicates.near < lake.pair_floor:
        raise document.error(
            ("duplicates", "near"),
            f"{recipe.duplicates.near} is below the pair floor {lake.pair_floor}",
            "Pairs below the floor are not in the lake: lower `pair_floor` in lake.yaml first.",
        )
    return recipe


def how_taken(source: str, folder: Path | None = None) -> list[str]:
    """What a user adds to which recipe so that it takes a source, a line each; recipes that take all sources say so."""
    said = []
    place = folder or RECIPES
    for name in names(place):
        listed = Document(place / f"{name}.yaml").data.get("sources")
        if listed == ALL:
            said.append(f"{name}: takes it (sources: {ALL})")
        elif isinstance(listed, dict) and source not in listed:
            said.append(
                f"{place / f'{name}.yaml'}: add `{source}:` under sources, at its place in the order of priority"
            )
    return said


def read_all(
    lake: LakeSettings, known_sources: Mapping[str, Any], folder: Path | None = None
) -> dict[str, Recipe | Unreadable]:
    """Every recipe, or why it cannot be read."""
    found: dict[str, Recipe | Unreadable] = {}
    for name in names(folder):
        try:
            found[name] = read(name, lake, known_sources, folder)
        except TamisError as error:
            found[name] = Unreadable(error)
    return found
