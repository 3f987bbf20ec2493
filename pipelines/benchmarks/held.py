"""What the lake holds of benchmarks: their items, and which of them records are compared with. Asks no Hub."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import polars as pl

from pipelines.benchmarks.benchmark import Benchmark
from pipelines.benchmarks.catalogue import BENCHMARKS
from pipelines.decontaminate import index as indexing
from pipelines.decontaminate import tokens
from pipelines.decontaminate.rules import invisible
from pipelines.dedup import characters
from pipelines.lake import Lake
from schemas.tables import TABLES

Word = Literal["checked", "kept", "NOT CHECKED"]
"""`kept`: upstream cannot give it now, so that records are compared with what was read last."""

STATUS: Final = pl.DataFrame(pl.from_arrow(TABLES["benchmark_status"].schema.empty_table())).schema


@dataclass(frozen=True)
class Held:
    """`statuses`: one row a benchmark of the catalogue, of the table `benchmark_status`, in its order.

    `unseen`: how many items each rule cannot see, as of `rules.invisible`.
    """

    statuses: pl.DataFrame
    unseen: pl.DataFrame

    @property
    def not_checked(self) -> pl.DataFrame:
        """`benchmark` and `why` of those that nothing is compared with."""
        return self.statuses.filter(pl.col("status") == "NOT CHECKED").select("benchmark", "why")


def held(lake: Lake) -> Held:
    """What the lake holds now; every benchmark is NOT CHECKED where the index was never built."""
    statuses = lake.scan("benchmark_status").sort("position").collect()
    if statuses.is_empty():
        why = "the index was never built"
        rows = [status(benchmark, number, "NOT CHECKED", why) for number, benchmark in enumerate(BENCHMARKS)]
        statuses = pl.DataFrame(rows, schema=STATUS)
    usable = statuses.filter(pl.col("status") != "NOT CHECKED").select("benchmark")
    stored = lake.scan("benchmarks").join(usable.lazy(), on="benchmark", how="semi")
    return Held(statuses, invisible(indexable(stored)))


def indexable(stored: pl.LazyFrame) -> pl.DataFrame:
    """The rows of the table `benchmarks` that a scan can look up, in the schema of `index.ITEMS`, in a fixed order.

    Hashes that other code made are left out: the same words have others now.
    """
    usable = pl.col("text").is_not_null() | (pl.col("hashing") == hashing())
    return (
        stored.filter(usable)
        .sort("benchmark", "position")
        .select(pl.col(name).cast(dtype) for name, dtype in indexing.ITEMS.items())
        .collect()
    )


def status(benchmark: Benchmark, position: int, word: Word, why: str) -> dict[str, object]:
    """A row of the table `benchmark_status` for a benchmark that has no items."""
    return {
        "benchmark": benchmark.name,
        "position": position,
        "status": word,
        "items": 0,
        "repo": benchmark.places[0].repo,
        "revision": None,
        "why": why or None,
        "gated": benchmark.gated,
    }


def hashing() -> str:
    """Identity of the code that the hashes of gated items come from."""
    return identity([tokens.__file__, characters.__file__])


def identity(paths: Iterable[str | None]) -> str:
    """Of the files' content."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(str(path)).read_bytes())
    return digest.hexdigest()[:16]
