"""Alpha against the worked examples of Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability"."""

import polars as pl
import pytest
from verdict_rows import verdict, verdicts

from pipelines.review.agreement import agreement, alpha

# Section C and D: four observers, twelve units, missing data.
FOUR = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
BINARY = ((0, 1, 0, 0, 0, 0, 0, 0, 1, 0), (1, 1, 1, 0, 0, 1, 0, 0, 0, 0))
LETTERS = (tuple("aabbdcccedda"), tuple("babbbcccedddd"[:12]))


def answers(*observers) -> pl.DataFrame:
    rows = [(unit, value) for one in observers for unit, value in enumerate(one) if value is not None]
    return pl.DataFrame(rows, schema=["unit", "value"], orient="row")


@pytest.mark.parametrize(
    ("observers", "metric", "published"),
    [
        (BINARY, "nominal", 0.095),
        (LETTERS, "nominal", 0.692),
        (FOUR, "nominal", 0.743),
        (FOUR, "interval", 0.849),
    ],
)
def test_alpha_is_as_published(observers, metric, published) -> None:
    assert alpha(answers(*observers), metric) == pytest.approx(published, abs=5e-4)


def test_alpha_is_not_defined_without_two_answers_or_without_a_difference() -> None:
    assert alpha(answers((1, 2, 3)), "nominal") is None
    assert alpha(answers((1, 1), (1, 1)), "interval") is None
    assert alpha(answers((1, 2), (1, 2)), "interval") == 1


def test_agreement_is_of_the_last_submitted_answers() -> None:
    one, two = b"1" * 16, b"2" * 16
    rows = [
        verdict(one, "keep", rating=4),
        verdict(one, "drop", user="ben", rating=4),
        verdict(one, "keep", user="ben", minute=1, rating=4),
        verdict(two, "drop", rating=1),
        verdict(two, "drop", user="ben", rating=2),
        verdict(two, "keep", user="eva", status="draft"),
    ]
    told = {row["question"]: row for row in agreement(verdicts(*rows)).to_dicts()}
    assert told["decision"] == {"question": "decision", "alpha": 1.0, "records": 2, "answers": 4}
    assert told["preferred"]["alpha"] is None and told["rating"]["alpha"] < 1
