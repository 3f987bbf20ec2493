"""The story of an upstream row, named by source, file and row: the records that it gave, or why it gave none."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.states import Pass, State, unpublished
from pipelines.story.tell import published
from pipelines.story.words import sentence, shortened

_PLACE: Final = re.compile(r"(?P<source>[^/:]+):(?P<file>.+):(?P<row>\d+)")


@dataclass(frozen=True)
class RowStory:
    """An upstream row. `source`, `file` and `row` (from 0) name it; `when` says where the lake has it.

    `outcome`: "yielding", "rejected" or "not selected". `reasons`: why it gave no record, or none of some family.
    `records`: id -> recipe -> fate in one sentence; empty where the row gave none.
    """

    source: str
    file: str
    row: int
    when: str
    outcome: str
    reasons: tuple[str, ...]
    excerpt: str
    records: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        said = {
            "yielding": f"gave {len(self.records)} record{'s' if len(self.records) > 1 else ''}",
            "rejected": "a reject: it is no record",
            "not selected": "left out on purpose",
        }
        lines = [f"{self.source}:{self.file}:{self.row}", f"  {said[self.outcome]} ({self.when})"]
        lines += [f"  why: {reason}" for reason in self.reasons]
        if self.excerpt:
            lines.append(f"  row: {self.excerpt}")
        for id_, fates in self.records.items():
            lines += ["", id_]
            lines += [f"  {recipe}: {fate}" for recipe, fate in fates.items()] or ["  not published yet"]
        return "\n".join(lines)

    __repr__ = __str__


def place(text: str) -> tuple[str, str, int] | None:
    """Source, file and row of `SOURCE:FILE:ROW`; None for anything else, ids among it."""
    found = _PLACE.fullmatch(text)
    return (found["source"], found["file"], int(found["row"])) if found else None


def tell_row(
    lake: Lake, source: str, file: str, row: int, known_sources: Collection[str], *, number: int | None = None
) -> RowStory:
    """The story of an upstream row, as the newest pass (or pass `number`) has it; else as it was read since.

    TamisError for a source, a file or a row that was not read, with what is near.
    """
    read = published(lake, number)
    states = sorted((one.state for one in read), key=lambda state: state.number, reverse=True)
    for state in [*states, unpublished(lake)]:
        found = _in_state(state, source, file, row, [one for one in read if one.state.number == state.number])
        if found is not None:
            return found
    raise _unread(unpublished(lake), source, file, row, known_sources)


def _in_state(state: State, source: str, file: str, row: int, read: list[Pass]) -> RowStory | None:
    mine = pl.col("source") == source
    left_out = state.scan("rejects").filter(mine & (pl.col("file") == file) & (pl.col("row") == row)).collect()
    here = (pl.col("origin").struct.field("file") == file) & (pl.col("origin").struct.field("row") == row)
    records = state.records("id", "source", "origin").filter(mine & here).sort("id").collect()
    if left_out.is_empty() and records.is_empty():
        return None
    whole = left_out.filter(pl.col("family").is_null())
    outcome = "yielding" if whole.is_empty() else "rejected" if whole["selected"][0] else "not selected"
    return RowStory(
        source=source,
        file=file,
        row=row,
        when=f"lake state {state.number}" if state.number else "read since the last pass: not published yet",
        outcome=outcome,
        reasons=tuple(
            reason if family is None else f"not as {family}: {reason}"
            for family, reason in left_out.select("family", "reason").rows()
        ),
        excerpt=shortened(left_out["excerpt"][0]) if left_out.height else "",
        records={id_: _fates(read, id_) for id_ in records["id"]},
    )


def _fates(read: list[Pass], id_: str) -> dict[str, str]:
    rows = {one.recipe: one.ledger().filter(pl.col("id") == id_).collect() for one in read}
    return {recipe: sentence(found.row(0, named=True)) for recipe, found in rows.items() if found.height}


def _unread(now: State, source: str, file: str, row: int, known_sources: Collection[str]) -> TamisError:
    where = f"{source}:{file}:{row}"
    files = now.scan("files").filter(pl.col("source") == source).select("file", "rows", "position").sort("position")
    rows = dict(files.select("file", "rows").collect().rows())
    if source not in known_sources and not rows:
        near = get_close_matches(source, known_sources, 1)
        cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known_sources)}."
        return TamisError(f"there is no source {source!r}", where=where, cure=cure)
    if not rows:
        return TamisError("nothing of this source has been read", where=where, cure="Refresh it with `make run` first.")
    if file not in rows:
        near = get_close_matches(file, rows, 3, cutoff=0) or list(rows)[:3]
        return TamisError(f"no file {file!r} was read of {source}", where=where, cure=f"Near it: {', '.join(near)}.")
    read = f"{rows[file]:,} rows of this file were read, counted from 0"
    return TamisError(f"there is no row {row:,}", where=where, cure=f"{read}; a row limit may have ended it there.")
