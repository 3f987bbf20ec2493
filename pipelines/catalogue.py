"""What is there to run now: the lake's settings, the recipes, and each recipe by name."""

from pipelines.errors import TamisError
from pipelines.lake_settings import LakeSettings, lake_settings
from pipelines.quality.redaction import KINDS, Kind
from pipelines.recipe import Recipe, Unreadable, read, read_all
from pipelines.sources import catalogued, sources


def settings_now() -> LakeSettings:
    """What `lake.yaml` says. TamisError with file, line and key; also where it adds a source that has a file."""
    settings = lake_settings()
    for name in settings.sources:
        if name in catalogued():
            cure = "Call the one in lake.yaml otherwise."
            raise TamisError("the catalogue has a source of that name", where=f"lake.yaml: sources.{name}", cure=cure)
    return settings


def recipes_now() -> dict[str, Recipe | Unreadable]:
    """Every recipe, or why it cannot be read. Where `lake.yaml` cannot be read, its defaults stand in here, so that
    definitions load; each step that uses the settings reads the file and fails with file, line and key."""
    try:
        settings = lake_settings()
    except TamisError:
        settings = LakeSettings()
    return read_all(settings, sources())


def recipe_now(name: str) -> Recipe:
    """The recipe as its file says now. TamisError with file, line and key."""
    return read(name, settings_now(), sources())


def redaction_now() -> list[Kind]:
    """What any recipe redacts, for what is shown of rows before a recipe has judged them.

    Everything, while a recipe cannot be read.
    """
    recipes = recipes_now().values()
    if any(isinstance(said, Unreadable) for said in recipes):
        return list(KINDS)
    said_kinds = {kind for said in recipes if isinstance(said, Recipe) for kind in said.redact}
    return [kind for kind in KINDS if kind in said_kinds]


def row_limit(source: str) -> int | None:
    """Upstream rows of a source that the recipes need: the largest of their limits. None for all."""
    recipes = [said for said in recipes_now().values() if isinstance(said, Recipe) and source in said.sources]
    limits = [said.limit(source) for said in recipes]
    known = [limit for limit in limits if limit is not None]
    return max(known) if known and len(known) == len(limits) else None
