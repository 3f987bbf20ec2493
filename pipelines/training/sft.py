"""Supervised fine-tuning with TRL: from an order to a folder with the model, its report, and its losses."""

import logging
import time
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final

import polars as pl
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback
from trl import SFTConfig, SFTTrainer

from pipelines.errors import TamisError
from pipelines.training.evaluate import EvaluationSet, evaluation_set, losses, mean_loss
from pipelines.training.folder import appearing
from pipelines.training.loading import has_bfloat16, load_model, load_tokenizer
from pipelines.training.packing import Shards, packed
from pipelines.training.progress import Progress
from pipelines.training.report import LOSSES, MODEL, REPORT, ROWS, Evaluation, Report
from pipelines.training.settings import TINY, Order, Run
from pipelines.training.table import training_table
from pipelines.training.tiny import tiny_base
from pipelines.training.tool_texts import NO_TOOLS

_CPU_SHARD: Final = 512
"""Tokens that share a forward pass on a CPU, where attention over a long shard costs more than it saves."""


def train(order: Order) -> Report:
    """Train, evaluate and write `order.out`; the report of it. Raises TamisError for what a user can cure."""
    clock = _Clock()
    with appearing(order.out) as folder:
        try:
            report = _train(order, folder, clock)
        except torch.OutOfMemoryError as error:
            raise TamisError(
                "the GPU's memory is too small for this run",
                where=order.name,
                cure="Lower max_tokens, name a smaller model, or end what else runs on the GPU.",
            ) from error
        (folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    return report


def _train(order: Order, folder: Path, clock: "_Clock") -> Report:
    run = order.run
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    base = _base(order)
    clock.lap("base")
    tokenizer = load_tokenizer(base)
    table = training_table(order.exports, tokenizer, run)
    shard_tokens = _shard_tokens(run)
    shards = packed(table.rows, run, shard_tokens)
    test = evaluation_set(order.test, tokenizer, run)
    clock.lap("table")
    no_tools = f", {table.summary.no_tools:,} left out: {NO_TOOLS}" if table.summary.no_tools else ""
    say(
        order,
        f"{table.summary.used:,} rows, each {max(shards.epochs, 1):.1f} times, for {run.tokens:,} tokens in "
        f"{run.steps:,} steps; {table.summary.too_long:,} rows too long, {table.summary.unfit:,} unfit{no_tools}",
    )
    model = load_model(base, run)
    identity = _identity(base, run, model)
    clock.lap("loading")
    before = losses(model, test, shard_tokens)
    clock.lap("evaluation")
    with warnings.catch_warnings():
        # TRL 1.16 asks transformers 5.23 by the old name.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        trainer = _trainer(order, model, tokenizer, shards, folder)
        trainer.train()
    clock.lap("training")
    model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    after = losses(model, test, shard_tokens)
    clock.lap("evaluation")
    model.save_pretrained(folder / MODEL)
    tokenizer.save_pretrained(folder / MODEL)
    table.looked_at.write_parquet(folder / ROWS)
    after.write_parquet(folder / LOSSES)
    clock.lap("saving")
    return Report(
        name=order.name,
        run=run,
        base=identity,
        rows=table.summary,
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
        gpu_memory=torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
        versions={name: version(name) for name in ("torch", "transformers", "trl", "peft", "tokenizers")},
    )


def say(order: Order, text: str) -> None:
    """A line of progress."""
    print(f"{order.name}: {text}", flush=True)


def _base(order: Order) -> str:
    """Folder or Hub id of what is trained; the tiny model is made here."""
    if order.run.model != TINY:
        say(order, f"loading {order.run.model}")
        return order.run.model
    say(order, "making the tiny model, unless it is there")
    return str(tiny_base(order.bases, order.base_exports, order.run.seed))


def _shard_tokens(run: Run) -> int:
    return run.max_tokens if torch.cuda.is_available() else min(run.max_tokens, _CPU_SHARD)


def _identity(base: str, run: Run, model: PreTrainedModel) -> str:
    """What tells this base from others: the tiny model's name, else the model and its commit."""
    if run.model == TINY:
        return Path(base).name
    commit = getattr(model.config, "_commit_hash", None)
    return f"{base}@{commit}" if commit else base


def _trainer(
    order: Order, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, shards: Shards, folder: Path
) -> SFTTrainer:
    """TRL's trainer over the packed shards, which it takes in their order, `rows_a_step` to an optimizer step."""
    run, gpu = order.run, torch.cuda.is_available()
    logging.getLogger("trl").setLevel(logging.ERROR)  # it warns of batches of one row, but ours are packed
    adapter = None
    if run.rank is not None and run.alpha is not None:
        adapter = LoraConfig(task_type="CAUSAL_LM", r=run.rank, lora_alpha=run.alpha, target_modules="all-linear")
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
        learning_rate=run.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.03,
        seed=run.seed,
        data_seed=run.seed,
        use_cpu=not gpu,
        bf16=has_bfloat16(),
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
        peft_config=adapter,
        callbacks=[Progress(order.name, shards.tokens)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _evaluation(test: EvaluationSet, before: pl.DataFrame, after: pl.DataFrame) -> Evaluation | None:
    if after.is_empty():
        return None
    return Evaluation(
        all=mean_loss(after),
        kept=mean_loss(after.filter("kept")),
        base=mean_loss(before),
        too_long=test.too_long,
        unfit=test.unfit,
        no_tools=test.no_tools,
    )


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"


@dataclass
class _Clock:
    """Seconds by what they went into."""

    laps: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, name: str) -> None:
        """Book the time since the last lap under `name`."""
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + now - self._last
        self._last = now
