"""Tombstones: content that was forgotten, which no pull stores again and no pass keeps."""

import polars as pl

from pipelines.lake import Lake


def tombstones(lake: Lake) -> pl.LazyFrame:
    """The content that has a tombstone, each once: `content_hash`."""
    return lake.scan("tombstones").select("content_hash").unique()
