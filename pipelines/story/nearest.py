"""Ids near one that is not there."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

import polars as pl

_NEIGHBOURS: Final = 20
_NAMED: Final = 3


def nearest_ids(ids: pl.LazyFrame, wrong: str, sources: Collection[str], families: Collection[str]) -> list[str]:
    """Up to three ids near a wrong one, the nearest first. `ids`: column `id`.

    Looked at: the id with its source and family put right, ids that end with it, and its neighbours in sorted order,
    which begin like it.
    """
    mended = _mended(wrong, sources, families)
    key = mended.split("/", 2)[-1]
    likely = ids.filter((pl.col("id") == mended) | pl.col("id").str.ends_with(f"/{key}")).head(_NEIGHBOURS)
    before = ids.filter(pl.col("id") < mended).top_k(_NEIGHBOURS, by="id")
    behind = ids.filter(pl.col("id") > mended).bottom_k(_NEIGHBOURS, by="id")
    found = pl.collect_all([likely, before, behind])
    candidates = list(dict.fromkeys(pl.concat(found)["id"]))
    return get_close_matches(mended, candidates, _NAMED)


def _mended(wrong: str, sources: Collection[str], families: Collection[str]) -> str:
    parts = wrong.split("/", 2)
    known = [sources, families]
    for position, names in enumerate(known[: len(parts) - 1]):
        close = get_close_matches(parts[position], names, 1)
        parts[position] = close[0] if close else parts[position]
    return "/".join(parts)
