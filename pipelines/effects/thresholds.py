"""Which thresholds a sweep tries."""

from typing import Final

import polars as pl

from pipelines.quality.rules import Rule

STEPS: Final = 9
"""Thresholds of a sweep, where nobody says how many."""

_TAIL: Final = 0.01
"""Share of the records on either end that a sweep does not reach, where nobody says from where to where."""


def thresholds(rule: Rule, values: pl.Series, start: float | None, end: float | None, steps: int) -> list[float]:
    """`steps` thresholds from `start` to `end`, and the rule's own, in order. `values`: what records have (Float64).

    Left out, the ends reach over what 98 % of the records have, and over the rule's threshold. Where all values are
    whole numbers, so are the thresholds. Of `==` they are values that records have, those nearest to the rule's.
    """
    own, finite = rule.threshold, values.filter(values.is_finite()).drop_nulls()
    if rule.comparison == "==":
        distinct = finite.unique()
        inside = pl.lit(value=True)
        inside &= pl.col("value") >= start if start is not None else pl.lit(value=True)
        inside &= pl.col("value") <= end if end is not None else pl.lit(value=True)
        nearest = distinct.alias("value").to_frame().filter(inside).sort((pl.col("value") - own).abs(), "value")
        return sorted({own, *nearest["value"].head(steps)})
    if finite.is_empty():
        finite = pl.Series([own])
    quantiles = [finite.quantile(_TAIL) or 0.0, finite.quantile(1 - _TAIL) or 0.0]
    highest = float(finite.max() or 0.0)  # type: ignore[arg-type]
    low = min(quantiles[0], own) if start is None else start
    high = max(quantiles[1], min(2 * own, highest), own) if end is None else end
    whole = bool((finite == finite.floor()).all()) and all(float(t).is_integer() for t in (own, low, high))
    width = (high - low) / max(steps - 1, 1)
    spaced = [low + n * width for n in range(steps)]
    return sorted({own, *(float(round(t)) if whole else float(f"{t:.4g}") for t in spaced)})
