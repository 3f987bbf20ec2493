import polars as pl
import pytest

from pipelines.effects.thresholds import thresholds
from pipelines.quality.rules import Rule


def rule(comparison: str, threshold: float) -> Rule:
    return Rule.model_validate(
        {"name": "r", "signal": "completion_words", "comparison": comparison, "threshold": threshold, "why": "a test"}
    )


@pytest.mark.parametrize(
    ("comparison", "own", "values", "given", "found"),
    [
        (">", 0.5, [0.0, 0.25, 1.0], {}, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (">=", 50, [0.0] * 500 + [60.0], {}, [0.0, 15.0, 30.0, 45.0, 50.0, 60.0]),
        ("<", 3, [float(n) for n in range(1001)], {"start": 1, "end": 5}, [1, 2, 3, 4, 5]),
        ("<", 3, [0.5], {"start": 0, "end": 1}, [0.0, 0.25, 0.5, 0.75, 1.0, 3.0]),
        (">=", 3, [], {}, [3]),
        (">=", 3, [float("inf"), float("nan"), None, 4.0], {}, [3.0, 4.0]),
        (">=", 1, [0.0, 1.0], {"start": 9}, [1, 3, 5, 7, 9]),
        ("==", 1, [0.0, 0.0, 1.0, 7.0], {}, [0, 1, 7]),
        ("==", 1, [float(n) for n in range(100)], {"start": 1}, [1, 2, 3, 4, 5]),
        ("==", 1, [], {}, [1]),
    ],
)
def test_thresholds_reach_over_what_records_have(
    comparison: str, own: float, values: list[float | None], given: dict[str, float], found: list[float]
) -> None:
    series = pl.Series("value", values, dtype=pl.Float64)
    ends = {"start": None, "end": None} | given
    tried = thresholds(rule(comparison, own), series, ends["start"], ends["end"], 5)
    assert own in tried
    assert tried == sorted(set(tried))
    assert tried == found
