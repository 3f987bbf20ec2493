"""Records, and rows that are none, whose text holds a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.parts import text
from pipelines.states import Pass, State, unpublished
from pipelines.story.tell import published
from pipelines.story.words import sentence, shortened
from pipelines.tombstones import tombstones
from schemas.families import FAMILIES, Family

_AROUND: Final = 60
"""Characters of the excerpt on either side."""

_FATE: Final = ("fate", "reason", "value", "threshold", "survivor", "similarity")


@dataclass(frozen=True)
class Hit:
    """A record (`id`) or an upstream row that is none (`SOURCE:FILE:ROW`) whose text holds what was looked for.

    `part`: the part of the record that holds it first. `fates`: recipe -> fate in one sentence, empty where none is
    published yet; of a row: what it is -> why.
    """

    id: str
    part: str
    excerpt: str
    fates: dict[str, str]

    def __str__(self) -> str:
        fates = [f"  {recipe}: {fate}" for recipe, fate in self.fates.items()] or ["  not published yet"]
        return "\n".join([self.id, f"  {self.part}: {self.excerpt}", *fates])


@dataclass(frozen=True)
class Found:
    """What `find` found. `complete`: whether that is all; else there are more than the limit."""

    text: str
    hits: tuple[Hit, ...]
    complete: bool

    def __str__(self) -> str:
        if not self.hits:
            return f"nothing holds {self.text!r}"
        more = "" if self.complete else f"the first {len(self.hits):,}; there are more (--limit)"
        return "\n\n".join([*(str(hit) for hit in self.hits), *([more] if more else [])])

    __repr__ = __str__


def find(
    lake: Lake,
    wanted: str,
    *,
    family: str | None = None,
    source: str | None = None,
    limit: int = 20,
) -> Found:
    """Records of the newest pass's state whose text holds `wanted`, upper and lower case being the same; then rejects.

    A literal text, not a pattern, inside one part of a record (a message's border is a blank line). Where nothing is
    published, what was read is searched. What was forgotten is not found. The scan streams: memory does not grow with
    the lake. Rejects are looked for in the first characters that are kept of them, and only where no family is named.
    TamisError for an empty text, and for a family or source that is not there.
    """
    _check(lake, wanted, family, source)
    read = published(lake)
    state = max((one.state for one in read), key=lambda one: one.number, default=unpublished(lake))
    pattern = f"(?i){pl.escape_regex(wanted)}"
    hits: list[Hit] = []
    for one in FAMILIES.values():
        if family in (None, one.name) and len(hits) <= limit:
            hits += _records(state, one, pattern, source, limit + 1 - len(hits), read)
    if family is None and len(hits) <= limit:
        hits += _rejects(state, pattern, source, limit + 1 - len(hits))
    return Found(wanted, tuple(hits[:limit]), complete=len(hits) <= limit)


def _check(lake: Lake, wanted: str, family: str | None, source: str | None) -> None:
    if not wanted.strip():
        raise TamisError("there is nothing to look for", cure="Name a text of one or more characters.")
    if family is not None and family not in FAMILIES:
        raise TamisError(f"there is no family {family!r}", cure=f"There are {', '.join(FAMILIES)}.")
    if source is not None:
        known = unpublished(lake).scan("files").select(pl.col("source").unique()).collect()["source"]
        if source not in known:
            raise TamisError(f"nothing of a source {source!r} was read", cure=f"There are {', '.join(known.sort())}.")


def _records(
    state: State, family: Family, pattern: str, source: str | None, limit: int, read: Sequence[Pass]
) -> list[Hit]:
    parts = {part: text(family, part).str for part in family.parts}
    rows = state.scan(f"records_{family.name}")
    if source is not None:
        rows = rows.filter(pl.col("source") == source)
    found = (
        rows.join(tombstones(state.lake), on="content_hash", how="anti")
        .filter(pl.any_horizontal(held.contains(pattern) for held in parts.values()))
        .head(limit)
        .select(
            "id",
            part=pl.coalesce(pl.when(held.contains(pattern)).then(pl.lit(part)) for part, held in parts.items()),
            excerpt=pl.coalesce(held.extract(_excerpt(pattern), 0) for held in parts.values()),
        )
        .collect(engine="streaming")
        .sort("id")
    )
    fates = _fates(found["id"], read)
    return [Hit(id_, part, f"... {shortened(excerpt)} ...", fates.get(id_, {})) for id_, part, excerpt in found.rows()]


def _excerpt(pattern: str) -> str:
    return f"(?s).{{0,{_AROUND}}}{pattern}.{{0,{_AROUND}}}"


def _fates(ids: pl.Series, read: Sequence[Pass]) -> dict[str, dict[str, str]]:
    fates: dict[str, dict[str, str]] = {}
    for one in read:
        rows = one.ledger().filter(pl.col("id").is_in(ids.implode())).select("id", *_FATE).collect()
        for row in rows.to_dicts():
            fates.setdefault(row["id"], {})[one.recipe] = sentence(row)
    return fates


def _rejects(state: State, pattern: str, source: str | None, limit: int) -> list[Hit]:
    rows = state.scan("rejects").filter(pl.col("family").is_null() & pl.col("excerpt").str.contains(pattern))
    if source is not None:
        rows = rows.filter(pl.col("source") == source)
    found = rows.head(limit).select(
        place=pl.format("{}:{}:{}", "source", "file", "row"),
        kind=pl.when("selected").then(pl.lit("reject")).otherwise(pl.lit("left out")),
        reason="reason",
        excerpt=pl.col("excerpt").str.extract(_excerpt(pattern), 0),
    )
    return [
        Hit(place, "row", f"... {shortened(excerpt)} ...", {kind: reason})
        for place, kind, reason, excerpt in found.collect(engine="streaming").sort("place").rows()
    ]
