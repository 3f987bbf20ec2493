"""One file a data set. The registry finds each module's `SOURCE`; its file's name is the source's name."""

import functools
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pipelines.errors import TamisError
from pipelines.sources.source import Source


@functools.cache
def sources() -> Mapping[str, Source]:
    """Every source by name, in alphabetical order."""
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
