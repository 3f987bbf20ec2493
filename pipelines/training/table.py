"""The training table: the rows of a recipe's exports that one run learns from, as token ids and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.lots import by_lot
from pipelines.training.rendering import IGNORED, TOO_LONG, tokenised
from pipelines.training.rows import offered, read
from pipelines.training.settings import Run
from pipelines.training.tool_texts import NO_TOOLS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_AT_LEAST: Final = 256
"""Rows that are tokenised in one go, at least: each go reads the files again."""

_BYTES_PER_TOKEN: Final = 5
"""English text and the tokenizers of 2026; only decides how many rows the first go takes."""


@dataclass(frozen=True)
class Summary:
    """What became of the exports' rows: `rows = used + too_long + unfit + no_tools + not_reached`."""

    rows: int
    used: int
    too_long: int
    """Longer than `max_tokens`, among the rows looked at."""
    unfit: int
    """Rows that the chat template refuses or changes, or with calls that are not JSON, among the rows looked at."""
    not_reached: int
    """Rows after the one that filled the token budget."""
    tokens: int
    loss_tokens: int
    """Of the rows used, each counted once."""
    no_tools: int = 0
    """Rows with tools that the chat template knows nothing of, among the rows looked at. Reports of earlier versions
    do not say it."""


@dataclass(frozen=True)
class TrainingTable:
    """What one run learns from, in the order of training.

    `rows`: `id`, `input_ids`, `labels` (lists of int32; a label is -100 where there is no loss), `n_tokens`,
    `n_loss_tokens`. `looked_at`: these rows and those left out between them: `id`, `n_tokens`, `n_loss_tokens`,
    `reason` (null where the row is used).
    """

    rows: pl.DataFrame
    looked_at: pl.DataFrame
    summary: Summary


def training_table(exports: Sequence[Path], tokenizer: "PreTrainedTokenizerBase", run: Run) -> TrainingTable:
    """The rows that a run trains on, those left out, and the count of both.

    `exports` are parquet files with `prompt` and `completion` (lists of messages), those of rows with tools with
    `tools` too, each with a file at `exports.ids_of` that has its rows' `id`. Rows are drawn by lot (`run.seed`),
    whatever the order of the files, until their loss-bearing tokens fill `run.tokens`: only what is needed is
    tokenised, and no more text than a batch is held at a time. Raises TamisError where no row fits.
    """
    drawn = by_lot(offered(exports, "completion"), f"train {run.seed}").with_row_index("place")
    parts: list[pl.DataFrame] = []
    done = filled = 0
    while done < len(drawn) and filled < run.tokens:
        sizes = drawn["bytes"][done:].cum_sum()
        count = max(int(sizes.search_sorted((run.tokens - filled) * _BYTES_PER_TOKEN)) + 1, _AT_LEAST)
        part = _tokenised(exports, drawn[done : done + count], tokenizer, run.max_tokens)
        parts.append(part)
        filled += int(part.filter(pl.col("reason").is_null())["n_loss_tokens"].sum())
        done += count
    if not filled:
        raise TamisError(
            f"none of the {len(drawn):,} rows can be trained on: each is longer than {run.max_tokens:,} tokens, "
            "refused by the chat template, or has tools that it knows nothing of",
            where="training table",
            cure="Raise max_tokens of the run, or name another model.",
        )
    fits = pl.col("reason").is_null()
    before = pl.when(fits).then("n_loss_tokens").otherwise(0).cum_sum().shift(1, fill_value=0)
    looked_at = pl.concat(parts).filter(before < run.tokens)
    rows = looked_at.filter(fits).select("id", "input_ids", _labels(), "n_tokens", "n_loss_tokens")
    too_long, no_tools = (int((looked_at["reason"] == reason).sum()) for reason in (TOO_LONG, NO_TOOLS))
    return TrainingTable(
        rows=rows,
        looked_at=looked_at.select("id", "n_tokens", "n_loss_tokens", "reason"),
        summary=Summary(
            rows=len(drawn),
            used=len(rows),
            too_long=too_long,
            unfit=len(looked_at) - len(rows) - too_long - no_tools,
            not_reached=len(drawn) - len(looked_at),
            tokens=int(rows["n_tokens"].sum()),
            loss_tokens=int(rows["n_loss_tokens"].sum()),
            no_tools=no_tools,
        ),
    )


def _labels() -> pl.Expr:
    """The token ids where the completion is, -100 where the prompt is."""
    prompt = pl.lit(IGNORED, pl.Int32).repeat_by(pl.col("n_tokens") - pl.col("n_loss_tokens"))
    return pl.concat_list(prompt, pl.col("input_ids").list.tail(pl.col("n_loss_tokens"))).alias("labels")


def _tokenised(
    exports: Sequence[Path], wanted: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase", max_tokens: int
) -> pl.DataFrame:
    """The wanted rows with their tokens, by `place`."""
    parts = [
        pl.concat([here, tokenised(rows, tokenizer, max_tokens)], how="horizontal")
        for here, rows in read(exports, wanted)
    ]
    return pl.concat(parts).sort("place")
