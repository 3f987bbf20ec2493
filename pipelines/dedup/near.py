"""Near-duplicates of one column of texts, on any frame: candidates are verified, chains are cut, nothing is stored."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from pipelines.dedup.blocks import blocks
from pipelines.dedup.buckets import shared
from pipelines.dedup.golds import codes
from pipelines.dedup.greedy import Chosen, Known, Meetings, Rows, choose
from pipelines.dedup.minhash import BANDS, sign
from pipelines.dedup.shingles import WORDS, Shingles, gather, shingles
from pipelines.identity import fold
from pipelines.kernels.kernel import Bools, Int32s, UInt64s

HELD: Final = 1 << 29
"""Bytes of text of which all shingles are held: they take some 1.3 times as much."""
_HELD_AGAIN: Final = 1 << 30
_PART: Final = 1 << 25


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

    The shingles of all texts are held where they are few. Else those of the texts that share a bucket are made a second
    time, and no others are held.
    """
    few = _size(texts) <= HELD
    keys, words = np.empty((BANDS, len(texts)), np.uint32), np.zeros(len(texts), np.int32)
    sets = shingles(texts.clear())
    start, room = 0, sets.hashes
    for part in [texts] if few else blocks(texts, _PART):
        sets = shingles(part, room=room)
        room, end = sets.room, start + len(part)
        words[start:end] = sets.words
        sign(sets, keys, start)
        start = end
    long = words >= WORDS
    places = np.where(long, np.arange(len(texts)), -1)
    if not few:
        meeting = long & shared(keys)
        # The keys of all go first: what they took is room for the shingles.
        keys = keys.take(np.flatnonzero(meeting), axis=1)
        again = texts.filter(pl.Series(meeting))
        sets = shingles(again) if _size(again) <= _HELD_AGAIN else _gathered(again, room)
        places = np.where(meeting, np.cumsum(meeting) - 1, -1)
    return Meetings(places.astype(np.int32), sets, keys, np.zeros(len(sets), np.uint64)), long


def _gathered(texts: pl.Series, room: UInt64s) -> Shingles:
    return gather(shingles(part, room=room) for part in blocks(texts, _PART))


def _size(texts: pl.Series) -> int:
    """Bytes of the texts."""
    return int(texts.str.len_bytes().sum())


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
