"""Calls of tools as trainers and chat templates take them: out of the JSON that records keep them as."""

from collections.abc import Sequence
from typing import Final

import polars as pl
import pyarrow as pa

from pipelines.layouts.json_lists import elements, first_value, value

FUNCTION: Final = pa.struct([("name", pa.string()), ("arguments", pa.string())])
CALLS: Final = pa.list_(pa.struct([("id", pa.string()), ("type", pa.string()), ("function", FUNCTION)]))
MESSAGES: Final = pa.list_(
    pa.struct(
        [
            ("role", pa.string()),
            ("content", pa.string()),
            ("tool_calls", CALLS),
            ("tool_call_id", pa.string()),
            ("name", pa.string()),
        ]
    )
)
"""Arguments stay JSON in a string, as OpenAI's are: Arrow would merge the objects of all calls into one."""


def calls_tools(parts: Sequence[str]) -> pl.Expr:
    """Whether a record is offered tools or calls some. `parts`: its columns of messages."""
    message = pl.element().struct
    special = message.field("tool_calls").is_not_null() | (message.field("role") == "tool")
    called = [pl.col(part).list.eval(special).list.any().fill_null(value=False) for part in parts]
    return pl.any_horizontal(pl.col("tools").is_not_null(), *called)


def with_calls(frame: pl.DataFrame, parts: Sequence[str]) -> pl.DataFrame:
    """The columns of messages with `tool_calls` as lists. A call that is no object stands below the content."""
    return frame.with_columns(_with_calls(frame[part]).alias(part) for part in parts)


def _with_calls(talks: pl.Series) -> pl.Series:
    row = pl.int_range(talks.len(), eager=True).alias("row")
    listed = pl.DataFrame([row, talks.alias("message")]).filter(pl.col("message").list.len() > 0)
    flat = listed.explode("message").unnest("message").with_row_index("place")
    calls = _calls(flat.select("place", call=elements(flat["tool_calls"])))
    joined = flat.drop("tool_calls").join(calls, on="place", how="left", maintain_order="left")
    said = pl.concat_str("content", "unnamed", separator="\n", ignore_nulls=True).str.strip_chars_start("\n")
    grouped = (
        joined.with_columns(content=pl.when(pl.col("unnamed").is_null()).then("content").otherwise(said))
        .group_by("row", maintain_order=True)
        .agg(message=pl.struct("role", "content", "tool_calls", "tool_call_id", "name"))
    )
    return pl.DataFrame([row]).join(grouped, on="row", how="left", maintain_order="left")["message"]


def _calls(listed: pl.DataFrame) -> pl.DataFrame:
    """`tool_calls` of each message (`place`), and what of its calls is no object, as text (`unnamed`)."""
    flat = listed.filter(pl.col("call").list.len() > 0).explode("call")
    objects = flat.select(pl.when(pl.col("call").str.starts_with("{")).then("call")).to_series()
    inner = value(objects, "function")
    function = inner.zip_with(inner.str.starts_with("{").fill_null(value=False), objects)
    function = function.zip_with(function.is_not_null(), objects)
    made = flat.select("place").with_columns(
        id=value(objects, "id"),
        type=value(objects, "type"),
        name=value(function, "name"),
        arguments=first_value(function, ("arguments", "parameters", "input")),
        text=flat.select(pl.when(~pl.col("call").str.starts_with("{")).then(pl.col("call").str.json_path_match("$")))
        .to_series(),
    )  # fmt: skip
    call = pl.struct(
        id="id", type=pl.col("type").fill_null("function"), function=pl.struct(name="name", arguments="arguments")
    )
    return made.group_by("place", maintain_order=True).agg(
        tool_calls=call.filter(pl.col("text").is_null()),
        unnamed=pl.when(pl.col("text").is_not_null().any()).then(pl.col("text").drop_nulls().str.join("\n")).first(),
    )
