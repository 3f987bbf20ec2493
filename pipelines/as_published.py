"""A recipe as it was when a pass was made by it, whatever its file says now."""

from collections.abc import Mapping, Sequence

import polars as pl
from pydantic import ValidationError

from pipelines.errors import TamisError
from pipelines.quality.redaction import KINDS, Kind
from pipelines.recipe import Recipe, Unreadable
from pipelines.states import Pass


def said_in(published: Pass) -> Recipe | None:
    """The recipe that a pass was made by; None where the pass was made before recipes were kept.

    TamisError where another version of Tamis wrote it, and this one has not all of its keys.
    """
    held = published.lake.scan("recipes").filter(pl.col("recipe_hash") == published.recipe_hash)
    said = held.select("said").head(1).collect()["said"]
    if said.is_empty():
        return None
    try:
        return Recipe.model_validate_json(said[0])
    except ValidationError as error:
        first = error.errors()[0]
        raise TamisError(
            f"was made by a recipe that this Tamis cannot read: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            where=f"pass {published.number} of {published.recipe}",
            cure="Materialise the recipe's `ledger` again.",
        ) from error


def edited_since(published: Pass, now: Recipe) -> bool:
    """Whether a recipe says something else now than in the pass.

    Both are compared as this version of Tamis reads them, so that a new key with its default is no edit.
    """
    said = said_in(published)
    return (published.recipe_hash if said is None else said.hash) != now.hash


def redaction_of(published: Pass) -> Sequence[Kind]:
    """What is redacted where rows of a pass are shown: what its recipe says; everything, where that is not known."""
    try:
        said = said_in(published)
    except TamisError:
        return KINDS
    return KINDS if said is None else said.redact


def made_by(published: Pass, now: Mapping[str, Recipe | Unreadable]) -> Recipe:
    """The recipe that a pass was made by. `now`: what the files say, for a pass that does not hold its own.

    TamisError where that one is not known any more.
    """
    said = said_in(published)
    file = now.get(published.recipe)
    if said is None and isinstance(file, Recipe) and file.hash == published.recipe_hash:
        said = file
    if said is None:
        raise TamisError(
            "was made before passes kept their recipes, and its file says something else now",
            where=f"pass {published.number} of {published.recipe}",
            cure="Materialise the recipe's `ledger` again.",
        )
    return said
