import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.errors import TamisError
from pipelines.exports import ids_of
from pipelines.training.report import LOSSES, MODEL, ROWS, Report
from pipelines.training.settings import Order


def trained(order: Order) -> Report:
    from pipelines.training.sft import train

    return train(order)


def ids(paths: list[Path]) -> set[str]:
    return {i for path in paths for i in pl.read_parquet(ids_of(path))["id"]}


@pytest.fixture
def qwen(tiny: Path, tmp_path: Path) -> str:
    """A checkpoint as the Hub has Qwen/Qwen3-0.6B, only small: not the tiny model to the code."""
    folder = tmp_path / "Qwen3-small"
    shutil.copytree(tiny, folder)
    return str(folder)


def test_both_recipes_learn_equally_much_from_the_same_base_and_are_measured_on_the_same_rows(
    corpus: Any, order: Callable[..., Order]
) -> None:
    reports, losses = {}, {}
    for recipe in ("default", "raw"):
        made = order(recipe)
        reports[recipe] = trained(made)
        losses[recipe] = pl.read_parquet(made.out / LOSSES)
        assert Report.read(made.out) == reports[recipe]
        looked_at = pl.read_parquet(made.out / ROWS)
        assert set(looked_at["id"]) <= ids(made.exports)
        assert not set(looked_at["id"]) & set(losses[recipe]["id"])
    first, second = reports.values()
    assert first.base == second.base
    assert first.run == second.run
    assert (first.tokens, first.steps, len(first.losses)) == (3_000, 11, 11)
    assert (second.tokens, second.steps, len(second.losses)) == (3_000, 11, 11)
    assert losses["default"].select("id", "tokens").equals(losses["raw"].select("id", "tokens"))
    assert first.evaluation.base == second.evaluation.base
    assert first.evaluation.kept.rows < first.evaluation.all.rows == second.evaluation.kept.rows
    assert first.rows.rows == len(ids(corpus.exports()))
    assert set(first.seconds) == {"base", "table", "loading", "evaluation", "training", "saving"}
    assert first.last_loss < first.first_loss - 0.5
    assert first.evaluation.all.loss < first.evaluation.base.loss - 0.3  # type: ignore[operator]
    again = trained(order("default"))
    assert again.losses == first.losses, "a run repeats exactly"
    assert again.evaluation == first.evaluation


@pytest.mark.parametrize("settings", [{}, {"method": "full", "learning_rate": 1e-3}], ids=["lora", "full"])
def test_another_model_is_one_changed_line(
    order: Callable[..., Order], qwen: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from pipelines.training.evaluate import evaluation_set, losses

    made = order(model=qwen, **settings)
    report = trained(made)
    assert report.base == qwen
    assert report.evaluation.all.loss < report.evaluation.base.loss  # type: ignore[operator]
    assert (report.trainable_parameters == report.parameters) == (settings != {})
    kind = AutoModelForCausalLM if settings else AutoPeftModelForCausalLM
    model = kind.from_pretrained(made.out / MODEL)
    test = evaluation_set(made.test, AutoTokenizer.from_pretrained(made.out / MODEL), made.run)
    saved = losses(model, test, 512)["nll"].sum() / report.evaluation.all.tokens
    assert saved == pytest.approx(report.evaluation.all.loss, rel=1e-4), "what was saved is what was measured"
    assert not (made.out / "trainer").exists() or not list((made.out / "trainer").iterdir())


def test_the_trainers_loss_is_that_of_rows_alone(order: Callable[..., Order], tiny: Path) -> None:
    """Shards that leaked, lost a label, or weighed shards rather than tokens would have another loss."""
    from pipelines.training.evaluate import EvaluationSet, losses, mean_loss
    from pipelines.training.loading import load_model, load_tokenizer
    from pipelines.training.table import training_table

    made = order(tokens=1_000, batch_tokens=1_000, learning_rate=1e-9)
    pl.read_parquet(made.test).clear().write_parquet(made.test)
    report = trained(made)
    assert report.evaluation is None, "there was nothing to measure it on"
    table = training_table(made.exports, load_tokenizer(str(tiny)), made.run)
    rows = table.rows.with_columns(family=pl.lit("x"), kept=True)
    surplus = int(rows["n_loss_tokens"].sum()) - made.run.tokens
    last = pl.int_range(pl.len()) == pl.len() - 1
    cut = pl.when(last).then(surplus).otherwise(0)
    rows = rows.with_columns(
        pl.col("input_ids").list.head(pl.col("n_tokens") - cut),
        n_tokens=pl.col("n_tokens") - cut,
        n_loss_tokens=pl.col("n_loss_tokens") - cut,
    )
    alone = mean_loss(losses(load_model(str(tiny), made.run), EvaluationSet(rows, 0, 0), 1))
    assert report.losses == [pytest.approx(alone.loss, rel=1e-3)]


def test_a_failed_run_keeps_the_result_before(order: Callable[..., Order]) -> None:
    made = order()
    made.out.mkdir()
    (made.out / "good").touch()
    with pytest.raises(TamisError, match="cannot be loaded"):
        trained(made.model_copy(update={"run": made.run.model_copy(update={"model": str(made.test.parent)})}))
    assert [path.name for path in made.out.iterdir()] == ["good"]
    assert [path.name for path in made.out.parent.glob(".*")] == [f".{made.out.name}.lock"]
