"""Near-duplicates: text in, ids out. What it costs, what it finds, and whether a row was lost for nothing.

Each corpus is deduplicated in a process of its own, in one thread; the first call, which compiles the kernels or
loads them, is told apart.
"""

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from bench.children import child
from bench.corpora import Corpus, corpus
from bench.peers.measuring import peak
from pipelines.dedup.jaccard import similarities
from pipelines.dedup.near import near_duplicates
from pipelines.dedup.shingles import shingles

_MADE: Final = {
    "60,000 rows": Corpus(60_000),
    "600,000 rows": Corpus(600_000),
    "600,000, 30 % a template": Corpus(600_000, template=0.3),
    "3,000 of 5,000 words": Corpus(3_000, words=5_000),
}
_THRESHOLD: Final = 0.7
_STEPS: Final = (0.7, 0.8, 0.9, 1.01)
_ROUNDS: Final = 3
_GIVEN: Final = "corpus.parquet"


def run(data: Path | None) -> str:
    """The table. `data`: a parquet file with `id`, `text` and perhaps `of`, or a folder with a corpus.parquet in it."""
    lines = [
        f"threshold {_THRESHOLD}; medians of {_ROUNDS} in one process; first call: compiled kernels loaded, or made",
        "",
        "| corpus | MB | rows a CPU-s | MB a CPU-s | peak MB | first call s | removed | lost for nothing "
        "| planted .7-.8 | .8-.9 | .9-1 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in _corpora(data, Path(scratch)):
            found = _measured(path)
            speed = f"{found['rows'] / found['cpu']:,.0f} | {found['bytes'] / 1e6 / found['cpu']:.0f}"
            cost = f"{found['bytes'] / 1e6:.0f} | {speed} | {found['peak']:.0f} | {found['first']:.1f}"
            caught = " | ".join(f"{share:.3f} of {count:,}" if count else "-" for share, count in found["planted"])
            lines.append(f"| {name} | {cost} | {found['removed']:.1%} | {found['lost']} | {caught} |")
    return "\n".join(lines)


def _corpora(data: Path | None, scratch: Path) -> Iterator[tuple[str, Path]]:
    given = data / _GIVEN if data is not None and data.is_dir() else data
    if given is not None and given.is_file():
        yield given.name, given
        return
    for name, made in _MADE.items():
        path = scratch / "corpus.parquet"
        child("bench.dedup", "make", str(path), json.dumps(asdict(made)))
        yield name, path


def _measured(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(child("bench.dedup", "measure", str(path)).splitlines()[-1])
    return found


def _measure(path: Path) -> None:
    frame = pl.read_parquet(path)
    started = time.monotonic()
    near_duplicates(pl.Series(["a first call, so that the kernels are there"] * 2)).kept.sum()
    first = time.monotonic() - started
    costs = []
    for _ in range(_ROUNDS):
        cpu = time.process_time()
        kept = frame["id"].filter(near_duplicates(frame["text"], _THRESHOLD).kept)
        costs.append(time.process_time() - cpu)
    found = {
        "rows": frame.height,
        "bytes": int(frame["text"].str.len_bytes().sum()),
        "cpu": sorted(costs)[len(costs) // 2],
        "peak": peak(),
        "first": first,
        "removed": 1 - len(kept) / frame.height,
    }
    print(json.dumps(found | _score(frame, kept)))


def _score(frame: pl.DataFrame, kept: pl.Series) -> dict[str, object]:
    """`lost`: removed rows whose named survivor is not kept, or not as similar as the threshold says, by a comparison
    of the two texts alone. `planted`: by similarity, the part of the planted pairs that were collapsed, and how many.
    """
    clusters = near_duplicates(frame["text"], _THRESHOLD)
    removed, sets = clusters.removed, shingles(frame["text"])
    ends = [removed[name].cast(pl.Int32).to_numpy(writable=True) for name in ("row", "survivor")]
    similar = similarities(sets, *ends) >= _THRESHOLD
    stands = clusters.kept.to_numpy()[ends[1]]
    lost = int((~(similar & stands)).sum())
    if "of" not in frame.columns:
        return {"lost": lost, "planted": [(0.0, 0)] * (len(_STEPS) - 1)}
    rows = frame.select("id", "of").with_row_index("row")
    pairs = rows.join(rows.select(of="id", twin="row"), on="of", how="inner")
    ends = [pairs[name].cast(pl.Int32).to_numpy(writable=True) for name in ("row", "twin")]
    alike, stays = similarities(sets, *ends), clusters.kept.to_numpy()
    collapsed = ~(stays[ends[0]] & stays[ends[1]])
    planted = []
    for low, high in itertools.pairwise(_STEPS):
        among = (alike >= low) & (alike < high)
        planted.append((float(collapsed[among].mean()) if among.any() else 0.0, int(np.count_nonzero(among))))
    return {"lost": lost, "planted": planted}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["make", "measure"])
    parser.add_argument("path", type=Path)
    parser.add_argument("corpus", nargs="?", type=json.loads)
    arguments = parser.parse_args()
    if arguments.step == "make":
        corpus(Corpus(**arguments.corpus)).write_parquet(arguments.path)
    else:
        _measure(arguments.path)
