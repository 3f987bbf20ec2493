"""What holds between records: conflicts that nobody can decide but people, and how much is tied to one side."""

from typing import Final

import polars as pl

from pipelines.dedup.pairs import OTHER_GOLD, SWAP
from pipelines.states import Pass
from schemas.families import FAMILIES

_KINDS: Final = (OTHER_GOLD, SWAP)


def between(published: Pass) -> list[str]:
    """A line a kind of conflict and family, with both records of one, and one on the largest component of ties."""
    return [line for family in FAMILIES for line in _conflicts(published, family)] + _largest(published)


def _conflicts(published: Pass, family: str) -> list[str]:
    pairs = published.state.scan(f"pairs_{family}").filter(pl.col("kind").is_in(_KINDS)).collect()
    if pairs.is_empty():
        return []
    records = published.ledger().filter(pl.col("family") == family)
    ids = records.group_by("content_hash").agg(pl.col("id").min()).collect()
    named = pairs.join(ids, left_on="left", right_on="content_hash", how="left").join(
        ids, left_on="right", right_on="content_hash", how="left", suffix="_right"
    )
    first = named.with_columns(low=pl.min_horizontal("id", "id_right"), high=pl.max_horizontal("id", "id_right"))
    told = first.group_by("kind").agg(pl.len(), pl.col("low", "high").sort_by("low", "high").first()).sort("kind")
    return [
        f"{kind}: {count:,} {'pair' if count == 1 else 'pairs'} of {family} records, such as {low} and {high}"
        for kind, count, low, high in told.iter_rows()
    ]


def _largest(published: Pass) -> list[str]:
    where = published.state.scan("placements").select("content_hash", "component")
    sizes = published.ledger().join(where, on="content_hash", how="inner").group_by("component").len()
    size = sizes.select(pl.col("len").max()).collect().item()
    return [f"the largest component of ties: {size:,} {'record' if size == 1 else 'records'}"] if size else []
