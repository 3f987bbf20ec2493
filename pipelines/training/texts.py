"""Rows become texts: rendered by a model's chat template, the completion told from the prompt."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from jinja2 import TemplateError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

REFUSED: Final = "the chat template refuses the row"
CHANGED: Final = "the chat template changes the row"
"""It renders the prompt otherwise once the answer follows, or leaves out a part of the answer (its reasoning, say), or
of what was called."""

_REFUSALS: Final = (TemplateError, TypeError, RecursionError)
"""What templates raise: on purpose, by joining text with what is none, and over what is nested too deeply."""


def plain_texts(rows: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase") -> pl.DataFrame:
    """`prompt`, `completion` and `reason` (as `told_apart` has them) of rows of messages with `role` and `content`."""
    prompts = rows["prompt"].to_list()
    whole = [prompt + completion for prompt, completion in zip(prompts, rows["completion"].to_list(), strict=True)]
    return told_apart(
        rendered(prompts, tokenizer, ask=True), rendered(whole, tokenizer, ask=False), rows["completion"], tokenizer
    )


def rendered(
    conversations: Sequence[list[dict[str, Any]]],
    tokenizer: "PreTrainedTokenizerBase",
    *,
    ask: bool,
    tools: list[dict[str, Any]] | None = None,
) -> list[str | None]:
    """Their texts; null for one that the template refuses (a role that it does not know, say).

    `ask`: with the beginning of an answer behind them. `tools`: what all of them are offered.
    """
    if not conversations:
        return []
    try:
        return list(
            tokenizer.apply_chat_template(
                list(conversations),
                tools=tools,  # type: ignore[arg-type]
                tokenize=False,
                add_generation_prompt=ask,
            )
        )
    except _REFUSALS:
        if len(conversations) == 1:
            return [None]
        half = len(conversations) // 2
        parts = (conversations[:half], conversations[half:])
        return [text for part in parts for text in rendered(part, tokenizer, ask=ask, tools=tools)]


def told_apart(
    prompts: Sequence[str | None],
    whole: Sequence[str | None],
    completions: pl.Series,
    tokenizer: "PreTrainedTokenizerBase",
) -> pl.DataFrame:
    """`prompt`, `completion`, and the `reason` why a row is left out, else null.

    `prompts` and `whole`: the texts without and with the completion. `completions`: its messages. The completion ends
    with the token that ends the turn.
    """
    texts = pl.DataFrame({"prompt": prompts, "whole": whole}, schema={"prompt": pl.String, "whole": pl.String}).select(
        "prompt",
        completion=_ended(pl.col("whole").str.strip_prefix(pl.col("prompt")), str(tokenizer.eos_token)),
        reason=pl.when(pl.any_horizontal(pl.all().is_null()))
        .then(pl.lit(REFUSED))
        .when((pl.col("prompt") == "") | ~pl.col("whole").str.starts_with(pl.col("prompt")))
        .then(pl.lit(CHANGED)),
        said=completions.list.eval(pl.element().struct.field("content")).list.join(""),
    )
    lost = ~_dense(pl.col("completion")).str.contains(_dense(pl.col("said")), literal=True)
    return texts.select(
        "prompt",
        "completion",
        reason=pl.when(pl.col("reason").is_null() & lost).then(pl.lit(CHANGED)).otherwise("reason"),
    )


def _dense(text: pl.Expr) -> pl.Expr:
    """Without white space, which templates may set their own way."""
    return text.str.replace_all(r"\s+", "")


def _ended(completion: pl.Expr, eos: str) -> pl.Expr:
    """The completion up to the token that ends the turn: the white space after it is the next turn's."""
    stripped = completion.str.strip_chars_end()
    return pl.when(stripped.str.ends_with(eos)).then(stripped).otherwise(completion)
