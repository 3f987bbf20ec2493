"""Records to look at: some that were kept, and some of each reason for which others were dropped.

The choice is by content hash, which is as good as random and the same on every machine.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.as_published import redaction_of
from pipelines.lake import Lake
from pipelines.parts import is_messages
from pipelines.quality.redaction import Kind, redacted_columns
from pipelines.report.summary import label
from pipelines.states import Pass, State
from pipelines.tombstones import tombstones
from schemas.families import FAMILIES

SHOWN: Final = 4_000
"""Characters of a message that are shown; what is longer says how much was left out."""

SECRET: Final = "(repeats an item of a benchmark that may not be shown)"

_GROUPS: Final = 40
"""Reasons of which examples are shown, the commonest first."""


@dataclass(frozen=True)
class Message:
    """One message of a record, or its reasoning. `left_out`: characters that are not shown."""

    part: str
    role: str
    text: str
    left_out: int


@dataclass(frozen=True)
class Sample:
    """A record with its fate. `survivor`: the messages of the kept record that stands for a duplicate."""

    id: str
    source: str
    family: str
    side: str | None
    fate: str
    reason: str | None
    value: float | None
    threshold: float | None
    similarity: float | None
    survivor_id: str | None
    marks: tuple[str, ...]
    messages: tuple[Message, ...]
    answer: str | None = None
    survivor: tuple[Message, ...] = ()

    @property
    def label(self) -> str:
        return label(self.fate, self.reason)


@dataclass(frozen=True)
class Dropped:
    """Examples of one fate and reason. `records`: how many there are."""

    fate: str
    reason: str | None
    records: int
    samples: tuple[Sample, ...]

    @property
    def label(self) -> str:
        return label(self.fate, self.reason)


def kept(published: Pass, of_each: int = 1) -> list[Sample]:
    """`of_each` kept records of every source and family."""
    rows = published.ledger().filter(pl.col("fate") == "kept")
    return _samples(published, _first(rows, ["source", "family"], of_each))


def dropped(published: Pass, of_each: int = 2) -> list[Dropped]:
    """`of_each` dropped records of every fate and reason, from different sources where there are such.

    The commonest reasons come first.
    """
    rows = published.ledger().filter(pl.col("fate") != "kept")
    counts = rows.group_by("fate", "reason").agg(records=pl.len()).collect()
    counts = counts.sort("records", "fate", "reason", descending=[True, False, False]).head(_GROUPS)
    wanted = rows.join(counts.lazy().select("fate", "reason"), on=["fate", "reason"], how="semi", nulls_equal=True)
    of_sources = _first(wanted, ["fate", "reason", "source"], of_each)
    turn = pl.int_range(pl.len()).over("fate", "reason", "source")
    in_turns = of_sources.sort("content_hash", "id").with_columns(turn=turn).sort("turn", maintain_order=True)
    chosen = in_turns.group_by("fate", "reason", maintain_order=True).head(of_each)
    found = _samples(published, chosen)
    return [
        Dropped(fate, reason, records, tuple(s for s in found if (s.fate, s.reason) == (fate, reason)))
        for fate, reason, records in counts.iter_rows()
    ]


def _first(rows: pl.LazyFrame, by: list[str], count: int) -> pl.DataFrame:
    """The first rows of each group in the order of their content hashes; equal contents by id."""
    return rows.sort("content_hash", "id").group_by(by, maintain_order=True).head(count).collect()


def messages_of(
    held: Lake | State, ids: Iterable[str], kinds: Sequence[Kind]
) -> dict[str, tuple[tuple[Message, ...], str | None]]:
    """The text of a few records by id: their messages in reading order, and the gold answer.

    As a state or the lake has them, with what `kinds` name redacted; those that were forgotten are left out. Of those
    that repeat an item of a gated benchmark, whose owners ask that it be not published, SECRET stands for each text.
    """
    lake = held if isinstance(held, Lake) else held.lake
    wanted = pl.Series("id", sorted(set(ids)), dtype=pl.String)
    # A hit without its span is one of an item that may not be shown.
    hits = held.scan("contamination").filter(pl.col("text").is_null())
    secret = hits.select("content_hash", secret=pl.lit(value=True)).unique()
    found: dict[str, tuple[tuple[Message, ...], str | None]] = {}
    for family in FAMILIES.values():
        mine = wanted.filter(wanted.str.split("/").list.get(1, null_on_oob=True) == family.name)
        if mine.is_empty():
            continue
        answer = pl.col("answer") if "answer" in family.schema.names else pl.lit(None, dtype=pl.String)
        rows = (
            held.scan(f"records_{family.name}")
            .filter(pl.col("source").is_in(mine.str.split("/").list.first().unique().implode()))
            .filter(pl.col("id").is_in(mine.implode()))
            .join(tombstones(lake), on="content_hash", how="anti")
            .with_columns(redacted_columns(family, kinds))
            .join(secret, on="content_hash", how="left", maintain_order="left")
            .select(
                "id",
                "secret",
                answer.alias("answer"),
                *[_shown(part, is_messages(family, part)) for part in family.parts],
            )
            .collect()
        )
        for row in rows.to_dicts():
            said = [
                Message(part, message["role"], SECRET, 0)
                if row["secret"]
                else Message(part, message["role"], message["text"], message["left_out"])
                for part in family.parts
                for message in row[part] or []
            ]
            found[row["id"]] = (tuple(said), None if row["secret"] else row["answer"])
    return found


def _shown(part: str, messages: bool) -> pl.Expr:
    """A part as messages of `role`, `text` and `left_out`; reasoning is one message of that role."""

    def said(role: pl.Expr, text: pl.Expr) -> pl.Expr:
        left_out = (text.str.len_chars().cast(pl.Int64) - SHOWN).clip(0)
        return pl.struct(role=role, text=text.str.head(SHOWN), left_out=left_out)

    if messages:
        element = pl.element().struct
        return pl.col(part).list.eval(said(element.field("role"), element.field("content")))
    alone = pl.concat_list(said(pl.lit(part), pl.col(part)))
    return pl.when(pl.col(part).is_not_null()).then(alone).alias(part)


def _samples(published: Pass, rows: pl.DataFrame) -> list[Sample]:
    texts = messages_of(published.state, [*rows["id"], *rows["survivor"].drop_nulls()], redaction_of(published))
    nothing: tuple[tuple[Message, ...], str | None] = ((), None)
    return [
        Sample(
            id=row["id"],
            source=row["source"],
            family=row["family"],
            side=row["side"],
            fate=row["fate"],
            reason=row["reason"],
            value=row["value"],
            threshold=row["threshold"],
            similarity=row["similarity"],
            survivor_id=row["survivor"],
            marks=tuple(row["marks"] or ()),
            messages=texts.get(row["id"], nothing)[0],
            answer=texts.get(row["id"], nothing)[1],
            survivor=texts.get(row["survivor"], nothing)[0] if row["survivor"] else (),
        )
        for row in rows.to_dicts()
    ]
