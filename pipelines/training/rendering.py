"""Rows become token ids: rendered by a model's chat template, the completion told from the prompt."""

from typing import TYPE_CHECKING, Final

import polars as pl

from pipelines.tool_calls import calls_tools
from pipelines.training.texts import plain_texts
from pipelines.training.tool_texts import tool_texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED: Final = -100
"""Label of a token without loss, as torch's cross entropy has it."""

TOO_LONG: Final = "too long"
BYTES_A_TOKEN: Final = 512
"""More than tokens of any model stand for on average, white space included."""


def tokenised(rows: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase", max_tokens: int) -> pl.DataFrame:
    """Token ids of rows with `prompt` and `completion` (lists of messages), in their order.

    Where there is a column `tools`, messages are `tool_calls.MESSAGES`, and rows that are offered tools or call some
    are rendered by `tool_texts`: a completion that is a call is what the model learns to say, as any other.

    Columns: `input_ids` (list of int32, null for a row that is left out), `n_tokens` (null where nothing
    could be rendered, or nothing was), `n_loss_tokens` (those of the completion, which ends with the token that ends
    the turn), `reason` (why it is left out, else null). Prompt and completion are tokenised apart, as they are
    when a model answers. Templates run at some 55 MB a CPU-second, tokenizers at 3. A row of more than BYTES_A_TOKEN
    for each of `max_tokens` is too long without a look: its tokens would take a hundred times its memory.
    """
    content = pl.element().struct.field("content").str.len_bytes()
    sizes = (pl.col(part).list.eval(content).list.sum() for part in ("prompt", "completion"))
    fits = rows.select(pl.sum_horizontal(sizes) <= max_tokens * BYTES_A_TOKEN).to_series()
    if fits.all():
        return _tokenised(rows, tokenizer, max_tokens)
    looked_at = _tokenised(rows.filter(fits), tokenizer, max_tokens).with_columns(place=fits.arg_true())
    told = fits.to_frame("fits").with_row_index("place").join(looked_at, on="place", how="left", maintain_order="left")
    reason = pl.when("fits").then("reason").otherwise(pl.lit(TOO_LONG)).alias("reason")
    return told.select("input_ids", "n_tokens", "n_loss_tokens", reason)


def _tokenised(rows: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase", max_tokens: int) -> pl.DataFrame:
    texts = _texts(rows, tokenizer)
    good = pl.col("reason").is_null()
    ids = pl.DataFrame(
        [
            _encoded(texts.select(pl.when(good).then("prompt")).to_series(), tokenizer),
            _encoded(texts.select(pl.when(good).then("completion")).to_series(), tokenizer),
            texts["reason"],
        ]
    ).with_columns(
        n_loss_tokens=pl.col("completion").list.len().cast(pl.Int64),
        n_tokens=(pl.col("prompt").list.len() + pl.col("completion").list.len()).cast(pl.Int64),
    )
    too_long = pl.col("n_tokens") > max_tokens
    return ids.select(
        input_ids=pl.when(good & ~too_long).then(pl.concat_list("prompt", "completion")),
        n_tokens="n_tokens",
        n_loss_tokens="n_loss_tokens",
        reason=pl.when(too_long).then(pl.lit(TOO_LONG)).otherwise("reason"),
    )


def _texts(rows: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase") -> pl.DataFrame:
    """`prompt`, `completion` and `reason` of each row."""
    if "tools" not in rows.columns:
        return plain_texts(rows, tokenizer)
    message = pl.element().struct
    plain = pl.struct(message.field("role"), message.field("content"))
    placed = rows.with_row_index("place").with_columns(__tools=calls_tools(("prompt", "completion")))
    with_tools = placed.filter("__tools")
    without = placed.filter(~pl.col("__tools")).with_columns(pl.col("prompt", "completion").list.eval(plain))
    parts = [
        without.select("place").hstack(plain_texts(without, tokenizer)),
        with_tools.select("place").hstack(tool_texts(with_tools, tokenizer)),
    ]
    return pl.concat(parts).sort("place").drop("place")


def _encoded(texts: pl.Series, tokenizer: "PreTrainedTokenizerBase") -> pl.Series:
    """Token ids of each text, as lists of int32; null stays null."""
    present = texts.drop_nulls().to_list()
    options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
    ids = tokenizer(present, **options)["input_ids"] if present else []
    encoded = pl.Series(texts.name, ids, dtype=pl.List(pl.Int32))
    if len(present) == len(texts):
        return encoded
    places = pl.select(pl.when(texts.is_not_null()).then(texts.is_not_null().cum_sum() - 1)).to_series()
    return (
        encoded.gather(places).alias(texts.name)
        if present
        else pl.Series(texts.name, [None] * len(texts), encoded.dtype)
    )
