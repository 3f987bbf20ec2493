"""Conversations as chat sets have them: messages with texts or parts as content, bare lists of turns, two sides."""

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.messages import BESIDE, message, offered, pairs, role, sharegpt, turns
from pipelines.layouts.talks import (
    CALLING,
    CALLS,
    IMAGE,
    IMAGES,
    NO_TEXT,
    OFFERED,
    TEXTS,
    THOUGHT,
    talks,
)

PART: Final = pl.Struct({"type": pl.String, "text": pl.String})
MORE: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys((*CALLS, *OFFERED, *THOUGHT, "tool_call_id", "call_id", "name"), ()),
    **dict.fromkeys(("role", "from"), CALLING),
}
"""Keys of messages that say more than who said which text."""
OPENAI: Final = ("role", "content")
FROM_VALUE: Final = ("from", "value")
"""How OpenAI's messages and ShareGPT's turns name who speaks and what is said."""
TOOLS: Final[Mapping[str, pl.Expr]] = {"tools": pl.col("tools")}
"""The definitions of tools, for families of conversations that `spoken` or `sides` has read."""


def message_columns(
    entry: str, *, names: tuple[str, ...] = (), optional: bool = False, keys: tuple[str, str] = OPENAI
) -> dict[str, Column]:
    """OpenAI's messages, or others by their `keys`, for `Read.columns`, and the tools beside them.

    Content is a text or a list of parts, by row. Rows whose messages have more than that (calls of tools, thoughts) are
    taken as JSON, so that plain ones cost nothing. `spoken` reads them.
    """
    names = names or (entry,)
    speaker, said = keys
    typed = pl.List(pl.Struct({speaker: pl.String, said: pl.String}))
    in_parts = pl.List(pl.Struct({speaker: pl.String, said: pl.List(PART)}))
    return {
        entry: Column(typed, names, optional=optional, if_it_fits=True),
        f"{entry}_in_parts": Column(in_parts, names, optional=optional, if_it_fits=True),
        f"{entry}_with_more": Column(names=names, optional=True, as_json=True, holding=MORE),
        "tools": Column(names=("tools", "functions"), optional=True, as_json=True),
    }


def spoken(entry: str, *, keys: tuple[str, str] = OPENAI) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """For `Read.prepare`: the messages of `message_columns` in the place of the column, read once for all that ask.

    `tools` are the definitions beside the messages, or in them, as JSON. Of parts the texts are taken, one a line:
    reject what `not_text` names. What a message thought beside its content stands before it, in `<think>` tags.
    """
    turn, (speaker, said) = pl.element().struct, keys
    texts = turn.field(said).list.eval(pl.element().struct.field("text")).list.join("\n", ignore_nulls=True)
    in_parts = pl.col(f"{entry}_in_parts").list.eval(message(role(turn.field(speaker)), texts))
    plain = pl.coalesce(sharegpt(entry, speaker=speaker, said=said), in_parts)
    kind = pl.element().struct.field("type")
    image, other = kind.is_in(IMAGES), kind.is_not_null() & ~kind.is_in(TEXTS)

    def some(condition: pl.Expr) -> pl.Expr:
        inside = turn.field(said).list.eval(condition).list.any()
        return pl.col(f"{entry}_in_parts").list.eval(inside).list.any()

    not_kept = pl.when(some(image)).then(pl.lit(IMAGE)).when(some(other)).then(pl.lit(NO_TEXT))

    def speak(frame: pl.DataFrame) -> pl.DataFrame:
        read = frame.with_columns(plain.alias(entry), not_kept.alias(f"{entry}_wrong"))
        more = frame[f"{entry}_with_more"]
        where = more.is_not_null()
        nothing = pl.lit(None, dtype=pl.String)
        if not where.any():
            none = [nothing.alias(f"{entry}_{field}") for field in BESIDE]
            return read.with_columns(offered(pl.col("tools"), nothing).alias("tools"), *none)
        made = talks(more.filter(where)).select(_thinking(), "offered", "wrong")
        places = pl.select(pl.when(where).then(where.cast(pl.UInt32).cum_sum() - 1)).to_series()
        talk, within, wrong = made.select(pl.all().gather(places)).get_columns()
        return read.with_columns(
            read[entry].zip_with(~where, talk),
            offered(pl.col("tools"), pl.lit(within)).alias("tools"),
            read[f"{entry}_wrong"].zip_with(~where, wrong),
            *(pl.lit(talk).list.last().struct.field(field).alias(f"{entry}_{field}") for field in BESIDE),
        )

    return speak


def _thinking() -> pl.Expr:
    """The messages of `talks`, the last with its thought before its content, as the others have theirs."""
    talk, thought = pl.col("messages"), pl.col("thought")
    last = talk.list.last()
    told = pl.format("<think>\n{}\n</think>\n\n{}", thought, last.struct.field("content").fill_null(""))
    whole = talk.list.head(talk.list.len() - 1).list.concat(
        pl.concat_list(last.struct.with_fields(told.alias("content")))
    )
    return pl.when(thought.str.strip_chars() != "").then(whole).otherwise(talk).alias("messages")


def called(entry: str) -> dict[str, pl.Expr]:
    """For `answered`: what the last of the messages that `spoken` read has beside its text."""
    return {field: pl.col(f"{entry}_{field}") for field in BESIDE}


def not_text(*entries: str) -> dict[str, pl.Expr]:
    """Why messages that `spoken` or `sides` read cannot be kept as text: conditions by reason."""
    said = [pl.col(f"{entry}_wrong") for entry in entries]
    return {
        reason: pl.any_horizontal(wrong.eq_missing(pl.lit(reason)) for wrong in said) for reason in (IMAGE, NO_TEXT)
    }


def answered_plainly(talk: pl.Expr, system: pl.Expr | None = None) -> dict[str, pl.Expr]:
    """Columns of the family instruction for a conversation. What `layouts.unanswered` names must be rejected before."""
    last = talk.list.tail(1)
    before = talk.list.head(talk.list.len() - 1)
    if system is None:
        return {"prompt": before, "completion": last}
    present = system.str.strip_chars().str.len_bytes() > 0
    first = pl.concat_list(message(pl.lit("system"), system))
    return {"prompt": pl.when(present).then(first.list.concat(before)).otherwise(before), "completion": last}


def side_columns() -> dict[str, Column]:
    """`chosen` and `rejected` as conversations, and the prompt as text where it stands apart from them."""
    prompt = Column(pl.String, ("prompt",), optional=True, if_it_fits=True)
    whole = message_columns("prompt_messages", names=("prompt",), optional=True)
    return {**message_columns("chosen"), **message_columns("rejected"), "prompt_text": prompt, **whole}


def sides(frame: pl.DataFrame) -> pl.DataFrame:
    """The conversations of `side_columns` as `prompt`, `chosen` and `rejected` (`layouts.pairs`), and their tools.

    Where the two begin with the answer, the prompt is the one that stands apart.
    """
    for entry in ("chosen", "rejected", "prompt_messages"):
        frame = spoken(entry)(frame)
    alone = pl.when(pl.col("prompt_text").is_not_null()).then(turns(user=pl.col("prompt_text")))
    shared = pl.col("prompt").list.len() > 0
    apart = pl.coalesce("prompt_messages", alone, "prompt")
    return pairs(frame).with_columns(prompt=pl.when(shared).then("prompt").otherwise(apart))


PAIR: Final[Mapping[str, pl.Expr]] = {name: pl.col(name) for name in ("prompt", "chosen", "rejected", "tools")}
"""Columns of the family preference after `sides`."""
