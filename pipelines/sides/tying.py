"""What must stand on one side: equal and near-equal prompts, near-equal answers, and what upstream groups.

A tie holds contents, and all that it holds must be on one side. A key that more than 1,000 records share is a
template, not a twin, and ties nothing; a component of more than 1,000 records keeps only what upstream says and what
has an equal prompt.
"""

from typing import Final

import numpy as np
import polars as pl
import polars_hash as plh

from pipelines.dedup.golds import arguments_key, gold_key, group_key
from pipelines.dedup.signed import Cache
from pipelines.lake_settings import Ties
from pipelines.parts import first_user_turn
from pipelines.review.lineage import with_origin
from pipelines.sides.graph import components, graph
from pipelines.sides.near import near_prompts, near_responses
from pipelines.states import State
from schemas.families import FAMILIES

MANY: Final = 1_000
"""Records of a key that ties nothing, and of a component that loses its weaker ties."""

STRONG: Final = ("group", "upstream row", "prompt")
"""Ties that hold in a component of any size."""

SCHEMA: Final = {"tie": pl.Int64, "content_hash": pl.Binary, "kind": pl.String}


def ties(state: State, settings: Ties, cache: Cache | None = None) -> pl.DataFrame:
    """All ties of a state: `tie` (a number), `content_hash`, `kind`; sorted.

    Golds that differ, and arguments that do, keep near-equal prompts apart, never equal ones.
    """
    records = _records(state)
    found = [
        _of_key(records, "group", pl.col("group")),
        _of_key(records, "upstream row", pl.format("{}\n{}\n{}", "source", "file", "row")),
        _of_key(records, "prompt", pl.col("prompt_hash")),
        _first_turns(records),
        near_prompts(state, records, settings.prompt, MANY, cache),
        near_responses(state, records, settings.response, settings.response_words, MANY, cache),
    ]
    shifted, first = [pl.DataFrame(schema=SCHEMA)], 0
    for table in found:
        shifted.append(table.select(pl.col("tie").cast(pl.Int64) + first, "content_hash", "kind"))
        first += int(table["tie"].max() or 0) + 1 if table.height else 0  # type: ignore[arg-type]
    return _without_giants(pl.concat(shifted), records)


def crossing(ties: pl.DataFrame, placements: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """The ties that have kept contents on more than one side: `tie`, `kind`. `kept`: column `content_hash`."""
    held = ties.join(kept.unique("content_hash"), on="content_hash", how="semi").join(
        placements.select("content_hash", "side"), on="content_hash", how="inner"
    )
    sides = held.group_by("tie", "kind").agg(sides=pl.col("side").drop_nulls().n_unique())
    return sides.filter(pl.col("sides") > 1).select("tie", "kind").sort("tie")


def _records(state: State) -> pl.DataFrame:
    """What ties are found by, of every record; a correction comes from the upstream row of what it corrects."""
    frames = []
    for family in FAMILIES.values():
        rows = state.scan(f"records_{family.name}").select(
            "id",
            "content_hash",
            "source",
            "prompt_hash",
            file=pl.col("origin").struct.field("file"),
            row=pl.col("origin").struct.field("row"),
            group=group_key(),
            gold=gold_key(family),
            args=arguments_key(family),
            turn=first_user_turn(family),
        )
        of = with_origin(state, family, rows).drop("id", "source", "file", "row")
        placed = of.rename({"of_source": "source", "of_file": "file", "of_row": "row"})
        frames.append(placed.with_columns(plh.col("turn").chash.blake3(), family=pl.lit(family.name)))
    return pl.concat(frames).collect()


def _of_key(records: pl.DataFrame, kind: str, key: pl.Expr) -> pl.DataFrame:
    """Contents that share a key, at most MANY records of it."""
    held = (
        records.select("content_hash", key=key)
        .filter(pl.col("key").is_not_null())
        .group_by("key", "content_hash")
        .len()
        .filter((pl.len().over("key") > 1) & (pl.col("len").sum().over("key") <= MANY))
    )
    return held.select("content_hash", tie=pl.col("key").rank("dense"), kind=pl.lit(kind))


def _first_turns(records: pl.DataFrame) -> pl.DataFrame:
    """Dialogues that begin alike and go on differently; those that do not have equal prompts."""
    several = records.filter(pl.col("prompt_hash").n_unique().over("turn") > 1)
    return _of_key(several, "first turn", pl.col("turn"))


def _without_giants(found: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Weaker ties of components of more than MANY records are left out; the ties are numbered anew."""
    counts = records.group_by("content_hash").agg(records=pl.len()).sort("content_hash")
    connected = components(graph(counts["content_hash"], found), np.ones(counts.height, np.bool_))
    giant = counts.with_columns(component=pl.Series(connected)).filter(pl.col("records").sum().over("component") > MANY)
    strong = pl.col("kind").is_in(STRONG)
    weak = found.filter(~strong).join(giant.select("content_hash"), on="content_hash", how="anti")
    left = pl.concat([found.filter(strong), weak])
    first = pl.col("content_hash").min().over("tie")
    order = pl.struct(first, pl.col("tie")).rank("dense").cast(pl.Int64) - 1
    return left.select(tie=order, content_hash="content_hash", kind="kind").sort("tie", "content_hash")
