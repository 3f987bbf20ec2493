"""Word salad of any size, with near copies planted in it: the same on every machine."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

SEED: Final = 20_240_917
_SYLLABLES: Final = [a + b for a in "bdfgklmnprstvwzh" for b in "aeiou"][::5]
_CHUNK: Final = 20_000


@dataclass(frozen=True)
class Corpus:
    """What to make. `words`: of the median row; `planted`: part of the rows that are copies of another, with no to one
    in 15 of their words changed; `template`: part of the rows that are one text with a different word in it."""

    rows: int
    words: int = 70
    planted: float = 0.15
    template: float = 0.0


def corpus(made: Corpus, seed: int = SEED) -> pl.DataFrame:
    """Columns `id`, `text` and `of`: the id of the row that it is a planted copy of, else null. Shuffled."""
    rng = np.random.default_rng(seed)
    copies = int(made.rows * made.planted)
    alike = int(made.rows * made.template)
    lengths = np.clip(rng.lognormal(np.log(made.words), 0.6, made.rows - copies).astype(np.int64), 8, 40 * made.words)
    lengths[:alike] = made.words
    said = [_salad(rng, part) for part in _parts(lengths)]
    words, starts = np.concatenate(said), np.concatenate([[0], np.cumsum(lengths)])
    for row in range(1, alike):
        words[starts[row] : starts[row + 1]] = words[: made.words]
    words[starts[:alike] + made.words // 2] = rng.integers(0, len(_vocabulary()), alike)
    origin = rng.integers(alike, len(lengths), copies)
    copied, copied_lengths = _copies(rng, words, starts, origin)
    texts = pl.concat([_texts(words, lengths), _texts(copied, copied_lengths)])
    of = pl.concat([pl.Series([None] * len(lengths), dtype=pl.Int64), pl.Series(origin)])
    frame = pl.DataFrame({"id": np.arange(made.rows), "text": texts, "of": of})
    return frame[rng.permutation(made.rows)]


def _vocabulary() -> list[str]:
    return [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in ["", *_SYLLABLES]]


def _salad(rng: np.random.Generator, lengths: NDArray[np.int64]) -> NDArray[np.int32]:
    """Words by number, the frequent ones far more often, as in language."""
    ranks = rng.pareto(0.9, int(lengths.sum())) * 5
    return np.minimum(ranks, len(_vocabulary()) - 1).astype(np.int32)


def _copies(
    rng: np.random.Generator, words: NDArray[np.int32], starts: NDArray[np.int64], origin: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    lengths = starts[origin + 1] - starts[origin]
    begins = np.cumsum(lengths) - lengths
    places = np.repeat(starts[origin] - begins, lengths) + np.arange(lengths.sum())
    copied = words[places]
    rate = np.repeat(rng.uniform(0, 1 / 15, len(origin)) * (rng.random(len(origin)) > 0.3), lengths)
    changed = rng.random(len(copied)) < rate
    copied[changed] = rng.integers(0, len(_vocabulary()), int(changed.sum()))
    return copied, lengths


def _parts(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [lengths[start : start + _CHUNK] for start in range(0, len(lengths), _CHUNK)]


def _texts(words: NDArray[np.int32], lengths: NDArray[np.int64]) -> pl.Series:
    vocabulary, parts, first = pl.Series(_vocabulary()), [pl.Series([], dtype=pl.String)], 0
    for part in _parts(lengths):
        said = vocabulary.gather(words[first : first + int(part.sum())])
        rows = pl.DataFrame({"row": np.repeat(np.arange(len(part)), part), "word": said})
        parts.append(rows.group_by("row", maintain_order=True).agg(pl.col("word").str.join(" "))["word"])
        first += int(part.sum())
    return pl.concat(parts)
