"""Conversations as chat sets have them: messages with texts or parts as content, bare lists of turns, two sides."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.columns import Column
from pipelines.layouts.messages import MESSAGES, message, messages, pairs, role, turns

PART: Final = pl.Struct({"type": pl.String, "text": pl.String})
MESSAGES_IN_PARTS: Final = pl.List(pl.Struct({"role": pl.String, "content": pl.List(PART)}))
_IMAGES: Final = ("image", "image_url", "input_image")


def message_columns(entry: str, *, names: tuple[str, ...] = (), optional: bool = False) -> dict[str, Column]:
    """OpenAI's messages, for `Read.columns`: with content as text, as parts, or by row. `messages_of` reads them."""
    names = names or (entry,)
    return {
        entry: Column(MESSAGES, names, optional=optional, if_it_fits=True),
        f"{entry}_in_parts": Column(MESSAGES_IN_PARTS, names, optional=optional, if_it_fits=True),
    }


def messages_of(entry: str) -> pl.Expr:
    """The messages of `message_columns`. Of parts the texts are taken, one a line: reject what `not_text` names."""
    turn = pl.element().struct
    said = turn.field("content").list.eval(pl.element().struct.field("text")).list.join("\n", ignore_nulls=True)
    in_parts = pl.col(f"{entry}_in_parts").list.eval(message(role(turn.field("role")), said))
    return pl.coalesce(messages(entry), in_parts)


def spoken(entry: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """For `Read.prepare`: the messages of `message_columns` in the place of the column, read once for all that ask."""
    return lambda frame: frame.with_columns(messages_of(entry).alias(entry))


def not_text(*entries: str) -> dict[str, pl.Expr]:
    """Why messages cannot be kept as text: conditions by reason."""
    kind = pl.element().struct.field("type")
    image, other = kind.is_in(_IMAGES), kind.is_not_null() & ~kind.is_in(("text", "input_text", "output_text"))

    def some(condition: pl.Expr) -> pl.Expr:
        inside = pl.element().struct.field("content").list.eval(condition).list.any()
        return pl.any_horizontal(
            pl.col(f"{entry}_in_parts").list.eval(inside).list.any().fill_null(value=False) for entry in entries
        )

    return {"a message holds an image": some(image), "a message holds what is not text": some(other)}


def answered_plainly(talk: pl.Expr, system: pl.Expr | None = None) -> dict[str, pl.Expr]:
    """Columns of the family instruction for a conversation. What `layouts.unanswered` names must be rejected before."""
    last = talk.list.tail(1)
    before = talk.list.head(talk.list.len() - 1)
    if system is None:
        return {"prompt": before, "completion": last}
    present = system.str.strip_chars().str.len_bytes() > 0
    first = pl.concat_list(message(pl.lit("system"), system))
    return {"prompt": pl.when(present).then(first.list.concat(before)).otherwise(before), "completion": last}


def alternating(frame: pl.DataFrame, column: str, into: str = "messages") -> pl.DataFrame:
    """Adds a `list<string>` of turns as messages: the user's first, then the assistant's, and so on."""
    lists = frame[column].cast(pl.List(pl.String)).to_arrow(compat_level=pl.CompatLevel.oldest())
    assert isinstance(lists, pa.LargeListArray)
    offsets = lists.offsets.to_numpy()
    said = lists.values.slice(offsets[0], offsets[-1] - offsets[0])
    place = np.arange(len(said)) - np.repeat(offsets[:-1] - offsets[0], np.diff(offsets))
    speakers = pa.array(["user", "assistant"], pa.large_string()).take(pa.array(place % 2))
    nothing = pa.nulls(len(said), pa.large_string())
    fields = {"role": speakers, "content": said, "tool_calls": nothing, "tool_call_id": nothing, "name": nothing}
    spoken = pa.StructArray.from_arrays(list(fields.values()), list(fields))
    made = pa.LargeListArray.from_arrays(pa.array(offsets - offsets[0]), spoken)
    series = pl.from_arrow(made)
    assert isinstance(series, pl.Series)
    return frame.with_columns(pl.when(pl.col(column).is_not_null()).then(pl.lit(series)).alias(into))


def side_columns() -> dict[str, Column]:
    """`chosen` and `rejected` as conversations, and the prompt as text where it stands apart from them."""
    prompt = Column(pl.String, ("prompt",), optional=True, if_it_fits=True)
    whole = Column(MESSAGES, ("prompt",), optional=True, if_it_fits=True)
    sides = message_columns("chosen") | message_columns("rejected")
    return {**sides, "prompt_text": prompt, "prompt_messages": whole}


def sides(frame: pl.DataFrame) -> pl.DataFrame:
    """The conversations of `side_columns` as `prompt`, `chosen` and `rejected` (`layouts.pairs`).

    Where the two begin with the answer, the prompt is the one that stands apart.
    """
    read = frame.with_columns(chosen=messages_of("chosen"), rejected=messages_of("rejected"))
    apart = pl.coalesce(
        messages("prompt_messages"),
        pl.when(pl.col("prompt_text").is_not_null()).then(turns(user=pl.col("prompt_text"))),
    )
    shared = pl.col("prompt").list.len() > 0
    return pairs(read).with_columns(prompt=pl.when(shared).then("prompt").otherwise(pl.coalesce(apart, "prompt")))


PAIR: Final[Mapping[str, pl.Expr]] = {name: pl.col(name) for name in ("prompt", "chosen", "rejected")}
"""Columns of the family preference after `sides`."""
