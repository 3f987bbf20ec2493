"""The loss of a model on a test set, row by row."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from pipelines.training.loading import inference
from pipelines.training.rendering import TOO_LONG, tokenised
from pipelines.training.report import Loss
from pipelines.training.settings import Run
from pipelines.training.tool_texts import NO_TOOLS

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SCORED: Final = 1024
"""Tokens whose logits are held in float32 at a time: 600 MB with a vocabulary of 150,000."""


@dataclass(frozen=True)
class EvaluationSet:
    """The rows of a test set that a run is measured on, tokenised.

    `rows`: `id`, `family`, `kept`, `input_ids`, `n_tokens`, `n_loss_tokens`, sorted by id. The file has
    `len(rows) + too_long + unfit + no_tools`.
    """

    rows: pl.DataFrame
    too_long: int
    unfit: int
    no_tools: int = 0


def evaluation_set(path: Path, tokenizer: "PreTrainedTokenizerBase", run: Run) -> EvaluationSet:
    """Read `id`, `family`, `prompt`, `completion`, `kept`, and `tools` if it is there, from a parquet file.

    Rows that `run` could not train on (too long, unfit for the chat template, with tools that it does not know) are
    left out and counted.
    """
    rows = pl.read_parquet(path).sort("id")
    tokens = pl.concat(
        [rows.select("id", "family", "kept"), tokenised(rows, tokenizer, run.max_tokens)], how="horizontal"
    )
    too_long, no_tools = (int((tokens["reason"] == reason).sum()) for reason in (TOO_LONG, NO_TOOLS))
    fitting = tokens.filter(pl.col("reason").is_null()).drop("reason")
    return EvaluationSet(fitting, too_long, len(tokens) - len(fitting) - too_long - no_tools, no_tools)


def losses(model: "PreTrainedModel", test: EvaluationSet, shard_tokens: int) -> pl.DataFrame:
    """The loss of every row: `id`, `family`, `kept`, `tokens` (of the completion), `nll` (their sum, in nats).

    Rows share a forward pass of about `shard_tokens` tokens, packed as in training: positions start anew
    with each row, and none sees another.
    """
    rows = test.rows.with_columns(shard=(pl.col("n_tokens").cum_sum() - 1) // shard_tokens)
    sums: list[float] = []
    with inference(model):
        for _, shard in rows.group_by("shard", maintain_order=True):
            sums += _sums(model, shard)
    return rows.select(
        "id", "family", "kept", pl.col("n_loss_tokens").alias("tokens"), pl.Series("nll", sums, dtype=pl.Float64)
    )


def mean_loss(rows: pl.DataFrame) -> Loss:
    """Loss per completion token of `losses` rows; None where there is none."""
    tokens = int(rows["tokens"].sum())
    return Loss(loss=float(rows["nll"].sum()) / tokens if tokens else None, tokens=tokens, rows=len(rows))


def _sums(model: "PreTrainedModel", rows: pl.DataFrame) -> list[float]:
    """Negative log-likelihood of each row's completion, summed in float64."""
    import torch
    from torch.nn.functional import cross_entropy

    device = model.device
    lengths = rows["n_tokens"].to_numpy()
    row = np.repeat(np.arange(len(rows)), lengths)
    position = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    prompt = (rows["n_tokens"] - rows["n_loss_tokens"]).to_numpy()
    scored = np.flatnonzero(position >= prompt[row])
    ids = torch.from_numpy(rows["input_ids"].explode().to_numpy().astype(np.int64)).to(device)
    logits = model(
        input_ids=ids[None],
        position_ids=torch.from_numpy(position)[None].to(device),
        use_cache=False,  # a cache would hide from the model that the positions start anew
        logits_to_keep=torch.from_numpy(scored - 1).to(device),
    ).logits[0]
    targets = ids[torch.from_numpy(scored).to(device)]
    parts = zip(logits.split(_SCORED), targets.split(_SCORED), strict=True)
    nll = torch.cat([cross_entropy(part.float(), wanted, reduction="none").double() for part, wanted in parts])
    sums = torch.zeros(len(rows), dtype=torch.float64, device=device)
    return sums.index_add_(0, torch.from_numpy(row[scored]).to(device), nll).tolist()
