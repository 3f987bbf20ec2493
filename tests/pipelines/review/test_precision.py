"""Precision and recall of rules from judged controls, on made strata whose truth is known."""

import numpy as np
import polars as pl
import pytest

from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe
from pipelines.review.precision import below, rules, wilson

SIZES = pl.DataFrame({"family": ["cot", "cot"], "ground": ["random dropped", "random kept"], "size": [1_000, 9_000]})


def control(ground: str, *, junk: bool, hits: list[str], weight: float) -> dict[str, object]:
    return {"family": "cot", "ground": ground, "weight": weight, "junk": junk, "rules": hits}


def judged(*rows: dict[str, object]) -> pl.DataFrame:
    schema = {"family": pl.String, "ground": pl.String, "weight": pl.Float64, "junk": pl.Boolean}
    return pl.DataFrame(list(rows), schema=schema | {"rules": pl.List(pl.String)})


def test_a_control_stands_for_as_many_as_its_weight_says() -> None:
    dropped = [control("random dropped", junk=junk, hits=["r"], weight=100) for junk in [True] * 8 + [False] * 2]
    kept = [control("random kept", junk=junk, hits=[], weight=900) for junk in [True] + [False] * 9]
    row = rules(judged(*dropped, *kept), SIZES).row(0, named=True)
    assert row["precision"] == pytest.approx(0.8)
    assert row["recall"] == pytest.approx(800 / (800 + 900))
    assert row["precision_low"] < 0.8 < row["precision_high"] and row["judged"] == 10
    unanswered = rules(judged(*dropped[:5], *kept), SIZES).row(0, named=True)
    assert unanswered["recall"] == pytest.approx(1000 / (1000 + 900)), "five stand for all thousand that were dropped"


def test_a_stratum_that_was_judged_whole_leaves_no_doubt() -> None:
    sizes = SIZES.with_columns(size=pl.Series([2, 1]))
    rows = [
        control("random dropped", junk=True, hits=["r"], weight=1),
        control("random kept", junk=True, hits=[], weight=1),
    ]
    rows.append(control("random dropped", junk=False, hits=["r"], weight=1))
    row = rules(judged(*rows), sizes).row(0, named=True)
    assert (row["precision_low"], row["precision"], row["precision_high"]) == (0.5, 0.5, 0.5)
    assert (row["recall_low"], row["recall_high"]) == (0.5, 0.5)


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(7)
    hit = np.concatenate([np.ones(1_000, bool), generator.random(9_000) < 0.02])
    junk = np.where(hit, generator.random(10_000) < 0.7, generator.random(10_000) < 0.05)
    truth = {"precision": junk[hit].mean(), "recall": hit[junk].mean()}
    held = dict.fromkeys(truth, 0)
    times = 200
    for _ in range(times):
        dropped, kept = generator.choice(1_000, 60, replace=False), 1_000 + generator.choice(9_000, 120, replace=False)
        sample = [
            control(ground, junk=bool(junk[n]), hits=["r"] if hit[n] else [], weight=weight)
            for chosen, ground, weight in ((dropped, "random dropped", 1_000 / 60), (kept, "random kept", 75.0))
            for n in chosen
        ]
        row = rules(judged(*sample), SIZES).row(0, named=True)
        for name, true in truth.items():
            held[name] += row[f"{name}_low"] <= true <= row[f"{name}_high"]
    assert all(count / times >= 0.9 for count in held.values()), held


def test_wilson_is_as_published() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, method 3; and 0 of 20.
    frame = pl.DataFrame({"share": [81 / 263, 0.0], "count": [263.0, 20.0]})
    low, high = wilson(pl.col("share"), pl.col("count"))
    made = frame.select(low=low, high=high).rows()
    assert made[0] == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert made[1] == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_a_rule_that_drops_too_much_that_is_good_is_named() -> None:
    dropping = Rule(name="r", signal="completion_words", comparison="<", threshold=5, why="Short.")
    marking = dropping.model_copy(update={"name": "m", "action": "mark"})
    rows = [control("random dropped", junk=False, hits=["r", "m"], weight=500) for _ in range(2)]
    measured = rules(judged(*rows), SIZES)
    assert below(measured, Recipe(sources={}, rules=[dropping, marking]))["rule"].to_list() == ["r"]
    assert measured["recall"].to_list() == [None, None], "nobody found any junk"
