"""What a benchmark declares: where its items are, which of their texts are compared, and what answers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipelines.wanted import Wanted

NONE_KNOWN: Final = pl.lit(None, dtype=pl.List(pl.String))


@dataclass(frozen=True)
class Place:
    """One layout of a repository that holds a benchmark.

    `files`: the globs of each split that is evaluated on. `columns`: upstream's columns that the expressions read.
    `texts`: what is compared, by the name of the field; null where an item has none. `answers`: a list of accepted
    answers; `choices`: those given with the question. `item`: upstream's own name of an item; where it has none, the
    split, the file's number and the row in it.
    """

    repo: str
    files: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, pl.DataType | type[pl.DataType]]
    texts: Mapping[str, pl.Expr]
    answers: pl.Expr = NONE_KNOWN
    choices: pl.Expr = NONE_KNOWN
    item: pl.Expr | None = None
    revision: str | None = None

    @property
    def wanted(self) -> Wanted:
        """What the Hub is asked for."""
        return Wanted(config=None, splits=tuple(self.files), data_files=self.files)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark that no record may repeat. Of its `places` the first that the Hub has is read.

    `gated`: its owners ask that its text be not published, so that the lake holds hashes of it only.
    """

    name: str
    places: tuple[Place, ...]
    gated: bool = False
    about: str = field(default="", compare=False)


def at(split: str, *folders: str) -> tuple[str, ...]:
    """Where a split's files lie: as `datasets` writes them in the folders, or loose in the repository."""
    named = [f"{folder}/{split}{end}" for folder in (*folders, "data") for end in ("-*.parquet", ".parquet", ".jsonl")]
    return (*named, f"{split}-*.parquet", f"{split}.parquet", f"{split}.jsonl", f"{split}.json")
