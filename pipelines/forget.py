"""Forgetting a record: a tombstone by its content, that every later pull and pass honours."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.states import State, unpublished
from pipelines.story.tell import published
from pipelines.tombstones import is_forgotten
from pipelines.transactions import committing
from schemas.families import FAMILIES

_HASH: Final = re.compile(r"[0-9a-f]{8,32}")
_NAMED: Final = 20
"""Ids of each kind that are shown."""

NOT_ERASED: Final = (
    "Not erased yet: old versions of the lake's tables, snapshots of upstream's files, exports of earlier passes, "
    "models trained on it, and Argilla. Nothing of Tamis shows its text from now on."
)


@dataclass(frozen=True)
class Forgetting:
    """What forgetting a content does; `str()` of it is what `tamis forget` prints.

    `ids`: records that hold it. `siblings`: records of other content that the same upstream rows gave; `near`: how many
    contents are near-equal to it; both stay. `already`: it had a tombstone. `written`: whether it has one now.
    """

    content: bytes
    ids: tuple[str, ...]
    siblings: tuple[str, ...]
    near: int
    already: bool
    written: bool

    def __str__(self) -> str:
        verb = "was forgotten before" if self.already else "is forgotten" if self.written else "would be forgotten"
        lines = [f"content {self.content.hex()} {verb}; {len(self.ids):,} records hold it"]
        lines += [f"  {id_}" for id_ in self.ids[:_NAMED]]
        if self.siblings:
            lines.append(
                "The same upstream rows gave these too, of other content; they stay unless they are forgotten:"
            )
            lines += [f"  {id_}" for id_ in self.siblings[:_NAMED]]
        if self.near:
            lines.append(f"{self.near:,} contents are near-equal to it, and stay: `tamis why` names them.")
        if not self.written:
            lines.append("Nothing was changed. With --yes no later pull stores it, and the next pass leaves it out.")
        else:
            lines.append("No later pull stores it, and the next pass leaves it out: `make run`.")
        return "\n".join([*lines, NOT_ERASED])

    __repr__ = __str__


def forget(lake: Lake, what: str, *, write: bool) -> Forgetting:
    """Forget the content of a record (its id), or a content by its hash (32 hex digits, or the first 8 or more).

    Without `write` nothing is changed. Content that no record holds can be forgotten by its whole hash, so that it
    never comes. TamisError where nothing is named so, or more than one content is.
    """
    states = [unpublished(lake), *(one.state for one in published(lake))]
    content = _content(states, what)
    held = _held(states, content)
    already = is_forgotten(lake, content)
    if write and not already:
        with committing(lake):
            row = {"content_hash": content, "named": what, "at": datetime.now(UTC)}
            lake.append("tombstones", pl.DataFrame([row]))
    return Forgetting(
        content=content,
        ids=tuple(held["id"]),
        siblings=tuple(_siblings(states, held, content)),
        near=_near(states, content),
        already=already,
        written=write or already,
    )


def _content(states: list[State], what: str) -> bytes:
    """The one content that is named; a record is looked for as it was read last, and as each recipe published it."""
    digits = what.lower().removeprefix("0x")
    if "/" in what:
        chosen = pl.col("id") == what
    elif _HASH.fullmatch(digits):
        chosen = pl.col("content_hash").bin.encode("hex").str.starts_with(digits)
    else:
        cure = "Name an id, or a content hash: 32 hex digits, or the first 8 or more of them."
        raise TamisError("is neither an id nor a hash", where=what, cure=cure)
    rows = pl.concat([state.records("id", "content_hash").filter(chosen) for state in states])
    found = sorted(rows.select(pl.col("content_hash").unique()).collect()["content_hash"])
    if len(found) > 1:
        named = ", ".join(content.hex() for content in found[:_NAMED])
        raise TamisError("names more than one content", where=what, cure=f"Name one of them: {named}.")
    if found:
        return bytes(found[0])
    if len(digits) == 32 and "/" not in what:
        return bytes.fromhex(digits)
    raise TamisError("there is no such record", where=what, cure="`tamis find TEXT` finds records by their text.")


def _held(states: list[State], content: bytes) -> pl.DataFrame:
    """The records that hold a content: `id`, `source`, `origin`."""
    rows = [
        state.records("id", "source", "origin", "content_hash").filter(pl.col("content_hash") == content)
        for state in states
    ]
    return pl.concat(rows).select("id", "source", "origin").unique("id").sort("id").collect()


def _siblings(states: list[State], held: pl.DataFrame, content: bytes) -> pl.Series:
    at = ["source", "file", "row"]
    place = pl.col("origin").struct
    mine = held.select("source", file=place.field("file"), row=place.field("row")).lazy()
    rows = pl.concat(
        [
            state.records("id", "source", "origin", "content_hash")
            .filter(pl.col("content_hash") != content)
            .select("id", "source", file=place.field("file"), row=place.field("row"))
            for state in states
        ]
    )
    return rows.join(mine, on=at, how="semi").select(pl.col("id").unique().sort()).collect()["id"]


def _near(states: list[State], content: bytes) -> int:
    ends = [
        state.scan(f"pairs_{family}").filter((pl.col("left") == content) | (pl.col("right") == content))
        for state in states
        for family in FAMILIES
    ]
    return int(pl.concat(ends).select("left", "right").unique().select(pl.len()).collect().item())
