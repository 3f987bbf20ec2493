"""One file a data set. The registry finds each module's `SOURCE`; its file's name is the source's name.

Beside them stand the sources that `lake.yaml` adds.
"""

import functools
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pipelines.errors import TamisError
from pipelines.lake_settings import lake_settings
from pipelines.sources.added import from_settings
from pipelines.sources.source import Source


@functools.cache
def sources() -> Mapping[str, Source]:
    """Every source by name: the catalogue's in alphabetical order, then those that `lake.yaml` adds.

    Where that file cannot be read, the catalogue's alone, so that definitions load; what uses the lake's settings then
    fails with file, line and key.
    """
    try:
        added = from_settings(lake_settings())
    except TamisError:
        added = {}
    return {**catalogued(), **{name: source for name, source in added.items() if name not in catalogued()}}


@functools.cache
def catalogued() -> Mapping[str, Source]:
    """The sources that have a file here, in alphabetical order."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        declared = getattr(importlib.import_module(f"{__name__}.{module.name}"), "SOURCE", None)
        if isinstance(declared, Source):
            found[module.name] = declared
    return found


def named(names: Sequence[str] | None) -> list[str]:
    """The sources of these names, each once; all of them where None is given. TamisError for one that is not there."""
    known = list(sources())
    for name in names or ():
        if name not in known:
            near = get_close_matches(name, known, 1)
            cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
            raise TamisError("there is no such source", where=f"SOURCES={name}", cure=cure)
    return list(dict.fromkeys(names)) if names else known
