import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.training.compare import SEEDS, comparison
from pipelines.training.report import LOSSES, Evaluation, Loss, Report
from pipelines.training.settings import Run
from pipelines.training.table import Summary


def finished(folder: Path, nll: list[float], kept: list[bool] | None = None, **changes: object) -> Path:
    """A run's folder with the losses of test rows of 10 tokens each."""
    folder.mkdir()
    total = Loss(loss=sum(nll) / (10 * len(nll)), tokens=10 * len(nll), rows=len(nll))
    said: dict[str, object] = {
        "name": folder.name,
        "run": Run(),
        "base": "tiny-1",
        "rows": Summary(rows=1, used=1, too_long=0, unfit=0, not_reached=0, tokens=1, loss_tokens=1),
        "steps": 1,
        "tokens": 100_000,
        "tokens_read": 200_000,
        "epochs": 1.0,
        "trainable_parameters": 1,
        "parameters": 1,
        "losses": [1.0],
        "evaluation": Evaluation(
            all=total, kept=total, base=total.model_copy(update={"loss": 9.0}), too_long=0, unfit=0, not_taken=0
        ),
        "seconds": {},
        "device": "CPU",
        "versions": {},
    }
    (folder / "report.json").write_text(Report.model_validate(said | changes).model_dump_json(), encoding="utf-8")
    ids = [f"a/instruction/{n}" for n in range(len(nll))]
    pl.DataFrame(
        {"id": ids, "family": "instruction", "kept": kept or [True] * len(nll), "tokens": 10, "nll": nll}
    ).write_parquet(folder / LOSSES)
    return folder


def losses(mean: float, rows: int = 200) -> list[float]:
    return list(10 * (mean + np.random.default_rng(1).normal(0, 0.2, rows)))


def test_a_lower_loss_on_every_row_helped(tmp_path):
    base = losses(5.0)
    found = comparison(finished(tmp_path / "c", [n - 1 for n in base]), finished(tmp_path / "b", base))
    assert found.all is not None and found.helped
    assert found.all.difference == pytest.approx(-0.1)
    assert found.all.low == pytest.approx(-0.1) and found.all.high == pytest.approx(-0.1)
    assert (found.all.rows, found.all.tokens, found.base) == (200, 2000, 9.0)
    assert "Curation helped" in found.sentence


def test_a_higher_loss_did_not_help(tmp_path):
    base = losses(5.0)
    found = comparison(finished(tmp_path / "c", [n + 1 for n in base]), finished(tmp_path / "b", base))
    assert found.all is not None and found.all.outcome == "hurt"
    assert "did not help" in found.verdict and "higher" in found.verdict


def test_what_the_test_rows_could_have_turned_around_is_no_difference(tmp_path):
    noisy = np.random.default_rng(2).normal(-0.5, 20, 50)
    base = losses(5.0, 50)
    found = comparison(finished(tmp_path / "c", list(np.array(base) + noisy)), finished(tmp_path / "b", base))
    assert found.all is not None
    assert found.all.low < 0 < found.all.high
    assert not found.helped and "did not help" in found.verdict


def test_what_another_seed_would_move_is_no_difference_however_many_rows(tmp_path):
    base = losses(5.0)
    found = comparison(finished(tmp_path / "c", [n - 10 * SEEDS / 2 for n in base]), finished(tmp_path / "b", base))
    assert found.all is not None
    assert found.all.high < 0
    assert found.all.outcome == "no difference"


def test_the_kept_part_is_the_curated_recipes(tmp_path):
    base, kept = losses(5.0, 100), [n < 40 for n in range(100)]
    better = [n - 5 if k else n + 9 for n, k in zip(base, kept, strict=True)]
    found = comparison(finished(tmp_path / "c", better, kept), finished(tmp_path / "b", base))
    assert found.kept is not None and found.all is not None
    assert (found.kept.rows, found.kept.outcome, found.all.outcome) == (40, "helped", "hurt")


def test_the_interval_is_the_same_each_time_and_near_the_textbooks(tmp_path):
    base = losses(5.0, 400)
    step = np.random.default_rng(3).normal(1, 3, 400)
    folders = finished(tmp_path / "c", list(np.array(base) + step)), finished(tmp_path / "b", base)
    first, second = comparison(*folders), comparison(*folders)
    assert first == second
    assert first.all is not None
    half = 1.96 * step.std() / math.sqrt(400) / 10
    assert (first.all.high - first.all.low) / 2 == pytest.approx(half, rel=0.1)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": "tiny-2"}, "other models"),
        ({"tokens": 50_000}, "other numbers of tokens"),
        ({"run": Run(learning_rate=0.5)}, "learning_rate"),
    ],
)
def test_runs_that_differ_are_refused(tmp_path, changes, why):
    found = comparison(finished(tmp_path / "c", losses(5.0)), finished(tmp_path / "b", losses(5.0), **changes))
    assert found.all is None and found.refused is not None
    assert why in found.refused and why in found.sentence
    assert not found.helped


def test_other_test_rows_are_refused(tmp_path):
    found = comparison(finished(tmp_path / "c", losses(5.0, 100)), finished(tmp_path / "b", losses(5.0, 90)))
    assert found.refused == "they were measured on other test rows (100 and 90, 90 of them the same)"


def test_runs_that_were_not_evaluated_say_so(tmp_path):
    folders = [finished(tmp_path / name, losses(5.0), evaluation=None) for name in "cb"]
    found = comparison(*folders)
    assert found.all is None
    assert "nothing can be said" in found.sentence
