"""Vectors for "Find similar": which words a record has, hashed. No embedding: it knows nothing of meaning.

Feature hashing with a sign (Weinberger et al. 2009, arXiv:0902.2206): each word adds one or takes one off at the place
that its hash names; the root of the sums is taken, so that a word that is said often does not outweigh the others.
"""

from typing import Final

import numpy as np
import polars as pl
import polars_hash as plh

_CHARACTERS: Final = 20_000
"""Of a text that are looked at."""


def hashed_words(texts: pl.Series, size: int) -> pl.Series:
    """A vector of length 1 for each text, as a list of `size` floats; of a text without words the first unit vector."""
    rows = pl.DataFrame({"row": pl.int_range(len(texts), eager=True), "text": texts.fill_null("")})
    words = rows.select("row", word=pl.col("text").str.head(_CHARACTERS).str.to_lowercase().str.extract_all(r"[\w']+"))
    said = words.explode("word").drop_nulls("word").group_by("row", "word").len()
    hashed = said.select("row", "len", hash=plh.col("word").nchash.xxh3_64())
    place = (hashed["hash"] % size).to_numpy()
    sign = np.where((hashed["hash"] // size % 2).to_numpy() == 0, 1.0, -1.0)
    summed = np.zeros((len(texts), size))
    np.add.at(summed, (hashed["row"].to_numpy(), place), sign * hashed["len"].to_numpy())
    rooted = np.sign(summed) * np.sqrt(np.abs(summed))
    rooted[~rooted.any(axis=1), 0] = 1.0
    unit = (rooted / np.linalg.norm(rooted, axis=1, keepdims=True)).round(4)
    return pl.Series("vector", unit, dtype=pl.Array(pl.Float64, size)).cast(pl.List(pl.Float64))
