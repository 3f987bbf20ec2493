import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.training.evaluate import evaluation_set, losses, mean_loss
from pipelines.training.loading import load_model, load_tokenizer
from pipelines.training.settings import Order, Run

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    return load_model(str(tiny), Run())


def alone(model: Any, ids: list[int], carrying: int) -> float:
    """The summed loss of a completion, by the model's own loss on one row that nothing is packed with."""
    import torch

    row = torch.tensor([ids])
    labels = row.clone()
    labels[:, : len(ids) - carrying] = -100
    with torch.no_grad():
        return float(model(input_ids=row, labels=labels).loss) * carrying


@pytest.mark.parametrize("shard_tokens", [1, 100, 10_000])
def test_a_rows_loss_is_what_it_is_alone(
    order: Callable[..., Order], tiny: Path, model: Any, shard_tokens: int
) -> None:
    made = order()
    test = evaluation_set(made.test, load_tokenizer(str(tiny)), made.run)
    found = losses(model, test, shard_tokens)
    assert found["id"].to_list() == test.rows["id"].to_list()
    assert found["tokens"].to_list() == test.rows["n_loss_tokens"].to_list()
    for ids, carrying, nll in zip(test.rows["input_ids"], found["tokens"], found["nll"], strict=True):
        assert nll == pytest.approx(alone(model, ids.to_list(), carrying), rel=1e-4)


def test_every_row_of_the_file_is_counted(order: Callable[..., Order], tiny: Path) -> None:
    made = order()
    tokenizer = load_tokenizer(str(tiny))
    rows = pl.read_parquet(made.test)
    whole = evaluation_set(made.test, tokenizer, made.run)
    assert whole.rows.height == rows.height
    limit = int(whole.rows["n_tokens"].to_numpy().max()) - 1
    part = evaluation_set(made.test, tokenizer, made.run.model_copy(update={"max_tokens": limit}))
    assert 0 < part.too_long == rows.height - part.rows.height
    assert part.rows.equals(whole.rows.filter(pl.col("n_tokens") <= limit))


def test_the_mean_weighs_tokens_not_rows() -> None:
    rows = pl.DataFrame({"tokens": [1, 3], "nll": [4.0, 4.0]})
    assert mean_loss(rows).loss == 2.0
    nothing = mean_loss(rows.clear())
    assert (nothing.loss, nothing.rows) == (None, 0)


def test_a_test_set_without_rows_has_no_loss(order: Callable[..., Order], tiny: Path, model: Any) -> None:
    made = order()
    pl.read_parquet(made.test).clear().write_parquet(made.test)
    test = evaluation_set(made.test, load_tokenizer(str(tiny)), made.run)
    assert losses(model, test, 512).height == 0


def test_no_more_logits_than_a_few_are_held_at_once(
    order: Callable[..., Order], tiny: Path, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = order()
    test = evaluation_set(made.test, load_tokenizer(str(tiny)), made.run)
    whole = losses(model, test, 10_000)["nll"]
    monkeypatch.setattr("pipelines.training.evaluate._SCORED", 7)
    parts = losses(model, test, 10_000)["nll"]
    assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(whole, parts, strict=True))
