"""The loss of a model on a test set, row by row."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.training.loading import inference
from pipelines.training.rendering import TOO_LONG, tokenised
from pipelines.training.report import Loss
from pipelines.training.settings import Run

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class TestSet:
    """The rows of a test set that a run is measured on, tokenised.

    `rows`: `id`, `family`, `kept`, `input_ids`, `n_tokens`, `n_loss_tokens`. The counts are of the file:
    `offered = len(rows) + too_long + unfit + not_taken`.
    """

    rows: pl.DataFrame
    offered: int
    too_long: int
    unfit: int
    not_taken: int
    """Beyond `Run.test_rows`."""


def test_set(path: Path, tokenizer: "PreTrainedTokenizerBase", run: Run) -> TestSet:
    """Read `id`, `family`, `prompt`, `completion`, `kept` from a parquet file: at most `run.test_rows`, at random.

    Which rows are taken depends on their ids and the seed alone, so that runs with the same settings are
    measured on the same rows. Families that the run does not train on stay out and are not counted.
    """
    ids = pl.scan_parquet(path).filter(pl.col("family").is_in(run.families)).select("id").collect()["id"].sort()
    taken = ids[np.random.default_rng(run.seed).permutation(len(ids))].head(run.test_rows)
    rows = pl.scan_parquet(path).filter(pl.col("id").is_in(taken.implode())).sort("id").collect()
    tokens = pl.concat(
        [rows.select("id", "family", "kept"), tokenised(rows, tokenizer, run.max_tokens)], how="horizontal"
    )
    too_long = int((tokens["reason"] == TOO_LONG).sum())
    fitting = tokens.filter(pl.col("reason").is_null()).drop("reason")
    return TestSet(fitting, len(ids), too_long, len(tokens) - len(fitting) - too_long, len(ids) - len(taken))


def losses(model: "PreTrainedModel", test: TestSet, shard_tokens: int) -> pl.DataFrame:
    """The loss of every row: `id`, `family`, `kept`, `tokens` (of the completion), `nll` (their sum, in nats).

    Rows share a forward pass of about `shard_tokens` tokens, packed as in training: positions start anew
    with each row, and none sees another.
    """
    rows = test.rows.sort("id").with_columns(shard=(pl.col("n_tokens").cum_sum() - 1) // shard_tokens)
    model.eval()
    sums: list[float] = []
    with inference(model):
        for _, shard in rows.group_by("shard", maintain_order=True):
            sums += _sums(model, shard)
    return rows.select("id", "family", "kept", tokens="n_loss_tokens").with_columns(
        nll=pl.Series(sums, dtype=pl.Float64)
    )


def mean_loss(rows: pl.DataFrame) -> Loss:
    """Loss per completion token of `losses` rows; null where there is none."""
    tokens = int(rows["tokens"].sum())
    return Loss(loss=float(rows["nll"].sum()) / tokens if tokens else None, tokens=tokens, rows=len(rows))


def _sums(model: "PreTrainedModel", rows: pl.DataFrame) -> list[float]:
    """Negative log-likelihood of each row's completion, summed in float64."""
    import torch

    device = model.device
    lengths = rows["n_tokens"].to_numpy()
    row = np.repeat(np.arange(len(rows)), lengths)
    position = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    prompt = (rows["n_tokens"] - rows["n_loss_tokens"]).to_numpy()
    scored = np.flatnonzero(position >= prompt[row])
    ids = torch.from_numpy(rows["input_ids"].explode().to_numpy().astype(np.int64)).to(device)
    output = model(
        input_ids=ids[None],
        position_ids=torch.from_numpy(position)[None].to(device),
        use_cache=False,  # a cache would hide from the model that the positions start anew
        logits_to_keep=torch.from_numpy(scored - 1).to(device),
    )
    nll = torch.nn.functional.cross_entropy(
        output.logits[0].float(), ids[torch.from_numpy(scored).to(device)], reduction="none"
    )
    sums = torch.zeros(len(rows), dtype=torch.float64, device=device)
    return sums.index_add_(0, torch.from_numpy(row[scored]).to(device), nll.double()).tolist()
