"""Near-duplicates of more and more rows, and of hostile ones: time per byte, and memory.

Each corpus in a process of its own, one thread; made in another process. The largest takes minutes and some gigabytes
of disk, so that this benchmark runs only by name: `make bench growth`.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from bench.children import child
from bench.corpora import SEED, Corpus, corpus
from bench.peers.measuring import peak
from pipelines.dedup.near import near_duplicates

_SIZES: Final = (60_000, 600_000, 6_000_000)
_TEMPLATE: Final = Corpus(600_000, template=0.3)
_MILLION: Final = 1_000_000
_PIECE: Final = 600_000
_SENTENCE: Final = "a sentence of more than five words that is said again and again\n"
_LONG: Final = 50_000_000
_ALLOWED: Final = 1.5
_ROUNDS: Final = 3


def run(data: Path | None) -> str:
    """The table; `data` is not read: all rows are made."""
    del data
    lines = [
        "| corpus | MB | CPU s | MB a CPU-s | time per byte | per row | peak MB | removed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    told: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        path = str(Path(scratch) / "corpus.parquet")
        for name, made in (
            *((f"{rows:,} rows", json.dumps(asdict(Corpus(rows)))) for rows in _SIZES),
            (f"{_TEMPLATE.rows:,}, 30 % a template", json.dumps(asdict(_TEMPLATE))),
            ("1,000,000 equal rows", "equal"),
            ("1,000,000 equal short rows", "short"),
            ("one row of 50 MB", "long"),
        ):
            child("bench.growth", "make", path, made)
            found = told[name] = json.loads(child("bench.growth", "measure", path).splitlines()[-1])
            first = next(iter(told.values()))
            per_byte = found["cpu"] / found["bytes"] / (first["cpu"] / first["bytes"])
            per_row = found["cpu"] / found["rows"] / (first["cpu"] / first["rows"])
            lines.append(
                f"| {name} | {found['bytes'] / 1e6:,.0f} | {found['cpu']:.1f} | "
                f"{found['bytes'] / 1e6 / found['cpu']:.0f} | {per_byte:.2f} | {per_row:.2f} | {found['peak']:,.0f} | "
                f"{found['removed']:.1%} |"
            )
    without, with_one = (told[name] for name in (f"{_TEMPLATE.rows:,} rows", f"{_TEMPLATE.rows:,}, 30 % a template"))
    return "\n".join(
        [
            *lines,
            "",
            f"medians of {_ROUNDS} in one process; peak: with the texts; time per byte and per row: as a multiple of "
            f"the first line's (allowed: {_ALLOWED})",
            f"a row where 30 % are one template: {with_one['cpu'] / without['cpu']:.2f} times one without",
        ]
    )


def _make(made: str, path: Path) -> None:
    """Write a corpus, at most _PIECE rows at a time: the largest would take more memory to make than to deduplicate."""
    with pq.ParquetWriter(path, pa.schema({"text": pa.large_string()})) as writer:
        for piece in _pieces(made):
            writer.write_table(piece.select("text").to_arrow().cast(writer.schema))


def _pieces(made: str) -> Iterator[pl.DataFrame]:
    if made not in ("equal", "short", "long"):
        wanted = Corpus(**json.loads(made))
        for number, start in enumerate(range(0, wanted.rows, _PIECE)):
            yield corpus(replace(wanted, rows=min(_PIECE, wanted.rows - start)), SEED + number)
    elif made == "equal":
        yield pl.DataFrame({"text": pl.Series([_SENTENCE]).new_from_index(0, _MILLION)})
    elif made == "short":
        yield pl.DataFrame({"text": pl.Series(["Yes."]).new_from_index(0, _MILLION)})
    else:
        yield pl.DataFrame({"text": [_SENTENCE * (_LONG // len(_SENTENCE))]})


def _measure(path: Path) -> dict[str, Any]:
    texts = pl.read_parquet(path)["text"]
    near_duplicates(pl.Series(["a first call, so that the kernels are there"] * 2)).kept.sum()
    costs = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        kept = near_duplicates(texts).kept
        costs.append(time.process_time() - started)
    removed = 1 - float(kept.mean() or 0)
    size = int(texts.str.len_bytes().sum())
    return {"rows": len(texts), "bytes": size, "cpu": statistics.median(costs), "peak": peak(), "removed": removed}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["make", "measure"])
    parser.add_argument("path", type=Path)
    parser.add_argument("made", nargs="?")
    arguments = parser.parse_args()
    if arguments.step == "make":
        _make(arguments.made, arguments.path)
    else:
        print(json.dumps(_measure(arguments.path)))
