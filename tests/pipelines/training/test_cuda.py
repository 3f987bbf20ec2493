"""On a GPU: the same losses as of rows alone, what was saved is what was measured, and a GPU that is too small."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.training import made_order
from pipelines.errors import TamisError
from pipelines.training.evaluate import EvaluationSet, evaluation_set, losses, mean_loss
from pipelines.training.loading import has_bfloat16, load_model, load_tokenizer, refuse_leaks
from pipelines.training.report import MODEL, Report
from pipelines.training.settings import Order, Run
from pipelines.training.table import training_table
from pipelines.training.tiny import tiny_base

pytestmark = pytest.mark.slow

SMALL = {"tokens": 20_000, "max_tokens": 2_048, "batch_tokens": 4_096}
PRECISIONS = pytest.mark.parametrize("half", [True, False], ids=["bfloat16", "float32"])


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    """Torch, imported here so that collecting tests stays cheap; every test is skipped where it sees no GPU."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA GPU here")
    return torch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Word salad and a tiny base made of it; 40 rows are a test set."""
    made = tmp_path_factory.mktemp("cuda")
    order = made_order(made, Run())
    rows = pl.read_parquet(order.exports[0]).head(40)
    rows = rows.with_columns(id=pl.int_range(40).cast(pl.String), family=pl.lit("instruction"), kept=pl.lit(True))
    rows.write_parquet(order.test)
    tiny_base(order.bases, order.base_exports, 0)
    return made


@pytest.fixture
def order(folder: Path, tmp_path: Path) -> Callable[..., Order]:
    def made(**changes: Any) -> Order:
        ordered = made_order(folder, Run.model_validate(SMALL | changes))
        return ordered.model_copy(update={"out": tmp_path / "result"})

    return made


@pytest.fixture
def precision(half: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """The relative error that is allowed; in float32 as on a GPU that lacks bfloat16."""
    if half and not has_bfloat16():
        pytest.skip("this GPU has no bfloat16")
    if not half:
        for module in ("loading", "sft"):
            monkeypatch.setattr(f"pipelines.training.{module}.has_bfloat16", lambda: False)
    yield 1e-2 if half else 1e-4


def trained(order: Order) -> Report:
    from pipelines.training.sft import train

    return train(order)


@PRECISIONS
@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_trainers_loss_is_that_of_rows_alone(
    order: Callable[..., Order], method: str, half: bool, precision: float
) -> None:
    """Of packed rows in training mode, with checkpoints of activations: none sees another."""
    made = order(method=method, tokens=4_096, learning_rate=1e-9)
    report = trained(made)
    base = str(tiny_base(made.bases, made.base_exports, 0))
    rows = training_table(made.exports, load_tokenizer(base), made.run).rows
    rows = rows.with_columns(family=pl.lit("x"), kept=True)
    surplus = int(rows["n_loss_tokens"].sum()) - made.run.tokens
    cut = pl.when(pl.int_range(pl.len()) == pl.len() - 1).then(surplus).otherwise(0)
    rows = rows.with_columns(
        pl.col("input_ids").list.head(pl.col("n_tokens") - cut),
        n_tokens=pl.col("n_tokens") - cut,
        n_loss_tokens=pl.col("n_loss_tokens") - cut,
    )
    alone = mean_loss(losses(load_model(base, made.run), EvaluationSet(rows, 0, 0), 1))
    assert report.losses == [pytest.approx(alone.loss, rel=precision)]


@PRECISIONS
def test_a_test_rows_loss_does_not_depend_on_what_it_is_packed_with(
    order: Callable[..., Order], half: bool, precision: float
) -> None:
    made = order()
    base = str(tiny_base(made.bases, made.base_exports, 0))
    model = load_model(base, made.run)
    test = evaluation_set(made.test, load_tokenizer(base), made.run)
    packed, alone = (losses(model, test, tokens)["nll"].to_list() for tokens in (4_096, 1))
    assert packed == pytest.approx(alone, rel=precision)


@PRECISIONS
@pytest.mark.parametrize("method", ["lora", "full"])
def test_it_learns_on_the_gpu_and_what_was_saved_is_what_was_measured(
    order: Callable[..., Order], folder: Path, torch: Any, method: str, half: bool, precision: float
) -> None:
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = str(tiny_base(folder / "bases", [folder / "instruction" / "train.parquet"], 0))
    made = order(method=method, model=base, learning_rate=3e-3)
    report = trained(made)
    assert report.device == torch.cuda.get_device_name()
    assert 0 < (report.gpu_memory or 0) < torch.cuda.get_device_properties(0).total_memory
    assert report.tokens_per_second > 0
    assert report.evaluation.all.loss < report.evaluation.base.loss  # type: ignore[union-attr, operator]
    kind = AutoPeftModelForCausalLM if method == "lora" else AutoModelForCausalLM
    wide = torch.bfloat16 if half and method == "lora" else torch.float32
    model = kind.from_pretrained(made.out / MODEL, dtype=wide).to("cuda")
    test = evaluation_set(made.test, AutoTokenizer.from_pretrained(made.out / MODEL), made.run)
    saved = mean_loss(losses(model, test, 2_048)).loss
    assert saved == pytest.approx(report.evaluation.all.loss, rel=1e-3)  # type: ignore[union-attr]


def test_the_flash_kernel_agrees_with_a_mask_in_float32(
    order: Callable[..., Order], torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Losses and gradients of a packed shard."""
    from pipelines.training.attention import PACKED

    if not has_bfloat16():
        pytest.skip("this GPU has no bfloat16")
    made = order(method="full")
    base = str(tiny_base(made.bases, made.base_exports, 0))
    lengths = (700, 1, 300, 1_500)
    positions = torch.cat([torch.arange(length) for length in lengths])[None].to("cuda")
    ids = torch.randint(0, 1_000, positions.shape, generator=torch.Generator().manual_seed(0)).to("cuda")
    found = []
    for half in (True, False):
        monkeypatch.setattr("pipelines.training.loading.has_bfloat16", lambda half=half: half)
        model = load_model(base, made.run)
        assert model.config._attn_implementation == (PACKED if half else "sdpa")
        model.train()
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=half):
            loss = model(input_ids=ids, position_ids=positions, labels=ids, use_cache=False).loss
        loss.backward()
        found.append((loss.item(), torch.cat([part.grad.flatten() for part in model.parameters()])))
    (half_loss, half_gradient), (loss, gradient) = found
    assert half_loss == pytest.approx(loss, rel=1e-2)
    assert torch.linalg.vector_norm(half_gradient - gradient) < 0.05 * torch.linalg.vector_norm(gradient)


def test_leaks_are_found_on_the_gpu(order: Callable[..., Order], monkeypatch: pytest.MonkeyPatch) -> None:
    made = order()
    model: Any = load_model(str(tiny_base(made.bases, made.base_exports, 0)), made.run)
    forward = model.forward
    monkeypatch.setattr(model, "forward", lambda position_ids, **rest: forward(**rest))
    with pytest.raises(TamisError, match="packed together see each other"):
        refuse_leaks(model, "leaky")


def test_a_gpu_that_is_too_small_is_said_and_leaves_nothing(order: Callable[..., Order], torch: Any) -> None:
    made = order()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-3)
    try:
        with pytest.raises(TamisError, match=r"the GPU's memory is too small.*Lower max_tokens"):
            trained(made)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert [path.name for path in made.out.parent.iterdir()] == [".result.lock"]
