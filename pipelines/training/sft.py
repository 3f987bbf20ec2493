"""Supervised fine-tuning with TRL, in a process of its own: `python -m pipelines.training.sft ORDER.json`.

Run so by Dagster (through Pipes) or by hand. It writes the order's folder `out`, which appears when all is done:

    model/            the adapter, or the whole model; with the tokenizer
    report.json       `report.Report`
    left_out.parquet  `id`, `n_tokens`, `reason` of the rows looked at and not trained on
    losses.parquet    `id`, `family`, `kept`, `tokens`, `nll` of each test row
"""

import logging
import os
import signal
import sys
import time
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from dagster_pipes import PipesContext, PipesEnvVarParamsLoader, open_dagster_pipes

from pipelines.errors import TamisError
from pipelines.training.evaluate import TestSet, losses, mean_loss, test_set
from pipelines.training.folder import appearing
from pipelines.training.loading import load_model, load_tokenizer
from pipelines.training.packing import Shards, packed
from pipelines.training.report import LEFT_OUT, LOSSES, MODEL, REPORT, Evaluation, Report
from pipelines.training.settings import TINY, Order, Run
from pipelines.training.table import training_table
from pipelines.training.tiny import plain_texts, tiny_base

if TYPE_CHECKING:
    import polars as pl
    from transformers import PreTrainedModel, PreTrainedTokenizerBase
    from trl import SFTTrainer


CPU_SHARD = 512


def main(arguments: list[str]) -> int:
    """Carry out the order in the file named; returns the exit code. A user's error is one line on stderr."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    launched = PipesEnvVarParamsLoader().is_dagster_pipes_process()
    try:
        with open_dagster_pipes() if launched else nullcontext() as pipes:
            order = Order.model_validate_json(Path(arguments[0]).read_bytes())
            environment(order.run)
            report = train(order)
            if pipes is not None:
                _tell(pipes, order, report)
    except TamisError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind, so that nothing half-written stays."""
    raise SystemExit(128 + number)


def environment(run: Run) -> None:
    """Set what torch and the Hub's libraries read when they are imported; what is already set stays."""
    wanted = {
        "TOKENIZERS_PARALLELISM": "true",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "CUDA_VISIBLE_DEVICES": "0",  # TRL refuses several GPUs in one process
    }
    if run.model == TINY or Path(run.model).is_dir():
        wanted |= {"HF_HUB_OFFLINE": "1"}
    if run.model == TINY:
        wanted |= {"OMP_NUM_THREADS": "1"}  # two threads on two busy cores were 12 times slower
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def train(order: Order) -> Report:
    """Train, evaluate and write `order.out`; the report of it. Raises TamisError for what a user can cure."""
    run, clock = order.run, _Clock()
    with appearing(order.out) as folder:
        base = _base(order)
        clock.lap("base")
        tokenizer = load_tokenizer(base)
        table, left_out, summary = training_table(order.exports, tokenizer, run)
        shard_tokens = _shard_tokens(run)
        shards = packed(table, run, shard_tokens)
        test = test_set(order.test, tokenizer, run) if order.test else None
        clock.lap("table")
        _say(
            order,
            f"{summary.used:,} rows, {shards.epochs:.2g} epochs, {run.tokens:,} tokens in {run.steps:,} steps"
            f" ({summary.too_long:,} rows too long)",
        )
        model = load_model(base, run)
        identity = _identity(base, run, model)
        before = losses(model, test, shard_tokens) if test else None
        clock.lap("evaluation")
        trainer = _trainer(order, model, tokenizer, shards, folder)
        trainer.train()
        clock.lap("training")
        model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
        after = losses(model, test, shard_tokens) if test else None
        clock.lap("evaluation")
        model.save_pretrained(folder / MODEL)
        tokenizer.save_pretrained(folder / MODEL)
        left_out.write_parquet(folder / LEFT_OUT)
        if after is not None:
            after.write_parquet(folder / LOSSES)
        report = Report(
            name=order.name,
            run=run,
            base=identity,
            rows=summary,
            steps=trainer.state.global_step,
            tokens=shards.loss_tokens,
            tokens_read=shards.tokens,
            epochs=shards.epochs,
            trainable_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
            parameters=sum(p.numel() for p in model.parameters()),
            losses=[float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry],
            evaluation=_evaluation(test, before, after),
            seconds=clock.laps,
            device=_device(),
            versions={name: version(name) for name in ("torch", "transformers", "trl", "peft", "tokenizers")},
        )
        (folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    return report


def _base(order: Order) -> str:
    """Folder or Hub id of what is trained; the tiny model is made here."""
    if order.run.model != TINY:
        return order.run.model
    if order.bases is None:
        raise TamisError("the order names no folder for tiny models.", where=order.name, cure="Set `bases`.")
    _say(order, "making the tiny model, unless it is there")
    return str(tiny_base(order.bases, plain_texts(order.base_exports or order.exports), order.run.seed))


def _shard_tokens(run: Run) -> int:
    """Tokens that share a forward pass: on a CPU few, where attention over a long shard costs more than it saves."""
    import torch

    return run.max_tokens if torch.cuda.is_available() else min(run.max_tokens, CPU_SHARD)


def _identity(base: str, run: Run, model: "PreTrainedModel") -> str:
    """What tells this base from others: the tiny model's name, else the model and its commit."""
    if run.model == TINY:
        return Path(base).name
    commit = getattr(model.config, "_commit_hash", None)
    return f"{base}@{commit}" if commit else base


def _trainer(
    order: Order, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", shards: Shards, folder: Path
) -> "SFTTrainer":
    """TRL's trainer over the packed shards, which it takes in their order, `rows_a_step` to an optimizer step."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    from pipelines.training.progress import Progress

    run, gpu = order.run, torch.cuda.is_available()
    logging.getLogger("trl").setLevel(logging.ERROR)  # it warns of batches of one row, but ours are packed
    if run.model == TINY and not gpu:
        torch.set_num_threads(1)
    arguments = SFTConfig(
        output_dir=str(folder / "trainer"),
        max_steps=shards.steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=shards.rows_a_step,
        train_sampling_strategy="sequential",
        packing=False,
        padding_free=True,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        learning_rate=run.peak,
        lr_scheduler_type="linear",
        warmup_steps=0.03,
        seed=run.seed,
        data_seed=run.seed,
        use_cpu=not gpu,
        bf16=gpu,
        activation_checkpointing=gpu,
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        report_to="none",
    )
    trainer = SFTTrainer(
        model,
        args=arguments,
        train_dataset=Dataset(shards.table.to_arrow(), fingerprint="shards"),
        processing_class=tokenizer,
        peft_config=LoraConfig(task_type="CAUSAL_LM", r=run.rank, lora_alpha=run.alpha, target_modules="all-linear")
        if run.method == "lora"
        else None,
        callbacks=[Progress(order.name, shards.tokens)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _evaluation(test: TestSet | None, before: "pl.DataFrame | None", after: "pl.DataFrame | None") -> Evaluation | None:
    if test is None or before is None or after is None:
        return None
    return Evaluation(
        all=mean_loss(after),
        kept=mean_loss(after.filter("kept")),
        base=mean_loss(before),
        too_long=test.too_long,
        unfit=test.unfit,
        not_taken=test.not_taken,
    )


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"


def _tell(pipes: PipesContext, order: Order, report: Report) -> None:
    """Hand the numbers to Dagster. `tokens` is always among them: the parent requires it as a sign of life."""
    numbers: dict[str, float | None] = {
        "tokens": report.tokens,
        "steps": report.steps,
        "epochs": report.epochs,
        "rows": report.rows.used,
        "rows too long": report.rows.too_long,
        "training loss, first": report.first_loss,
        "training loss, last": report.last_loss,
        "seconds": sum(report.seconds.values()),
    }
    if report.evaluation is not None:
        numbers |= {
            "test loss": report.evaluation.all.loss,
            "test loss, kept part": report.evaluation.kept.loss,
            "test loss, base": report.evaluation.base.loss,
        }
    metadata = {name: number for name, number in numbers.items() if number is not None}
    pipes.report_asset_materialization({**metadata, "folder": {"raw_value": str(order.out), "type": "path"}})


def _say(order: Order, text: str) -> None:
    print(f"{order.name}: {text}", flush=True)


class _Clock:
    """Seconds by what they went into."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Book the time since the last lap under `name`."""
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + now - self._last
        self._last = now


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
