"""Rows are packed into steps: an exact number of loss-bearing tokens, in an exact number of steps."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.training.rendering import IGNORED
from pipelines.training.settings import Run


@dataclass(frozen=True)
class Shards:
    """Packed rows in training order.

    `table`: `input_ids`, `labels`, `seq_lengths` (lists of int32), the columns that TRL's SFTTrainer takes
    with `packing=False, padding_free=True, max_length=None`. `rows_a_step` of them, one after the other,
    make an optimizer step; where a step has fewer rows than that, single tokens without loss fill it up.
    """

    table: pl.DataFrame
    steps: int
    rows_a_step: int
    tokens: int
    """Tokens read, prompts among them."""
    loss_tokens: int
    """Tokens that carry loss: exactly the run's budget."""
    epochs: float
    """Loss-bearing tokens trained on by those that the table has."""


def packed(table: pl.DataFrame, run: Run, shard_tokens: int) -> Shards:
    """Pack a training table into shards for `run.tokens` loss-bearing tokens in `run.steps` steps.

    Rows come in the table's order, then in new random orders, until the budget is filled; of the last one
    the end is cut so that it fills exactly (a causal model's loss on a beginning does not depend on the end).
    A row belongs to the step in whose share of the budget it begins. Within a step, rows are dealt by length
    into `rows_a_step` shards, as many as the longest step needs to keep to about `shard_tokens` tokens in each:
    a shard's attention costs its square, and all of its activations are in memory together.
    """
    stream = _stream(table, run)
    tokens_of_steps = stream.group_by("step").agg(pl.col("n_tokens").sum())["n_tokens"]
    shards = -(-int(tokens_of_steps.to_numpy().max()) // shard_tokens)
    # Dealt to and fro (0 1 2 2 1 0 ...): the longest shard exceeds the shortest by about one row.
    rank = pl.col("n_tokens").rank("ordinal", descending=True).over("step").cast(pl.Int64) - 1
    turn = rank % (2 * shards)
    shard = pl.min_horizontal(turn, 2 * shards - 1 - turn)
    dealt = stream.with_columns(shard=pl.col("step") * shards + shard)
    lists = dealt.group_by("shard", maintain_order=True).agg(
        pl.col("input_ids", "labels").explode(), pl.col("n_tokens").cast(pl.Int32).alias("seq_lengths")
    )
    every = pl.DataFrame({"shard": pl.int_range(run.steps * shards, dtype=pl.Int64, eager=True)})
    fillers = [pl.lit([value], dtype=pl.List(pl.Int32)) for value in (int(table["input_ids"][0][0]), IGNORED, 1)]
    columns = ("input_ids", "labels", "seq_lengths")
    loss_tokens = int(stream["n_loss_tokens"].sum())
    return Shards(
        table=every.join(lists, on="shard", how="left", maintain_order="left").select(
            pl.col(column).fill_null(filler) for column, filler in zip(columns, fillers, strict=True)
        ),
        steps=run.steps,
        rows_a_step=shards,
        tokens=int(stream["n_tokens"].sum()),
        loss_tokens=loss_tokens,
        epochs=loss_tokens / int(table["n_loss_tokens"].sum()),
    )


def _stream(table: pl.DataFrame, run: Run) -> pl.DataFrame:
    """The table's rows as often and in the order in which they are trained on, each with its `step`."""
    once = int(table["n_loss_tokens"].sum())
    random = np.random.default_rng(run.seed)
    epochs = -(-run.tokens // once)
    order = np.concatenate([np.arange(len(table)), *(random.permutation(len(table)) for _ in range(epochs - 1))])
    loss = table["n_loss_tokens"].to_numpy()[order]
    starts = np.cumsum(loss) - loss
    count = int(np.searchsorted(starts, run.tokens))
    order, starts = order[:count], starts[:count]
    surplus = max(int(starts[-1] + loss[count - 1]) - run.tokens, 0)
    length = pl.col("n_tokens") - pl.when(pl.int_range(pl.len()) == count - 1).then(surplus).otherwise(0)
    return (
        table[order]
        .with_columns(step=pl.Series(starts * run.steps // run.tokens, dtype=pl.Int64), length=length)
        .select(
            "step",
            pl.col("input_ids", "labels").list.head(pl.col("length")),
            n_tokens="length",
            n_loss_tokens=pl.col("n_loss_tokens") - (pl.col("n_tokens") - pl.col("length")),
        )
    )
