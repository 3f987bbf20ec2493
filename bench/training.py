"""Training on packed rows against batches that are padded: real tokens a second, and memory.

The rows are word salad. On a GPU the model has the shape of Qwen3-0.6B, with random weights; on a CPU it is the tiny
one. Each line is a process of its own. It takes a minute or two, so that this benchmark runs only by name:
`make bench training`.
"""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import polars as pl

from bench.children import child
from bench.corpora import SEED, Corpus, corpus
from bench.peers.measuring import peak
from pipelines.exports import ids_of
from pipelines.training.settings import TINY, Order, Run

_ROWS: Final = 2_000
_PROMPT: Final = Corpus(_ROWS, words=70, planted=0)
_COMPLETION: Final = Corpus(_ROWS, words=280, planted=0)
_STEPS: Final = 10
_PADDED_ROWS: Final = 8
"""In a batch that is padded: TRL's default."""

_SHAPE: Final[dict[str, Any]] = {
    "vocab_size": 151_936,
    "hidden_size": 1_024,
    "intermediate_size": 3_072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40_960,
    "tie_word_embeddings": True,
}
"""Of Qwen/Qwen3-0.6B, by its config."""


def run(data: Path | None) -> str:
    """The table; `data` is not read: all rows are made."""
    del data
    with tempfile.TemporaryDirectory() as scratch:
        told = json.loads(child("bench.training", "make", scratch).splitlines()[-1])
        lines = [
            f"{told['device']}, PyTorch {told['torch']}, transformers {told['transformers']}, TRL {told['trl']}, "
            f"attention: {told['attention']}; {told['model']}",
            "",
            "| weights trained | batches | real tokens a second | of what is computed, real | peak MB |",
            "| --- | --- | ---: | ---: | ---: |",
        ]
        for method in ("lora", "full"):
            for batches in ("packed", "padded"):
                answer = child("bench.training", "measure", scratch, method, batches)
                found = json.loads(answer.splitlines()[-1])
                lines.append(
                    f"| {'LoRA' if method == 'lora' else 'all'} | {batches} | {found['speed']:,.0f} | "
                    f"{found['real']:.1%} | {found['memory'] / 1e6:,.0f} |"
                )
    memory = "of tensors on the GPU" if told["gpu"] else "of the process"
    return "\n".join([*lines, "", f"with the time to warm up; peak {memory}; padded: batches of {_PADDED_ROWS} rows"])


def made_order(folder: Path, run: Run) -> Order:
    """An order on rows of word salad, which it writes unless they are there; no test rows."""
    export = folder / "instruction" / "train.parquet"
    if not export.exists():
        for path in (export, ids_of(export)):
            path.parent.mkdir(parents=True, exist_ok=True)
        parts = [
            corpus(made, SEED + number).select(pl.concat_list(pl.struct(role=pl.lit(role), content="text")).alias(name))
            for number, (made, role, name) in enumerate(
                ((_PROMPT, "user", "prompt"), (_COMPLETION, "assistant", "completion"))
            )
        ]
        rows = pl.concat(parts, how="horizontal")
        rows.write_parquet(export)
        ids = pl.DataFrame({"id": [f"made/instruction/{n}" for n in range(len(rows))]})
        ids.write_parquet(ids_of(export))
        test = rows.clear().with_columns(id=pl.lit(""), family=pl.lit("instruction"), kept=pl.lit(True))
        test.write_parquet(folder / "test.parquet")
    return Order(
        name=f"bench.{run.method}",
        run=run,
        exports=[export],
        test=folder / "test.parquet",
        base_exports=[export],
        bases=folder / "bases",
        out=folder / f"result-{run.method}",
    )


def random_base(folder: Path, order: Order) -> str:
    """Folder of a model of Qwen3-0.6B's shape with random weights, and the tiny model's tokenizer: made once."""
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    from pipelines.training.tiny import tiny_base

    base = folder / "Qwen3-0.6B-random"
    if not base.exists():
        tokenizer = AutoTokenizer.from_pretrained(tiny_base(order.bases, order.base_exports, seed=0))
        config = Qwen3Config(
            **_SHAPE, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None
        )
        Qwen3ForCausalLM(config).save_pretrained(base)
        tokenizer.save_pretrained(base)
    return str(base)


def _run_of(folder: Path, method: str) -> Run:
    """Every run that is measured, on the model that the device can train."""
    import torch

    if not torch.cuda.is_available():
        return Run.model_validate({"method": method, "tokens": 512 * _STEPS})
    base = random_base(folder, made_order(folder, Run()))
    return Run.model_validate({"method": method, "model": base, "tokens": 16_384 * _STEPS})


def _make(folder: Path) -> dict[str, Any]:
    import torch
    import transformers
    import trl

    from pipelines.training.loading import load_model

    run, gpu = _run_of(folder, "lora"), torch.cuda.is_available()
    order = made_order(folder, run)
    if run.model == TINY:
        from pipelines.training.tiny import tiny_base

        base = str(tiny_base(order.bases, order.base_exports, run.seed))
    else:
        base = run.model
    model = load_model(base, run)
    return {
        "gpu": gpu,
        "device": torch.cuda.get_device_name() if gpu else "no GPU",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "trl": trl.__version__,
        "attention": model.config._attn_implementation,
        "model": f"{'the shape of Qwen3-0.6B' if gpu else 'the tiny model'}, {model.num_parameters():,} parameters",
    }


def _packed(order: Order) -> dict[str, float]:
    """Trained as the asset does."""
    from pipelines.training.sft import train

    report = train(order)
    return {"speed": report.tokens_per_second, "real": 1.0, "memory": report.gpu_memory or peak() * 2**20}


def _padded(order: Order) -> dict[str, float]:
    """The same rows by TRL's own collator, which fills each batch up to its longest row; attention by a mask."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from pipelines.training.loading import has_bfloat16, load_model, load_tokenizer
    from pipelines.training.table import training_table
    from pipelines.training.tiny import tiny_base

    logging.getLogger("trl").setLevel(logging.ERROR)
    run, gpu = order.run, torch.cuda.is_available()
    base = run.model if run.model != TINY else str(tiny_base(order.bases, order.base_exports, run.seed))
    tokenizer = load_tokenizer(base)
    rows = training_table(order.exports, tokenizer, run).rows
    together = max(round(run.batch_tokens / float(rows["n_loss_tokens"].mean())), 1)  # type: ignore[arg-type]
    size = min(_PADDED_ROWS, together)
    adapter = None
    if run.rank is not None and run.alpha is not None:
        adapter = LoraConfig(task_type="CAUSAL_LM", r=run.rank, lora_alpha=run.alpha, target_modules="all-linear")
    model = load_model(base, run)
    model.set_attn_implementation("sdpa")
    started = time.perf_counter()
    trainer = SFTTrainer(
        model,
        args=SFTConfig(
            output_dir=str(order.out),
            num_train_epochs=1,
            per_device_train_batch_size=size,
            gradient_accumulation_steps=max(together // size, 1),
            train_sampling_strategy="sequential",
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            learning_rate=run.learning_rate,
            warmup_steps=0.03,
            use_cpu=not gpu,
            bf16=has_bfloat16(),
            activation_checkpointing=gpu,
            save_strategy="no",
            logging_steps=1,
            disable_tqdm=True,
            report_to="none",
        ),
        train_dataset=Dataset(rows.select("input_ids", "labels").to_arrow(), fingerprint="rows"),
        processing_class=tokenizer,
        peft_config=adapter,
    )
    trainer.train()
    seconds = time.perf_counter() - started
    batches = pl.int_range(pl.len()) // size
    filled = rows.group_by(batches).agg(pl.col("n_tokens").max() * pl.len())["n_tokens"].sum()
    return {
        "speed": int(rows["n_tokens"].sum()) / seconds,
        "real": int(rows["n_tokens"].sum()) / int(filled),
        "memory": torch.cuda.max_memory_allocated() if gpu else peak() * 2**20,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["make", "measure"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("method", nargs="?", choices=["lora", "full"])
    parser.add_argument("batches", nargs="?", choices=["packed", "padded"])
    arguments = parser.parse_args()
    if arguments.step == "make":
        print(json.dumps(_make(arguments.folder)))
    else:
        measured = made_order(arguments.folder, _run_of(arguments.folder, arguments.method))
        print(json.dumps((_packed if arguments.batches == "packed" else _padded)(measured)))
