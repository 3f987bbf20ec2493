"""Two runs on one test set: the one on a curated corpus, and the one on what it was curated from.

The interval is a paired bootstrap over the test rows (Koehn 2004, "Statistical significance tests for machine
translation evaluation"): rows are drawn with replacement, and both runs are measured on the same draw. It says how far
the test set could be wrong, not how far another seed of training would move the losses: `SEEDS` does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl

from pipelines.training.report import LOSSES, Report

SEEDS: Final = 0.02
"""Nats by which a difference must exceed 0 before it counts. Four seeds of one corpus (the tiny model, 100,000 tokens,
1,602 test rows of real sets) ended at 5.276 to 5.298, a standard deviation of 0.009; two corpora of one seed that
differ in 22 of 30,112 rows ended 0.0055 apart, with an interval that left out 0."""

_DRAWS: Final = 2_000
_AT_A_TIME: Final = 100
"""Draws whose row numbers are held at once: 8 bytes a row and draw."""

_SEED: Final = 0
_TAILS: Final = (0.025, 0.975)

Outcome = Literal["helped", "hurt", "no difference"]


@dataclass(frozen=True)
class Difference:
    """Both runs on the same rows. Losses in nats per completion token; `low` and `high` bound the difference.

    `difference` is curated minus baseline: below 0 where curation helped. The interval holds 95 % of the draws.
    """

    curated: float
    baseline: float
    low: float
    high: float
    rows: int
    tokens: int

    @property
    def difference(self) -> float:
        return self.curated - self.baseline

    @property
    def outcome(self) -> Outcome:
        """Whether the two can be told apart: the interval leaves out 0, and the difference is beyond `SEEDS`."""
        if abs(self.difference) < SEEDS:
            return "no difference"
        if self.high < 0:
            return "helped"
        return "hurt" if self.low > 0 else "no difference"

    @property
    def words(self) -> str:
        """The two losses and their difference, as part of a sentence."""
        return (
            f"{self.curated:.4f} against {self.baseline:.4f} "
            f"({self.difference:+.4f}, 95 % interval {self.low:+.4f} to {self.high:+.4f}; {self.rows:,} rows)"
        )


@dataclass(frozen=True)
class Comparison:
    """A curated run against the same run of the baseline. `refused`: why they cannot be compared.

    `all`: on the whole test set; `kept`: on the part that the curated recipe keeps; None without rows, or where
    refused. `base`: loss of the untrained base on the whole test set. `tokens`: loss-bearing tokens that each
    trained on.
    """

    curated: str
    baseline: str
    tokens: int
    base: float | None = None
    all: Difference | None = None
    kept: Difference | None = None
    refused: str | None = None

    @property
    def helped(self) -> bool:
        """Whether curation lowered the loss on the whole test set by more than the test set could be wrong."""
        return self.all is not None and self.all.outcome == "helped"

    @property
    def verdict(self) -> str:
        """Whether curation helped, for people; the numbers stand beside it."""
        if self.refused is not None:
            return f"{self.curated} cannot be compared with {self.baseline}: {self.refused}."
        if self.all is None:
            return f"{self.curated} and {self.baseline} were not measured on a test set, so nothing can be said."
        return {
            "helped": "Curation helped: the loss on the whole test set is lower.",
            "hurt": "Curation did not help: the loss on the whole test set is higher.",
            "no difference": "Curation did not help: the losses on the whole test set differ by no more than another "
            "seed or other test rows would move them.",
        }[self.all.outcome]

    @property
    def sentence(self) -> str:
        """The verdict with its numbers."""
        if self.all is None:
            return self.verdict
        kept = f"; on the part that is kept {self.kept.words}" if self.kept else ""
        return f"{self.verdict} Whole test set: {self.all.words}{kept}."


def comparison(curated: Path, baseline: Path) -> Comparison:
    """Compare two finished runs by the folders that they wrote.

    Runs with other settings, another base, other numbers of tokens or other test rows are refused, in words.
    """
    first, second = Report.read(curated), Report.read(baseline)
    refused = _unlike(first, second)
    if refused is not None or first.evaluation is None or second.evaluation is None:
        return Comparison(first.name, second.name, first.tokens, refused=refused)
    left, right = (pl.read_parquet(folder / LOSSES) for folder in (curated, baseline))
    refused = _other_rows(left, right)
    if refused is not None:
        return Comparison(first.name, second.name, first.tokens, refused=refused)
    paired = left.select("id", "kept", "tokens", curated="nll").join(right.select("id", baseline="nll"), on="id")
    paired = paired.sort("id")
    return Comparison(
        curated=first.name,
        baseline=second.name,
        tokens=first.tokens,
        base=first.evaluation.base.loss,
        all=_difference(paired),
        kept=_difference(paired.filter("kept")),
    )


def _unlike(first: Report, second: Report) -> str | None:
    """Which settings keep two runs from being compared; None if they are alike."""
    if first.base != second.base:
        return f"they start from other models ({first.base} and {second.base})"
    if first.tokens != second.tokens:
        return f"they were trained on other numbers of tokens ({first.tokens:,} and {second.tokens:,})"
    left, right = first.run.model_dump(), second.run.model_dump()
    other = [name for name in left if left[name] != right[name]]
    if other:
        return f"their settings differ ({', '.join(f'{n}: {left[n]} and {right[n]}' for n in other)})"
    return None


def _other_rows(left: pl.DataFrame, right: pl.DataFrame) -> str | None:
    """What is wrong where the baseline was not measured on every row that the curated run was."""
    key = ["id", "tokens"]
    if left.join(right, on=key, how="anti").is_empty():
        return None
    shared = left.select(key).join(right.select(key), on=key, how="semi").height
    return f"they were measured on other test rows ({left.height:,} and {right.height:,}, {shared:,} of them the same)"


def _difference(rows: pl.DataFrame) -> Difference | None:
    """`rows`: `tokens`, `curated` and `baseline` (summed nats) of each test row; None without a token."""
    tokens = int(rows["tokens"].sum())
    if not tokens:
        return None
    low, high = _interval(rows["tokens"].to_numpy(), (rows["curated"] - rows["baseline"]).to_numpy())
    return Difference(
        curated=float(rows["curated"].sum()) / tokens,
        baseline=float(rows["baseline"].sum()) / tokens,
        low=low,
        high=high,
        rows=rows.height,
        tokens=tokens,
    )


def _interval(tokens: np.ndarray, differences: np.ndarray) -> tuple[float, float]:
    """95 % of the draws of sum(differences) / sum(tokens) lie within."""
    random = np.random.default_rng(_SEED)
    means = np.empty(_DRAWS)
    for start in range(0, _DRAWS, _AT_A_TIME):
        drawn = random.integers(0, len(tokens), (_AT_A_TIME, len(tokens)))
        # A row without tokens says nothing, so a draw of such rows alone has no mean.
        means[start : start + _AT_A_TIME] = differences[drawn].sum(axis=1) / np.maximum(tokens[drawn].sum(axis=1), 1)
    low, high = np.quantile(means, _TAILS)
    return float(low), float(high)
