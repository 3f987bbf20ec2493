"""Near-duplicates beside other systems: rows per CPU-second from text to ids, and what each of them gets right.

One core each, in turn, on the labelled corpus (scored by the script that lies beside it) and on made rows. All but
Tamis take what their bands say for a duplicate, at 14 bands of 8; none of them verifies.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bench.corpora import Corpus, corpus
from bench.data import labelled_corpus
from bench.peers.environments import REQUIREMENTS, MissingPeerError, python_of
from pipelines.dedup.jaccard import similarities
from pipelines.dedup.shingles import shingles

_HERE: Final = Path(__file__).parent
_ROUNDS: Final = {"tamis": 15, "daft": 5, "rensa": 3, "datatrove": 1}
_MADE: Final = Corpus(60_000)
_SCORER: Final = "evaluate.py"
_STEPS: Final = {"J >= .9": (0.9, 1.01), ".8 - .9": (0.8, 0.9), ".7 - .8": (0.7, 0.8)}
_HEADS: Final = ("system", "rows a CPU-s", "Tamis is", "peak MB", "kept", *_STEPS, "lost at .5 / .7", "short kept")


@dataclass(frozen=True)
class _Score:
    """Shares as they are printed; `-` for what is not known."""

    kept: int
    planted: dict[str, str]
    lost: str = "-"
    short: str = "-"


def run(data: Path | None) -> str:
    """The tables, one a corpus. `data`: a parquet file with `id`, `text`, `of`, or a folder with a corpus.parquet."""
    tables = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in _corpora(data, Path(scratch)):
            tables.append(f"{name}, one core each, medians of {_told_rounds()}:\n\n" + _table(path, Path(scratch)))
    return "\n\n".join(
        [
            *tables,
            "planted: copies that were collapsed, by their true similarity; lost: of the removed rows, those with no "
            "survivor at J >= .5 and .7; short: rows under five words that are kept",
        ]
    )


def _told_rounds() -> str:
    return ", ".join(f"{rounds} ({name})" for name, rounds in _ROUNDS.items())


def _corpora(data: Path | None, scratch: Path) -> Iterator[tuple[str, Path]]:
    given = labelled_corpus(data)
    if given is not None:
        yield "the labelled corpus", given
    made = scratch / "made.parquet"
    corpus(_MADE).write_parquet(made)
    yield f"{_MADE.rows:,} made rows", made


def _table(path: Path, scratch: Path) -> str:
    lines = [f"| {' | '.join(_HEADS)} |", f"| --- | {' | '.join(['---:'] * (len(_HEADS) - 1))} |"]
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    ours = 0.0
    for name in ("tamis", *REQUIREMENTS):
        out = scratch / f"{name}.parquet"
        try:
            found = _measured(name, path, out)
        except MissingPeerError as missing:
            lines.append(f"| {name} | not measured: {missing} |{' |' * (len(_HEADS) - 2)}")
            continue
        rate = rows / found["cpu"]
        ours = ours or rate
        score = _score(path, out)
        planted = " | ".join(score.planted.get(step, "-") for step in _STEPS)
        lines.append(
            f"| {name} | {rate:,.0f} | {ours / rate:.1f} times | {found['peak']:.0f} | {score.kept:,} | {planted} | "
            f"{score.lost} | {score.short} |"
        )
    return "\n".join(lines)


def _measured(name: str, path: Path, out: Path) -> dict[str, float]:
    given = [str(path), str(out), str(_ROUNDS[name])]
    if name == "tamis":
        command = [sys.executable, "-m", "bench.peers.with_tamis", *given]
    else:
        command = [str(python_of(name)), str(_HERE / f"with_{name}.py"), *given]
    alone = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=os.environ | alone, capture_output=True, text=True)
    if done.returncode:
        raise MissingPeerError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _score(path: Path, kept: Path) -> _Score:
    """By the script beside the corpus, else by what was planted."""
    scorer = path.with_name(_SCORER)
    count = pl.scan_parquet(kept).select(pl.len()).collect().item()
    if not scorer.exists():
        return _Score(count, _collapsed(path, kept))
    done = subprocess.run([sys.executable, str(scorer), str(kept)], stdout=subprocess.PIPE, check=True, text=True)
    planted = {step: share for step, share in re.findall(r"planted (.+?): ([\d.]+) of", done.stdout) if step in _STEPS}
    lost = " / ".join(re.findall(r"at J >= \.\d: ([\d.]+)", done.stdout) or re.findall(r"\.\d: ([\d.]+)", done.stdout))
    short = re.search(r"five words kept: (\d+) of (\d+)", done.stdout)
    return _Score(count, planted, lost, f"{short[1]} of {short[2]}" if short else "-")


def _collapsed(path: Path, kept: Path) -> dict[str, str]:
    frame = pl.read_parquet(path)
    stays = frame["id"].is_in(pl.read_parquet(kept)["id"].implode()).to_numpy()
    rows = frame.select("id", "of").with_row_index("row")
    pairs = rows.join(rows.select(of="id", twin="row"), on="of", how="inner")
    one, other = (pairs[name].cast(pl.Int32).to_numpy(writable=True) for name in ("row", "twin"))
    alike, collapsed = similarities(shingles(frame["text"]), one, other), ~(stays[one] & stays[other])
    among = {step: (alike >= low) & (alike < high) for step, (low, high) in _STEPS.items()}
    return {step: f"{collapsed[of].mean():.3f}" for step, of in among.items() if np.any(of)}
