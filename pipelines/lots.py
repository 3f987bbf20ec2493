"""Rows drawn by lot: an order that looks random, and is the same on every machine and for every subset."""

import polars as pl
import polars_hash as plh


def by_lot(rows: pl.DataFrame, lottery: str) -> pl.DataFrame:
    """The rows in the order that the lottery gives to their `id`s, which are unique.

    Of two ids the same one comes first whatever else is drawn: two corpora that share rows draw these in the same
    order, and differ only by what they do not share. 8 million ids a CPU-second.
    """
    lot = plh.concat_str(pl.lit(f"{lottery}\x1f"), pl.col("id")).nchash.xxh3_64()
    return rows.with_columns(__lot=lot).sort("__lot", "id").drop("__lot")
