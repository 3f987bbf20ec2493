"""Items keep their names: where upstream has none, a number is all that an item goes by, and rows move.

Verdicts and ledgers name items. Without this a question that was cleared would be dropped again once somebody put
another one before it.
"""

import polars as pl


def kept(items: pl.DataFrame, before: pl.DataFrame, revision: str) -> pl.DataFrame:
    """`items`, of which those that are in `before` have the names that they had there; both of the table `benchmarks`.

    No other item gets such a name: one whose number is taken, or stood for something else, has the first 8 digits of
    the revision behind it.
    """
    mine, its = _by_content(items), _by_content(before)
    known = mine.join(its, on="content", suffix="_before").select("item", name="item_before")
    numbered = pl.format("{}@{}", "item", pl.lit(revision[:8]))
    fresh = pl.when(pl.col("item").is_in(before["item"].implode())).then(numbered).otherwise("item")
    named = items.with_columns(fresh=fresh).join(known, on="item", how="left", maintain_order="left")
    return named.with_columns(item=pl.coalesce("name", "fresh")).select(items.columns)


def _by_content(items: pl.DataFrame) -> pl.DataFrame:
    """`item` and `content`, what its texts say; without those that say the same as another, or nothing that is held."""
    lists = [pl.col(name).list.join("\x1f") for name in ("answers", "choices")]
    grams = pl.col("grams").cast(pl.List(pl.String)).list.join(",")
    said = [part.fill_null("\x1d") for part in (pl.col("text"), *lists, grams)]
    held = pl.col("text").is_not_null() | (pl.col("grams").list.len() > 0)
    each = items.select("item", held=held, content=pl.concat_str("field", *said, separator="\x1e"))
    whole = each.group_by("item", maintain_order=True).agg(pl.col("held").any(), pl.col("content").str.join("\x1c"))
    return whole.filter(pl.col("held") & pl.col("content").is_unique()).select("item", "content")
