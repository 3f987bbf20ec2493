"""Rows with tools: offered, called, answered; as records, and as an export has them."""

import json
from typing import Any

import polars as pl
import pyarrow as pa
from corpora import Row, messages

from pipelines.exports import COLUMNS_WITH_TOOLS

ADD = {
    "name": "add",
    "description": "Adds.",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
}
OFFERED = json.dumps([{"type": "function", "function": ADD}])
ARGUMENTS = '{"a": 40, "note": "say \\"é\\"\\n<ok>", "deep": {"list": [1, "two"]}}'


def call(arguments: str | None = ARGUMENTS, name: str | None = "add") -> dict[str, Any]:
    return {"id": "abcdefgh1", "type": "function", "function": {"name": name, "arguments": arguments}}


def says(role: str, content: str = "", *calls: dict[str, Any]) -> dict[str, Any]:
    beside = {"tool_call_id": "abcdefgh1", "name": "add"} if role == "tool" else {"tool_call_id": None, "name": None}
    return {"role": role, "content": content, "tool_calls": list(calls) or None, **beside}


ASKED = says("user", "What is 40 + 2?")
CALLED = [ASKED, says("assistant", "", call()), says("tool", '{"sum": 42}')]


def exported(*rows: tuple[list[Any], dict[str, Any], str | None]) -> pl.DataFrame:
    """Rows of a file `<family>-tools`: prompt, the one message of the completion, tools."""
    made = [{"prompt": prompt, "completion": [said], "tools": tools} for prompt, said, tools in rows]
    frame = pl.from_arrow(pa.Table.from_pylist(made, schema=COLUMNS_WITH_TOOLS["instruction"]))
    assert isinstance(frame, pl.DataFrame)
    return frame


def record(n: int, *, answers: bool = False, **lake: Any) -> Row:
    """A record that calls a tool, or (`answers`) says what the tool found."""
    asked = messages(("user", f"What is {n} plus 2?"))
    calls = [{"id": f"call{n:05}", "type": "function", "function": {"name": "add", "arguments": {"a": n}}}]
    calling = {**messages(("assistant", ""))[0], "tool_calls": json.dumps(calls)}
    found = {**messages(("tool", str(n + 2)))[0], "tool_call_id": f"call{n:05}", "name": "add"}
    prompt = [*asked, calling, found] if answers else asked
    completion = messages(("assistant", f"It is {n + 2}.")) if answers else [calling]
    own = {"prompt": prompt, "completion": completion, "tools": OFFERED}
    return Row(f"calls/instruction/{n}", own, **lake)
