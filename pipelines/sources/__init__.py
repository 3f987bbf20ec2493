"""One file a data set. The registry finds each module's `SOURCE`; its file's name is the source's name."""

import functools
import importlib
import pkgutil
from collections.abc import Mapping

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
