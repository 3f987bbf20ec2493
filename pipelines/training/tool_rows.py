"""Rows with tools as chat templates take them: out of the JSON and the columns of an export."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

NOT_JSON: Final = "a tool or a call of it has no name, or is not JSON"

Message = dict[str, Any]


@dataclass(frozen=True)
class ToolRow:
    """A row with tools, its JSON taken apart.

    Messages have the keys that say something, and no others: templates ask whether `tool_calls` is there. Arguments
    are objects. `tools`: definitions in OpenAI's form, empty where none are offered.
    """

    prompt: list[Message]
    completion: list[Message]
    tools: list[dict[str, Any]]

    @property
    def calls(self) -> bool:
        return any("tool_calls" in message for message in self.prompt + self.completion)

    @property
    def results(self) -> bool:
        return any(message["role"] == "tool" for message in self.prompt + self.completion)


def tool_rows(rows: pl.DataFrame) -> list[ToolRow | None]:
    """The rows of `prompt`, `completion` (`tool_calls.MESSAGES`) and `tools`; None where NOT_JSON holds."""
    defined = {text: None if text is None else _definitions(text) for text in rows["tools"].unique()}
    made: list[ToolRow | None] = []
    for prompt, completion, text in rows.select("prompt", "completion", "tools").iter_rows():
        try:
            tools = [] if text is None else defined[text]
            row = tools is not None and ToolRow(list(map(_message, prompt)), list(map(_message, completion)), tools)
        except ValueError:
            row = False
        made.append(row or None)
    return made


def _definitions(text: str) -> list[dict[str, Any]] | None:
    """Definitions in OpenAI's form, from a list of them or a single one, in that form or bare; null where not so."""
    try:
        found = _parsed(text)
        listed = found if isinstance(found, list) else [found]
        return [_definition(_parsed(tool) if isinstance(tool, str) else tool) for tool in listed]
    except ValueError:
        return None


def _definition(tool: object) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise ValueError("no object")
    function = tool.get("function", tool)
    if not isinstance(function, dict) or not _is_name(function.get("name")):
        raise ValueError("no name")
    return {"type": "function", **tool} if function is not tool else {"type": "function", "function": tool}


def _message(said: Message) -> Message:
    message = {key: value for key, value in said.items() if value is not None and key != "tool_calls"}
    if said["tool_calls"]:
        message["tool_calls"] = [_call(call) for call in said["tool_calls"]]
    return message


def _call(call: dict[str, Any]) -> dict[str, Any]:
    name, text = call["function"]["name"], call["function"]["arguments"]
    arguments = _parsed(text) if text and text.strip() not in ("", "null") else {}
    if not _is_name(name) or not isinstance(arguments, dict):
        raise ValueError("no call")
    own = {"id": call["id"]} if call["id"] is not None else {}
    return {**own, "type": call["type"], "function": {"name": name, "arguments": arguments}}


def _is_name(name: object) -> bool:
    return isinstance(name, str) and bool(name.strip())


def _parsed(text: str) -> object:
    """The value of JSON. ValueError where it is none, or says what no text can hold (half of a surrogate pair)."""
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def pieces(message: Message) -> Iterator[str]:
    """What a text that tells of a message's calls or result must hold: names, keys, texts, whole numbers."""
    if message["role"] == "tool":
        yield message["content"]
    for call in message.get("tool_calls", ()):
        yield call["function"]["name"]
        yield from _leaves(call["function"]["arguments"])


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield str(value)
