"""The training table: the rows of a recipe's exports that one run learns from, as token ids and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from pipelines.errors import TamisError
from pipelines.exports import ids_of
from pipelines.training.rendering import IGNORED, TOO_LONG, tokenised
from pipelines.training.settings import Run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BATCH = 1024
"""Rows that are rendered at a time: some MB of text."""

_BYTES_PER_TOKEN = 5
"""English text and the tokenizers of 2026; only decides how many rows the first pass takes."""


@dataclass(frozen=True)
class Summary:
    """What became of the exports' rows: `rows = used + too_long + unfit + not_reached`."""

    rows: int
    used: int
    too_long: int
    """Longer than `max_tokens`, among the rows looked at."""
    unfit: int
    """Rows that the chat template refuses or changes, among the rows looked at."""
    not_reached: int
    """Rows after the one that filled the token budget."""
    tokens: int
    loss_tokens: int
    """Of the rows used, each counted once."""


def training_table(
    exports: Sequence[Path], tokenizer: "PreTrainedTokenizerBase", run: Run
) -> tuple[pl.DataFrame, pl.DataFrame, Summary]:
    """The rows that a run trains on, the rows looked at and left out, and the count of both.

    `exports` are parquet files with `prompt` and `completion` (lists of messages), each with a
    file at `exports.ids_of` that has its rows' `id`. Rows come in a random order of `run.seed`, whatever
    the order of the files, until their loss-bearing tokens fill `run.tokens`: only what is needed is tokenised,
    and no more text than a batch is held at a time.

    The table has `id`, `input_ids` and `labels` (lists of int32; a label is -100 where there is no loss),
    `n_tokens`, `n_loss_tokens`; what is left out has `id`, `n_tokens`, `reason`. Raises TamisError where no
    row fits.
    """
    offered = pl.concat([_offered(number, path) for number, path in enumerate(exports)]).sort("id")
    order = np.random.default_rng(run.seed).permutation(len(offered))
    offered = offered[order].with_row_index("place")
    parts: list[pl.DataFrame] = []
    done = filled = 0
    while done < len(offered) and filled < run.tokens:
        sizes = offered["bytes"][done:].cum_sum()
        count = max(int(sizes.search_sorted((run.tokens - filled) * _BYTES_PER_TOKEN)) + 1, _BATCH)
        part = _tokenised(exports, offered[done : done + count], tokenizer, run.max_tokens)
        parts.append(part)
        filled += int(part.filter(pl.col("reason").is_null())["n_loss_tokens"].sum())
        done += count
    if not filled:
        raise TamisError(
            f"none of the {len(offered):,} rows can be trained on: each is longer than {run.max_tokens:,} tokens "
            "or refused by the chat template.",
            where="training table",
            cure="Raise max_tokens of the run, or name another model.",
        )
    looked_at = pl.concat(parts)
    fits = pl.col("reason").is_null()
    before = pl.when(fits).then("n_loss_tokens").otherwise(0).cum_sum().shift(1, fill_value=0)
    looked_at = looked_at.filter(before < run.tokens)
    table = looked_at.filter(fits).select("id", "input_ids", _labels(), "n_tokens", "n_loss_tokens")
    left_out = looked_at.filter(~fits).select("id", "n_tokens", "reason")
    too_long = int((left_out["reason"] == TOO_LONG).sum())
    return (
        table,
        left_out,
        Summary(
            rows=len(offered),
            used=len(table),
            too_long=too_long,
            unfit=len(left_out) - too_long,
            not_reached=len(offered) - len(looked_at),
            tokens=int(table["n_tokens"].sum()),
            loss_tokens=int(table["n_loss_tokens"].sum()),
        ),
    )


def _labels() -> pl.Expr:
    """The token ids where the completion is, -100 where the prompt is."""
    prompt = pl.lit(IGNORED, pl.Int32).repeat_by(pl.col("n_tokens") - pl.col("n_loss_tokens"))
    return pl.concat_list(prompt, pl.col("input_ids").list.tail(pl.col("n_loss_tokens"))).alias("labels")


def _offered(number: int, path: Path) -> pl.DataFrame:
    """`id`, `file`, `row` and the completion's `bytes` of every row of an export."""
    sizes = pl.element().struct.field("content").str.len_bytes()
    rows = pl.scan_parquet(path).select(bytes=pl.col("completion").list.eval(sizes).list.sum()).collect()
    ids = pl.read_parquet(ids_of(path), columns=["id"])
    if len(ids) != len(rows):
        raise TamisError(
            f"holds {len(rows):,} rows, its ids {len(ids):,}.",
            where=str(path),
            cure="Materialise the exports of this recipe again.",
        )
    return pl.concat([ids, rows], how="horizontal").with_columns(
        pl.lit(number, pl.Int32).alias("file"), pl.int_range(pl.len(), dtype=pl.Int64).alias("row")
    )


def _tokenised(
    exports: Sequence[Path], wanted: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase", max_tokens: int
) -> pl.DataFrame:
    """The wanted rows with their tokens, by `place`. Files are read front to back, a batch at a time."""
    parts = []
    for (number,), of_file in wanted.group_by("file"):
        start = 0
        for batch in pq.ParquetFile(exports[number]).iter_batches(_BATCH, columns=["prompt", "completion"]):
            here = of_file.filter(pl.col("row").is_between(start, start + len(batch), closed="left"))
            rows = pl.DataFrame(pl.from_arrow(batch))[here["row"] - start]
            if len(here):
                parts.append(pl.concat([here, tokenised(rows, tokenizer, max_tokens)], how="horizontal"))
            start += len(batch)
    return pl.concat(parts).sort("place")
