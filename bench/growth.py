"""Near-duplicates of more and more rows, and of hostile ones: time per byte, and memory.

Each corpus in a process of its own, one thread; made in another process. The largest takes minutes and some gigabytes
of disk, so that this benchmark runs only by name: `make bench growth`.
"""

import argparse
import json
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
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
_ROUNDS: Final = 5
_YARDSTICKS: Final = 7


def run(data: Path | None) -> str:
    """The table; `data` is not read: all rows are made."""
    del data
    lines = [
        "| corpus | MB | CPU s | MB a CPU-s | time per byte | in user mode | per row | peak MB | removed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    per_row: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        path, yardstick = (str(Path(scratch) / f"{name}.parquet") for name in ("corpus", "yardstick"))
        child("bench.growth", "make", yardstick, json.dumps(asdict(Corpus(_SIZES[0]))))
        for name, made in (
            *((f"{rows:,} rows", json.dumps(asdict(Corpus(rows)))) for rows in _SIZES),
            (f"{_TEMPLATE.rows:,}, 30 % a template", json.dumps(asdict(_TEMPLATE))),
            ("1,000,000 equal rows", "equal"),
            ("1,000,000 equal short rows", "short"),
            ("one row of 50 MB", "long"),
        ):
            child("bench.growth", "make", path, made)
            found = json.loads(child("bench.growth", "measure", path, yardstick).splitlines()[-1])
            per_row[name] = found["per_row"]
            lines.append(
                f"| {name} | {found['bytes'] / 1e6:,.0f} | {found['cpu']:.1f} | "
                f"{found['bytes'] / 1e6 / found['cpu']:.0f} | {found['per_byte']:.2f} | {found['user_per_byte']:.2f} | "
                f"{found['per_row']:.2f} | {found['peak']:,.0f} | {found['removed']:.1%} |"
            )
    without, with_one = (per_row[name] for name in (f"{_TEMPLATE.rows:,} rows", f"{_TEMPLATE.rows:,}, 30 % a template"))
    return "\n".join(
        [
            *lines,
            "",
            f"medians of {_ROUNDS}; peak: with the texts; time per byte and per row: as a multiple of that of "
            f"{_SIZES[0]:,} rows, measured in turn with it (allowed: {_ALLOWED}); in user mode: without the system's "
            "time, nearly all of which is for memory that was not used before",
            f"a row where 30 % are one template: {with_one / without:.2f} times one without",
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


def _measure(path: Path, yardstick: Path) -> dict[str, Any]:
    """The yardstick is measured before each round: the machine is at times faster than at others."""
    texts, known = (pl.read_parquet(each)["text"] for each in (path, yardstick))
    near_duplicates(pl.Series(["a first call, so that the kernels are there"] * 2)).kept.sum()
    costs, of_known = [], []
    for _ in range(_ROUNDS):
        of_known.append(np.median([_seconds(known) for _ in range(_YARDSTICKS)], axis=0))
        costs.append(_seconds(texts))
    rows, size = (len(texts), len(known)), [int(each.str.len_bytes().sum()) for each in (texts, known)]
    longer, longer_in_user_mode = np.median(np.array(costs) / np.array(of_known), axis=0)
    return {
        "bytes": size[0],
        "cpu": float(np.median(costs, axis=0)[0]),
        "per_byte": longer / (size[0] / size[1]),
        "user_per_byte": longer_in_user_mode / (size[0] / size[1]),
        "per_row": longer / (rows[0] / rows[1]),
        "peak": peak(),
        "removed": 1 - float(near_duplicates(texts).kept.mean() or 0),
    }


def _seconds(texts: pl.Series) -> tuple[float, float]:
    """Of the processor, and those of them in user mode."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    near_duplicates(texts).kept.sum()
    after = resource.getrusage(resource.RUSAGE_SELF)
    user = after.ru_utime - before.ru_utime
    return user + after.ru_stime - before.ru_stime, user


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["make", "measure"])
    parser.add_argument("path", type=Path)
    parser.add_argument("other")
    arguments = parser.parse_args()
    if arguments.step == "make":
        _make(arguments.other, arguments.path)
    else:
        print(json.dumps(_measure(arguments.path, Path(arguments.other))))
