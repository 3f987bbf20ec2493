"""The sample Hub's training rows: clean ones of every source, with defects of every kind planted among them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub import files, manifest
from pipelines.sample_hub.defects import answers, copies, leaks, lines, reasoning, transcripts
from pipelines.sample_hub.defects.lines import Breaker
from pipelines.sample_hub.defects.plant import Copier, Defect, Planted, Spoiler, choose, usable
from pipelines.sample_hub.generators import (
    alpaca,
    benchmarks,
    countdown,
    dolly,
    gsm8k,
    hh_rlhf,
    oasst1,
    sky_t1,
)
from pipelines.sample_hub.rows import Rows

SEED: Final = 20_261_125
_SOURCES: Final = (alpaca, dolly, oasst1, hh_rlhf, sky_t1, gsm8k, countdown)
REPOSITORIES: Final = {source.__name__.rpartition(".")[2]: source.REPO for source in _SOURCES}
"""The repository of each source."""

_ALPACA: Final = alpaca.FILE
_DOLLY: Final = dolly.FILE
_OASST: Final = oasst1.TRAIN
_SKY: Final = sky_t1.FILE
_GSM8K: Final = gsm8k.TRAIN
_COUNTDOWN: Final = countdown.FILE
_HARMLESS, _HELPFUL, _ONLINE, _SAMPLED = (f"{subset}/train.jsonl.gz" for subset in hh_rlhf.SUBSETS)

_IN_PLACE: Final[tuple[tuple[Spoiler, dict[str, int]], ...]] = (
    (answers.EMPTY_ANSWER, {_ALPACA: 1, _DOLLY: 1, _OASST: 1, _HELPFUL: 1, _SKY: 1}),
    (answers.PLACEHOLDER_ANSWER, {_ALPACA: 2, _DOLLY: 1, _OASST: 1}),
    (answers.PLACEHOLDER_INPUT, {_ALPACA: 3, _DOLLY: 1}),
    (answers.ECHO, {_ALPACA: 1, _DOLLY: 1, _OASST: 1}),
    (answers.LOOPING_ANSWER, {_ALPACA: 2, _DOLLY: 1}),
    (answers.MOJIBAKE, {_ALPACA: 2, _DOLLY: 1}),
    (answers.MISSING_IMAGE, {_ALPACA: 2, _DOLLY: 1}),
    (answers.NULL_ANSWER, {_ALPACA: 1, _DOLLY: 1, _HELPFUL: 1, _GSM8K: 1, _COUNTDOWN: 1}),
    (reasoning.UNBALANCED_TAGS, {_SKY: 3}),
    (reasoning.TRUNCATED, {_SKY: 2}),
    (reasoning.EMPTY_REASONING, {_SKY: 2}),
    (reasoning.LOOPING_REASONING, {_SKY: 2}),
    (reasoning.WRONG_GOLD, {_GSM8K: 3}),
    (transcripts.NOT_FROM_HUMAN, {_ONLINE: 2}),
    (transcripts.ENDS_WITH_HUMAN, {_HARMLESS: 1, _SAMPLED: 1}),
    (transcripts.EMPTY_TURN, {_HELPFUL: 1, _ONLINE: 1}),
    (transcripts.IDENTICAL_PAIR, {_HARMLESS: 1, _SAMPLED: 1}),
)
"""How many rows of which file are spoilt, by kind."""

_COPIES: Final[tuple[tuple[Copier, dict[str, int]], ...]] = (
    (copies.EXACT, {_ALPACA: 1, _OASST: 1, _ONLINE: 1, _SKY: 1, _GSM8K: 1, _COUNTDOWN: 1}),
    (copies.OTHER_CASE, {_ALPACA: 1, _DOLLY: 1, _HARMLESS: 1, _GSM8K: 1}),
    (copies.NEAR_DUPLICATE, {_ALPACA: 1, _DOLLY: 1, _HELPFUL: 1, _SKY: 1, _GSM8K: 1}),
    (transcripts.SWAPPED_PAIR, {_HELPFUL: 1, _HARMLESS: 1}),
    (copies.OTHER_NUMBERS, {_GSM8K: 3}),
    (copies.OTHER_TASK, {_COUNTDOWN: 2}),
)
"""How many rows of which file get a copy in it, by kind."""

_ACROSS: Final = (
    (copies.ACROSS, _ALPACA, _DOLLY, 2),
    (copies.ACROSS, _DOLLY, _OASST, 1),
    (copies.NEAR_ACROSS, _ALPACA, _DOLLY, 1),
    (copies.NEAR_ACROSS, _DOLLY, _ALPACA, 1),
    (copies.NEAR_ACROSS, _OASST, _ALPACA, 1),
)
"""Kind, file of the originals, file of the copies, how many."""

_LEAKS: Final[tuple[tuple[str, str, list[int], list[int]], ...]] = (
    (_GSM8K, benchmarks.GSM8K, [0], [3]),
    (_SKY, benchmarks.MATH, [2], [6]),
    (_ALPACA, benchmarks.MMLU, [1], []),
    (_DOLLY, benchmarks.TRUTHFULQA, [3], []),
    (_OASST, benchmarks.MMLU, [], [5]),
    (_ALPACA, benchmarks.HUMANEVAL, [2], []),
)
"""File, benchmark, and the numbers of the items that are leaked word by word, and edited."""

_BROKEN: Final[tuple[tuple[Breaker, dict[str, int]], ...]] = (
    (lines.BROKEN_JSON, {_DOLLY: 2, _HELPFUL: 1}),
    (lines.INVALID_UTF8, {_DOLLY: 1, _HELPFUL: 1}),
    (lines.LONE_SURROGATE, {_DOLLY: 1, _SKY: 1}),
)
"""How many lines of which file are broken, by kind."""


def clean(seed: int = SEED) -> list[Rows]:
    """The rows of every source before anything is planted."""
    return [
        rows for number, source in enumerate(_SOURCES) for rows in source.rows(np.random.default_rng([seed, number]))
    ]


def planted(seed: int = SEED) -> tuple[dict[tuple[str, str], bytes], pl.DataFrame]:
    """Every file by source and path, with its defects and its rows in random order; and what was planted where."""
    bed = _Bed(clean(seed), np.random.default_rng([seed, len(_SOURCES)]))
    for spoiler, wanted in _IN_PLACE:
        for file, count in wanted.items():
            bed.spoil(spoiler, file, count)
    for copier, wanted in _COPIES:
        for file, count in wanted.items():
            bed.copy(copier, file, count)
    for copier, origin, into, count in _ACROSS:
        bed.copy(copier, origin, count, into)
    for file, benchmark, verbatim, edited in _LEAKS:
        bed.leak(file, benchmark, verbatim, edited)
    for breaker, wanted in _BROKEN:
        for file, count in wanted.items():
            bed.reserve(breaker, file, count)
    return bed.mixed()


class _Bed:
    """Files, by their paths, in which defects are planted one kind after the other, no two of them at one row."""

    def __init__(self, clean_rows: Sequence[Rows], generator: np.random.Generator) -> None:
        self._rows = {rows.file: rows for rows in clean_rows}
        self._taken: dict[str, set[int]] = {file: set() for file in self._rows}
        self._broken: dict[str, list[tuple[Breaker, list[int]]]] = {file: [] for file in self._rows}
        self._plants: list[pl.DataFrame] = []
        self._generator = generator
        self._items = benchmarks.items(self._rows[gsm8k.TEST])

    def spoil(self, spoiler: Spoiler, file: str, count: int) -> None:
        positions = self._choose(spoiler, file, count)
        self._take(spoiler.plant(self._rows[file], positions, self._generator))

    def copy(self, copier: Copier, file: str, count: int, into: str | None = None) -> None:
        positions = self._choose(copier, file, count)
        self._take(copier.plant(self._rows[file], positions, self._generator, self._rows[into] if into else None))

    def leak(self, file: str, benchmark: str, verbatim: Sequence[int], edited: Sequence[int]) -> None:
        items = self._items[benchmark]
        self._take(leaks.leak(self._rows[file], [items[number] for number in verbatim], self._generator))
        self._take(leaks.leak(self._rows[file], [items[number] for number in edited], self._generator, edited=True))

    def reserve(self, breaker: Breaker, file: str, count: int) -> None:
        """Rows whose lines are broken once they are written."""
        free = [row for row in usable(self._rows[file]) if row not in self._taken[file]]
        positions = sorted(int(row) for row in self._generator.choice(free, count, replace=False))
        self._broken[file].append((breaker, positions))
        self._taken[file] |= set(positions)

    def mixed(self) -> tuple[dict[tuple[str, str], bytes], pl.DataFrame]:
        """The files with their rows in random order, and the plants at the places that they have there."""
        made = {(rows.source, rows.file): self._written(rows) for rows in self._rows.values()}
        contents = {key: content for key, (content, _) in made.items()}
        moves = pl.concat([move for _, move in made.values()])
        plants = _moved(_moved(pl.concat(self._plants), moves, ""), moves, "of_")
        return contents, plants.select(manifest.SCHEMA.names()).sort("kind", "source", "file", "row")

    def _choose(self, defect: Defect, file: str, count: int) -> list[int]:
        positions = choose(self._rows[file], defect, count, self._generator, self._taken[file])
        self._taken[file] |= set(positions)
        return positions

    def _take(self, made: Planted) -> None:
        self._rows[made.rows.file] = made.rows
        self._taken[made.rows.file] |= set(made.plants["row"])
        self._plants.append(made.plants)

    def _written(self, rows: Rows) -> tuple[bytes, pl.DataFrame]:
        order = self._generator.permutation(rows.frame.height)
        move = pl.DataFrame({"old": order, "new": range(len(order))}, {"old": pl.Int64, "new": pl.Int64})
        placed = move.with_columns(source=pl.lit(rows.source), file=pl.lit(rows.file))
        if rows.file.endswith(".parquet"):
            return files.encoded(rows.file, rows.frame[order]), placed
        texts = files.lines(rows.frame, rows.file)
        for breaker, positions in self._broken[rows.file]:
            texts, plants = breaker.plant(texts, positions, self._generator, rows.source, rows.file)
            self._plants.append(plants)
        return files.joined([texts[position] for position in order], rows.file), placed


def _moved(plants: pl.DataFrame, moves: pl.DataFrame, prefix: str) -> pl.DataFrame:
    """Plants whose `<prefix>row` is the row's place after mixing."""
    keys = [f"{prefix}{name}" for name in ("source", "file", "row")]
    placed = plants.join(moves, left_on=keys, right_on=["source", "file", "old"], how="left", maintain_order="left")
    return placed.with_columns(pl.col("new").alias(keys[-1])).drop("new")
