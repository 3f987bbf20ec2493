"""Near-duplicates of one column of texts, on any frame: candidates are verified, chains are cut, nothing is stored."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.dedup.golds import codes, first_equal
from pipelines.dedup.greedy import Chosen, Known, Terms, choose
from pipelines.dedup.minhash import signatures
from pipelines.dedup.shingles import WORDS, Shingles, shingles
from pipelines.identity import fold


@dataclass(frozen=True)
class Clusters:
    """What is a duplicate of what, at a threshold. Rows are numbers, from 0; the first of equal rows survives.

    `members`: place of each row in `sets`, -1 for a short one: a text of fewer than 5 words is compared by equality
    alone, with case and white space folded. `equal`: the short rows that are equal to another.
    """

    threshold: float
    sets: Shingles
    keys: NDArray[np.uint32]
    members: NDArray[np.int32]
    terms: Terms
    equal: Known

    @cached_property
    def removed(self) -> pl.DataFrame:
        """The rows that go: `row`, `survivor` (a row that is kept), `similarity`; sorted by row."""
        gone = np.flatnonzero(self._chosen.survivor >= 0)
        return pl.DataFrame(
            {"row": gone, "survivor": self._chosen.survivor[gone], "similarity": self._chosen.similarity[gone]},
            schema={"row": pl.Int64, "survivor": pl.Int64, "similarity": pl.Float64},
        )

    @property
    def kept(self) -> pl.Series:
        """Whether each row is kept."""
        return pl.Series("kept", self._chosen.survivor < 0)

    @property
    def share_removed(self) -> float:
        """Of all rows."""
        return self.removed.height / max(1, len(self.members))

    @property
    def short(self) -> int:
        """Rows of fewer than 5 words."""
        return int((self.members < 0).sum())

    @property
    def not_compared_further(self) -> int:
        """Rows that are kept although their buckets held more survivors than they were compared with."""
        return int(self._chosen.capped.sum())

    def at(self, threshold: float) -> "Clusters":
        """The same rows at another threshold, from the same signatures."""
        return replace(self, threshold=threshold)

    @cached_property
    def _chosen(self) -> Chosen:
        salt = np.zeros(len(self.sets), np.uint64)
        return choose(self.sets, self.members, self.keys, salt, self.terms, self.threshold, self.equal)


def near_duplicates(texts: pl.Series, threshold: float = 0.7, agree: pl.Series | None = None) -> Clusters:
    """Find the near-duplicates of a column: rows whose Jaccard similarity to a row before them reaches the threshold.

    `agree`: rows whose values differ there are never duplicates; a null agrees with all. A null text is no duplicate.
    """
    sets = shingles(texts)
    terms = Terms.none(len(texts))
    if agree is not None:
        terms = replace(terms, golds=codes(agree))
    members = np.where(sets.words >= WORDS, np.arange(len(sets), dtype=np.int32), np.int32(-1))
    equal = _equal(texts, pl.Series(members < 0), agree)
    return Clusters(threshold, sets, signatures(sets), members, terms, equal)


def _equal(texts: pl.Series, short: pl.Series, agree: pl.Series | None) -> Known:
    gold = pl.Series([None] * len(texts), dtype=pl.String) if agree is None else agree
    rows = pl.DataFrame({"text": texts, "gold": gold}).with_row_index("row").filter(short & texts.is_not_null())
    folded = rows.with_columns(match_hash=fold(rows["text"]), args=pl.lit(None, dtype=pl.String))
    pairs = folded.select("row", first=first_equal("row")).filter(pl.col("row") != pl.col("first"))
    better, worse = (pairs[name].cast(pl.Int32).to_numpy() for name in ("first", "row"))
    return Known(better, worse, np.ones(len(better)))
