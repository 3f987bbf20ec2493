"""Decontamination: microseconds a row on one core, all rules with their evidence, and what each rule flags.

The items are all that the catalogue finds in the data, read as a run reads them; the rows are the prompts of some sets.
A process of its own, with one thread.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from bench.data import hub_folder
from bench.prompts import prompts
from schemas.vocabulary import CONTAMINATION

_ROUNDS = 5


def run(data: Path | None) -> str:
    """The tables: time a row, and rows flagged by each rule in each set."""
    folder = hub_folder(data)
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "bench.decontaminate", str(folder)],
            env=os.environ | {"TAMIS_HOME": home, "POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    lines = [
        f"data: {folder}; {told['items']:,} items of {len(told['checked'])} benchmarks, {told['grams']:,} runs of 8 "
        f"tokens; NOT CHECKED: {', '.join(told['not_checked']) or 'none'}",
        "",
        f"{told['rows']:,} prompts of {told['bytes']:.0f} bytes on average, one core, medians of {_ROUNDS}: "
        f"{told['scan']:.1f} microseconds a row to scan, {told['evidence']:.1f} for rules and evidence, "
        f"{told['scan'] + told['evidence']:.1f} in all; the index is built in {told['index']:.1f} s",
        "",
        f"| rows flagged | rows | {' | '.join(CONTAMINATION)} |",
        f"| --- | {' | '.join(['---:'] * (1 + len(CONTAMINATION)))} |",
    ]
    lines += [f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |" for name, *counts in told["flagged"]]
    lines += ["", "GSM8K train against its test, by how words are cut:", ""]
    lines += [
        "| a token is | any 8 | any 10 | any 12 | any 13 | coverage |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [f"| {name} | {' | '.join(map(str, counts))} |" for name, *counts in told["gsm8k"]]
    return "\n".join(lines)


def _child(folder: str) -> None:
    from pipelines import workspace as places
    from pipelines.opening import served

    opened = places.workspace(folder)
    with served(opened):
        from huggingface_hub import constants

        from pipelines.benchmarks.held import indexable
        from pipelines.benchmarks.update import update
        from pipelines.hub import Hub
        from pipelines.lake import Lake

        lake = Lake(opened.lake)
        held = update(lake, Hub(None, Path(constants.HF_HUB_CACHE), online=opened.online))
        items = indexable(lake.scan("benchmarks"))
    checked = held.statuses.filter(pl.col("status") != "NOT CHECKED")["benchmark"].to_list()
    figures = _figures(
        items, {str(name): rows["text"] for (name,), rows in prompts(Path(folder)).group_by("set", maintain_order=True)}
    )
    print(json.dumps(figures | {"checked": checked, "not_checked": held.not_checked["benchmark"].to_list()}))


def _figures(items: pl.DataFrame, prompts: dict[str, pl.Series]) -> dict[str, object]:
    from pipelines.decontaminate.index import index
    from pipelines.decontaminate.rules import hits
    from pipelines.decontaminate.scan import scan

    texts = pl.concat(list(prompts.values()))

    def no_answers(_: pl.DataFrame) -> list[tuple[pl.Series, pl.Series]]:
        return []

    known = index(items)
    known, built = _timed(lambda: index(items))
    hits(scan(texts, known), known, no_answers)
    scans, evidence = [], []
    for _ in range(_ROUNDS):
        shared, took = _timed(lambda: scan(texts, known))
        found, told = _timed(lambda shared=shared: hits(shared, known, no_answers))  # type: ignore[misc]
        scans.append(took)
        evidence.append(told)
    row_of = pl.concat([pl.Series([name]).new_from_index(0, len(rows)) for name, rows in prompts.items()])
    flagged = found.with_columns(of=row_of.gather(found["row"])).group_by("of", "rule").agg(pl.col("row").n_unique())
    counts = {(of, rule): rows for of, rule, rows in flagged.rows()}
    scale = 1e6 / len(texts)
    return {
        "items": items.select("benchmark", "item").n_unique(),
        "grams": len(known.by_gram.keys),
        "rows": len(texts),
        "bytes": float(texts.str.len_bytes().mean() or 0),  # type: ignore[arg-type]
        "index": built,
        "scan": sorted(scans)[_ROUNDS // 2] * scale,
        "evidence": sorted(evidence)[_ROUNDS // 2] * scale,
        "flagged": [
            (name, len(rows), *(counts.get((name, rule), 0) for rule in CONTAMINATION))
            for name, rows in prompts.items()
        ],
        "gsm8k": _by_tokens(items.filter(pl.col("benchmark") == "GSM8K"), prompts.get("GSM8K")),
    }


def _by_tokens(items: pl.DataFrame, prompts: pl.Series | None) -> list[tuple[object, ...]]:
    """What is flagged where tokens stand between white space, and where they are the words between symbols."""
    from pipelines.decontaminate.index import index
    from pipelines.decontaminate.scan import scan

    if prompts is None or items.is_empty():
        return []
    told: list[tuple[object, ...]] = []
    for name, cut in (("between white space (as used)", None), (r"a word (\w+)", r"[^\w]+")):
        item_texts, texts = (
            series if cut is None else series.str.replace_all(cut, " ") for series in (items["text"], prompts)
        )
        known = index(items.with_columns(text=item_texts))
        found = scan(texts, known).found
        words = pl.Series(known.words).gather(found["entry"])
        covered = found.filter(found["covered"] * 2 > words)["row"].n_unique()
        runs = [found.filter(pl.col("tokens") >= length)["row"].n_unique() for length in (8, 10, 12, 13)]
        told.append((name, *runs, covered))
    return told


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    done = work()
    return done, time.process_time() - started


if __name__ == "__main__":
    _child(sys.argv[1])
