"""A new recipe: a copy of another one's file, with its comments, to be edited."""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pipelines.errors import TamisError
from pipelines.recipe import RECIPES, names

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DESCRIPTION: Final = re.compile(r"^description:[ \t]+[^|>\s].*$(?!\n[ \t])", re.MULTILINE)


def new_recipe(name: str, base: str, folder: Path = RECIPES) -> Path:
    """Copy the recipe `base` to `name`, comments and all; only the description says another thing. Returns the file.

    TamisError for a name that is taken (nothing is overwritten) or cannot be one, and for a base that is not there.
    """
    if not _NAME.fullmatch(name):
        cure = "Names are lower-case letters, digits, - and _, as in `legal-only`."
        raise TamisError(f"{name!r} cannot be the name of a recipe", cure=cure)
    known = names(folder)
    if base not in known:
        near = get_close_matches(base, known, 1)
        cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
        raise TamisError(f"there is no recipe {base!r}", cure=cure)
    text = (folder / f"{base}.yaml").read_text(encoding="utf-8")
    said = f"description: {name}, which began as a copy of {base}."
    copied, found = _DESCRIPTION.subn(said, text, count=1)
    path = folder / f"{name}.yaml"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(copied if found else f"{said}\n{text}" if "\ndescription:" not in f"\n{text}" else text)
    except FileExistsError as error:
        cure = "Edit that one, or choose another name: nothing is overwritten."
        raise TamisError("there is such a recipe already", where=str(path), cure=cure) from error
    return path
