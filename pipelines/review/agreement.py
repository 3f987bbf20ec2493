"""How far people agree: Krippendorff's alpha, by question.

Krippendorff, K. (2011), "Computing Krippendorff's Alpha-Reliability"; the sums over pairs of answers are written as
sums over counts (nominal) and over squares (interval), so that nothing is quadratic.
"""

from typing import Final, Literal

import polars as pl

from pipelines.review.verdicts import RECORD, submitted

Metric = Literal["nominal", "interval"]

QUESTIONS: Final[dict[str, Metric]] = {"decision": "nominal", "preferred": "nominal", "rating": "interval"}
"""The questions whose answers can be compared, and how their differences count."""


def agreement(verdicts: pl.DataFrame) -> pl.DataFrame:
    """For each question `question`, `alpha`, `records` and `answers`: of the records that two people or more answered.

    1 is perfect agreement, 0 what chance gives, below 0 is worse; null where nothing was answered twice, or where all
    answers are the same, so that there is no difference that anyone could agree about.
    """
    said = submitted(verdicts)
    rows = []
    for question, metric in QUESTIONS.items():
        given = said.select(unit=pl.struct(*RECORD), value=question).drop_nulls("value")
        pairable = given.filter(pl.len().over("unit") > 1)
        rows.append((question, alpha(pairable, metric), pairable["unit"].n_unique(), pairable.height))
    schema = {"question": pl.String, "alpha": pl.Float64, "records": pl.Int64, "answers": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def alpha(answers: pl.DataFrame, metric: Metric) -> float | None:
    """Krippendorff's alpha of `answers`, one row an answer: `unit` (what was judged) and `value` (numbers, where the
    metric is interval). Units of one answer do not count. None where alpha is not defined."""
    pairable = answers.filter(pl.len().over("unit") > 1)
    total = pairable.height
    if total == 0:
        return None
    within = pairable.group_by("unit").agg(_disagreement(metric), answers=pl.len())
    observed = within.select((pl.col("differing") / (pl.col("answers") - 1)).sum()).item() / total
    expected = pairable.select(_disagreement(metric)).item() / (total * (total - 1))
    return None if expected == 0 else float(1 - observed / expected)


def _disagreement(metric: Metric) -> pl.Expr:
    """`differing`: the differences of all ordered pairs of a group's answers, summed: 1 for two that are not equal
    (nominal), or the square of their distance (interval)."""
    count = pl.len().cast(pl.Float64)
    if metric == "nominal":
        same = (pl.col("value").value_counts().struct.field("count").cast(pl.Float64) ** 2).sum()
        return (count**2 - same).alias("differing")
    value = pl.col("value").cast(pl.Float64)
    centred = value - value.mean()  # the same distances, and no loss where values are large
    return (2 * count * (centred**2).sum()).alias("differing")
