"""The hits that an annotator is shown, as strings, and what a verdict `keep` clears of them.

`rule:NAME`, `contamination:BENCHMARK:ITEM` and `near-duplicate:OTHER` (the other's content hash, in hex). No name of a
benchmark has a colon in it; items and rules may.
"""

from typing import Final

import polars as pl

_RULE: Final = "rule:"
_ITEM: Final = "contamination:"
_NEAR: Final = "near-duplicate:"


def rule(name: pl.Expr) -> pl.Expr:
    """A rule's hit as it is shown."""
    return pl.format(_RULE + "{}", name)


def item(benchmark: pl.Expr, name: pl.Expr) -> pl.Expr:
    """The repetition of a benchmark's item as it is shown."""
    return pl.format(_ITEM + "{}:{}", benchmark, name)


def near(other: pl.Expr) -> pl.Expr:
    """The nearness to another record as it is shown. `other`: its content hash (Binary)."""
    return pl.format(_NEAR + "{}", other.bin.encode("hex"))


def rules(hits: pl.DataFrame) -> pl.DataFrame:
    """The rules among hits. `hits`: `content_hash` and `hit`, a string each; gives `content_hash`, `rule`."""
    return _of(hits, _RULE).select("content_hash", rule="said")


def items(hits: pl.DataFrame) -> pl.DataFrame:
    """The benchmarks' items among hits: `content_hash`, `benchmark`, `item`."""
    parted = pl.col("said").str.splitn(":", 2).struct
    return _of(hits, _ITEM).select("content_hash", benchmark=parted.field("field_0"), item=parted.field("field_1"))


def others(hits: pl.DataFrame) -> pl.DataFrame:
    """The near-duplicates among hits: `content_hash`, `other` (a content hash, Binary)."""
    return _of(hits, _NEAR).select("content_hash", other=pl.col("said").str.decode("hex"))


def _of(hits: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The hits of a kind without its name: `content_hash`, `said`, each once."""
    mine = hits.filter(pl.col("hit").str.starts_with(kind))
    return mine.select("content_hash", said=pl.col("hit").str.strip_prefix(kind)).unique(maintain_order=True)
