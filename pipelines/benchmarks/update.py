"""The index of benchmarks in the lake: built from a Hub, brought up to date, and kept when upstream vanishes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.benchmarks import items as reading
from pipelines.benchmarks import names
from pipelines.benchmarks.benchmark import Benchmark, Place
from pipelines.benchmarks.catalogue import BENCHMARKS
from pipelines.benchmarks.held import STATUS, Held, Word, hashing, held, identity, status
from pipelines.decontaminate.index import hashes
from pipelines.errors import TamisError
from pipelines.hub import Absent, Hub
from pipelines.lake import Lake
from pipelines.wanted import Snapshot
from schemas.tables import TABLES

_TYPES: Final = pl.DataFrame(pl.from_arrow(TABLES["benchmarks"].schema.empty_table())).schema


UNASKED: Final = 200_000_000
"""Bytes of a benchmark that a run fetches without being asked; `tamis benchmarks` fetches all."""


def update(
    lake: Lake,
    hub: Hub,
    benchmarks: Sequence[Benchmark] = BENCHMARKS,
    tell: Callable[[str], None] = lambda _: None,
    *,
    at_most: int | None = None,
) -> Held:
    """Bring the lake's items of each benchmark up to the Hub's, and note which of them records are compared with.

    What the Hub no longer has, or cannot give now, stays as it was read last. No benchmark stops another: why one
    could not be read stands in its status. `tell` hears of each benchmark when it is its turn. One of which more than
    `at_most` bytes would have to be fetched is left as it is.
    """
    known = lake.scan("benchmarks").select("benchmark", "revision", "code", "hashing").unique().collect()
    statuses = []
    for position, benchmark in enumerate(benchmarks):
        tell(benchmark.name)
        mine = known.filter(pl.col("benchmark") == benchmark.name)
        statuses.append(_update(lake, hub, benchmark, position, mine, at_most))
    table = pl.DataFrame(statuses, schema=STATUS)
    if not lake.scan("benchmark_status").collect().equals(table):
        lake.replace("benchmark_status", table)
    return held(lake)


def code() -> str:
    """Identity of the code that items are read and hashed with."""
    return identity(map(str, [*sorted(Path(__file__).parent.glob("*.py"))])) + hashing()


def _update(
    lake: Lake, hub: Hub, benchmark: Benchmark, position: int, known: pl.DataFrame, at_most: int | None
) -> dict[str, object]:
    refused: list[str] = []
    for place in benchmark.places:
        try:
            _, size = hub.look(place.repo, [place.wanted], revision=place.revision)
            if at_most is not None and size > at_most:
                refused.append(f"{place.repo} is {size / 1e9:.1f} GB to fetch, which `tamis benchmarks` does")
                continue
            snapshot = hub.snapshot(place.repo, [place.wanted], revision=place.revision)
            if snapshot.files:
                if not _is_known(known, snapshot):
                    before = lake.scan("benchmarks").filter(pl.col("benchmark") == benchmark.name).collect()
                    stored = _stored(benchmark, place, snapshot)
                    if place.item is None:
                        stored = names.kept(stored, before, snapshot.revision)
                    lake.replace("benchmarks", stored, partition=benchmark.name)
                return _counted(lake, benchmark, position, "checked", "")
            refused.append(f"{place.repo} has no files of {', '.join(place.files)}")
        except Absent:
            refused.append(f"this Hub does not have {place.repo}")
        except TamisError as error:
            refused.append(str(error))
    why = "; ".join(refused)
    if known.is_empty():
        return status(benchmark, position, "NOT CHECKED", why)
    if benchmark.gated and known["hashing"][0] != hashing():
        return status(benchmark, position, "NOT CHECKED", f"its hashes are of another version of Tamis; {why}")
    return _counted(lake, benchmark, position, "kept", why)


def _is_known(known: pl.DataFrame, snapshot: Snapshot) -> bool:
    same = (pl.col("revision") == snapshot.revision) & (pl.col("code") == code())
    return known.height == 1 and known.filter(same).height == 1


def _stored(benchmark: Benchmark, place: Place, snapshot: Snapshot) -> pl.DataFrame:
    """The items as the lake keeps them: of a gated benchmark hashes only."""
    rows = reading.items(place, snapshot)
    hashed = hashes(rows["text"])
    told = rows.with_columns(hashed["words"], grams=pl.lit(None, dtype=pl.List(pl.Int64)))
    if benchmark.gated:
        nothing = [pl.lit(None, dtype=reading.READ[name]).alias(name) for name in ("text", "answers", "choices")]
        told = told.with_columns(hashed["grams"], *nothing)
    return told.with_columns(
        benchmark=pl.lit(benchmark.name),
        position=pl.int_range(pl.len(), dtype=pl.Int64),
        repo=pl.lit(snapshot.repo),
        revision=pl.lit(snapshot.revision),
        code=pl.lit(code()),
        hashing=pl.lit(hashing()),
    ).select(pl.col(name).cast(dtype) for name, dtype in _TYPES.items())


def _counted(lake: Lake, benchmark: Benchmark, position: int, word: Word, why: str) -> dict[str, object]:
    mine = lake.scan("benchmarks").filter(pl.col("benchmark") == benchmark.name)
    first = [pl.col(name).first() for name in ("repo", "revision")]
    repo, revision, count = mine.select(*first, items=pl.col("item").n_unique()).collect().row(0)
    return status(benchmark, position, word, why) | {"repo": repo, "revision": revision, "items": int(count)}
