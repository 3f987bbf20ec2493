"""Texts some at a time: what is read of them fits a cache, and its memory is used again for the next."""

from collections.abc import Iterator

import polars as pl


def blocks(texts: pl.Series, size: int) -> Iterator[pl.Series]:
    """The texts in their order, about `size` bytes at a time, and a longer text whole."""
    ends = texts.str.len_bytes().fill_null(0).cast(pl.Int64).cum_sum()
    start = 0
    for length in (ends // size).rle().struct.field("len"):
        yield texts[start : start + length]
        start += length
