"""Tombstones: content that was forgotten, which no pull stores again, no pass keeps, and nothing shows."""

from dataclasses import replace
from typing import Final

import polars as pl

from pipelines.lake import Lake
from pipelines.normalise import Normalised
from pipelines.states import Pass

FORGOTTEN: Final = "forgotten"
"""The reason of a row that is not selected since its content was forgotten."""


def tombstones(lake: Lake) -> pl.LazyFrame:
    """The content that has a tombstone, each once: `content_hash`."""
    return lake.scan("tombstones").select("content_hash").unique()


def is_forgotten(lake: Lake, content: bytes) -> bool:
    """Whether the content has a tombstone."""
    return not tombstones(lake).filter(pl.col("content_hash") == content).collect().is_empty()


def forgotten_since(published: Pass) -> bool:
    """Whether anything was forgotten since a pass was made."""
    return published.lake.version("tombstones") != published.versions.get("tombstones")


def without_forgotten(done: Normalised, forgotten: pl.DataFrame) -> Normalised:
    """A batch without the records whose content is among `forgotten` (`content_hash`).

    A row that yields nothing else is `not selected`; one that does has a note of the family it lost, which does not
    enter the accounts. No excerpt of either is kept, nor of rows that are a part of what was forgotten.
    """
    if forgotten.is_empty():
        return done
    gone, left = {}, {}
    for family, table in done.records.items():
        left[family] = table.join(forgotten, on="content_hash", how="anti", maintain_order="left")
        gone[family] = table.join(forgotten, on="content_hash", how="semi", maintain_order="left")
    lost = pl.concat([_NO_ROWS, *(_rows(table, family) for family, table in gone.items())])
    if lost.is_empty():
        return done
    yielding = pl.concat([_NO_ROWS, *(_rows(table, family) for family, table in left.items())])["row"].unique()
    whole = pl.when(pl.col("row").is_in(yielding.implode())).then("family")
    notes = lost.select(
        "row", family=whole, selected=pl.lit(value=False), reason=pl.lit(FORGOTTEN), excerpt=pl.lit("")
    ).unique(maintain_order=True)
    parts = [f"part of {key}" for key in lost["key"].unique()]
    touched = pl.col("row").is_in(lost["row"].implode()) | pl.col("reason").is_in(parts)
    rejects = done.rejects.with_columns(excerpt=pl.when(touched).then(pl.lit("")).otherwise("excerpt"))
    return replace(
        done,
        yielding=len(yielding),
        records=left,
        rejects=pl.concat([rejects, notes.select(rejects.columns)]),
    )


_NO_ROWS: Final = pl.DataFrame(schema={"row": pl.Int64, "family": pl.String, "key": pl.String})


def _rows(table: pl.DataFrame, family: str) -> pl.DataFrame:
    """The upstream rows of records, and the key that their ids end in."""
    key = pl.col("id").str.splitn("/", 3).struct.field("field_2").str.replace(r"#\d+$", "")
    return table.select(row=pl.col("origin").struct.field("row"), family=pl.lit(family), key=key)
