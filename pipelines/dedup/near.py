"""Near-duplicates of one column of texts, on any frame: candidates are verified, chains are cut, nothing is stored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from pipelines.dedup.candidates import ALONE, buckets
from pipelines.dedup.golds import codes
from pipelines.dedup.greedy import Chosen, Known, Meetings, Rows, choose
from pipelines.dedup.minhash import BANDS, signatures
from pipelines.dedup.shingles import WORDS, gather, shingles
from pipelines.identity import fold
from pipelines.kernels.kernel import Bools, Int32s

AT_ONCE: Final = 1 << 29
"""Bytes of text that are split into words at once: their shingles take some 1.3 times as much."""


@dataclass(frozen=True)
class Clusters:
    """What is a duplicate of what, at a threshold. Rows are numbers, from 0; the first of similar rows survives."""

    threshold: float
    rows: Rows
    meetings: Meetings
    short: int
    """Rows of fewer than 5 words, nulls among them: they are compared by equality, case and space folded."""

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
        return self.removed.height / max(1, len(self.rows.nodes))

    @property
    def not_compared_further(self) -> int:
        """Rows that are kept although their buckets held more survivors than they were compared with."""
        return int(self._chosen.capped.sum())

    def at(self, threshold: float) -> "Clusters":
        """The same rows at another threshold, from the same signatures."""
        return replace(self, threshold=threshold)

    @cached_property
    def _chosen(self) -> Chosen:
        return choose(self.rows, self.threshold, Known.none(), self.meetings)


def near_duplicates(texts: pl.Series, threshold: float = 0.7, agree: pl.Series | None = None) -> Clusters:
    """Find the near-duplicates of a column: rows whose Jaccard similarity to a row before them reaches the threshold.

    `agree`: rows whose values differ there are never duplicates; a null agrees with all. A null text is no duplicate.
    """
    meetings, long = _meetings(texts)
    count = len(texts)
    numbers, none = np.arange(count, dtype=np.int32), np.zeros(count, np.int32)
    golds = none if agree is None else codes(agree)
    equal = _equal(texts, pl.Series(~long))
    nodes = numbers if agree is None else _nodes(equal, golds)
    return Clusters(threshold, Rows(nodes, equal, golds, none), meetings, int((~long).sum()))


def _meetings(texts: pl.Series) -> tuple[Meetings, Bools]:
    """Where the rows meet, and which of them have the words to.

    Where there is more text than is read at once, the sets of rows that share a bucket are made a second time, and no
    others are held.
    """
    keys, words = np.empty((BANDS, len(texts)), np.uint32), np.zeros(len(texts), np.int32)
    sets, start = shingles(texts.clear()), 0
    parts = list(_parts(texts))
    for part in parts:
        sets = shingles(part)
        end = start + len(part)
        keys[:, start:end], words[start:end] = signatures(sets), sets.words
        start = end
    long = words >= WORDS
    places = np.where(long, np.arange(len(texts)), -1)
    if len(parts) > 1:
        meeting = long & (buckets(keys).numbers != ALONE).any(axis=1)
        sets = gather(shingles(part) for part in _parts(texts.filter(pl.Series(meeting))))
        keys = np.ascontiguousarray(keys[:, meeting])
        places = np.where(meeting, np.cumsum(meeting) - 1, -1)
    return Meetings(places.astype(np.int32), sets, keys, np.zeros(len(sets), np.uint64)), long


def _parts(texts: pl.Series) -> Iterator[pl.Series]:
    """The texts in their order, some AT_ONCE bytes at a time."""
    ends = texts.str.len_bytes().fill_null(0).cast(pl.Int64).cum_sum()
    part = (ends // AT_ONCE).rle_id()
    start = 0
    for length in part.rle().struct.field("len"):
        yield texts[start : start + length]
        start += length


def _equal(texts: pl.Series, short: pl.Series) -> Int32s:
    """A number for each short text that is not null, the same for equal ones; 0 for the others."""
    rows = (short & texts.is_not_null()).arg_true()
    numbers = np.zeros(len(texts), np.int32)
    numbers[rows.to_numpy()] = codes(fold(texts.gather(rows)))
    return numbers


def _nodes(equal: Int32s, golds: Int32s) -> Int32s:
    """For each row the first that is equal and has the same gold."""
    rows = pl.DataFrame({"equal": equal, "gold": golds}).with_row_index("row")
    first = pl.when(pl.col("equal") == 0).then("row").otherwise(pl.col("row").first().over("equal", "gold"))
    return rows.select(first.cast(pl.Int32)).to_series().to_numpy(writable=True)
