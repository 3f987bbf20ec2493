"""Rows become token ids: rendered by a model's chat template, the completion told from the prompt."""

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from jinja2 import TemplateError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED: Final = -100
"""Label of a token without loss, as torch's cross entropy has it."""

REFUSED: Final = "the chat template refuses the row"
CHANGED: Final = "the chat template changes the row"
"""It renders the prompt otherwise once the answer follows, or leaves out a part of the answer (its reasoning, say)."""
TOO_LONG: Final = "too long"


def tokenised(rows: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase", max_tokens: int) -> pl.DataFrame:
    """Token ids of rows with `prompt` and `completion` (lists of messages), in their order.

    Columns: `input_ids` (list of int32, null for a row that is left out), `n_tokens` (null where nothing
    could be rendered), `n_loss_tokens` (those of the completion, which ends with the token that ends the
    turn), `reason` (why it is left out, else null). Prompt and completion are tokenised apart, as they are
    when a model answers. Templates run at some 55 MB a CPU-second, tokenizers at 3.
    """
    prompts = rows["prompt"].to_list()
    whole = [prompt + completion for prompt, completion in zip(prompts, rows["completion"].to_list(), strict=True)]
    texts = pl.DataFrame(
        {"prompt": _rendered(prompts, tokenizer, ask=True), "whole": _rendered(whole, tokenizer, ask=False)},
        schema={"prompt": pl.String, "whole": pl.String},
    ).select(
        "prompt",
        completion=_ended(pl.col("whole").str.strip_prefix(pl.col("prompt")), str(tokenizer.eos_token)),
        reason=pl.when(pl.any_horizontal(pl.all().is_null()))
        .then(pl.lit(REFUSED))
        .when((pl.col("prompt") == "") | ~pl.col("whole").str.starts_with(pl.col("prompt")))
        .then(pl.lit(CHANGED)),
        said=rows["completion"].list.eval(pl.element().struct.field("content")).list.join(""),
    )
    lost = ~_dense(pl.col("completion")).str.contains(_dense(pl.col("said")), literal=True)
    texts = texts.with_columns(
        reason=pl.when(pl.col("reason").is_null() & lost).then(pl.lit(CHANGED)).otherwise("reason")
    )
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


def _rendered(
    conversations: list[list[dict[str, Any]]], tokenizer: "PreTrainedTokenizerBase", *, ask: bool
) -> list[str | None]:
    """Their texts; null for one that the template refuses (a role that it does not know, say)."""
    if not conversations:
        return []
    try:
        return list(tokenizer.apply_chat_template(conversations, tokenize=False, add_generation_prompt=ask))
    except TemplateError:
        if len(conversations) == 1:
            return [None]
        half = len(conversations) // 2
        return _rendered(conversations[:half], tokenizer, ask=ask) + _rendered(conversations[half:], tokenizer, ask=ask)


def _dense(text: pl.Expr) -> pl.Expr:
    """Without white space, which templates may set their own way."""
    return text.str.replace_all(r"\s+", "")


def _ended(completion: pl.Expr, eos: str) -> pl.Expr:
    """The completion up to the token that ends the turn: the white space after it is the next turn's."""
    stripped = completion.str.strip_chars_end()
    return pl.when(stripped.str.ends_with(eos)).then(stripped).otherwise(completion)


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
