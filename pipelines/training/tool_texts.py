"""Rows with tools become texts: definitions, calls and results by the chat template, or the row is left out.

Chat templates pass over what they do not know, in silence; so each is tried first, and what it made of a row is looked
through. They also disagree on the form in which they take calls: the first that a template shows whole is its.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipelines.training.texts import CHANGED, rendered, told_apart
from pipelines.training.tool_rows import NOT_JSON, Message, ToolRow, pieces, tool_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NO_TOOLS: Final = "the chat template knows no tools"
"""It refuses or passes over definitions, calls or results of tools, whichever of them the row has."""


@dataclass(frozen=True)
class _Form:
    """How calls are handed over: their arguments as JSON in a text, rather than as an object; and a message that only
    calls without content, rather than with an empty one."""

    text: bool
    without: bool


_FORMS: Final = tuple(_Form(text, without) for text in (False, True) for without in (False, True))
"""Objects are what transformers documents, and what the templates of Qwen, Llama, Hermes and Mistral write by `tojson`;
DeepSeek's join texts. An empty content comes first, since many templates join it too."""


@dataclass(frozen=True)
class _Known:
    """What a template shows: definitions; calls, in a form; results."""

    definitions: bool
    calls: _Form | None
    results: bool

    def suffices(self, row: ToolRow) -> bool:
        return (
            (self.definitions or not row.tools)
            and (self.calls is not None or not row.calls)
            and (self.results or not row.results)
        )


_OFFERED: Final = {
    "type": "function",
    "function": {
        "name": "probe_weather",
        "description": "The weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {"probe_place": {"type": "string", "description": "Which place."}},
            "required": ["probe_place"],
        },
    },
}
# Not the tool that is offered, whose name stands in the definitions already. Mistral's ids have nine characters.
_CALL: Final = {
    "id": "probe1234",
    "type": "function",
    "function": {"name": "probe_tides", "arguments": {"probe_port": "probe_lisbon"}},
}
_TALK: Final[list[Message]] = [
    {"role": "user", "content": "probe_question"},
    {"role": "assistant", "content": "", "tool_calls": [_CALL]},
    {"role": "tool", "content": "probe_high", "tool_call_id": "probe1234", "name": "probe_tides"},
    {"role": "assistant", "content": "probe_answer"},
]


def tool_texts(rows: pl.DataFrame, tokenizer: "PreTrainedTokenizerBase") -> pl.DataFrame:
    """`prompt`, `completion`, and `reason` (null where it may be trained on) of rows that `calls_tools` holds of.

    `rows`: `prompt` and `completion` as `tool_calls.MESSAGES`, `tools` as JSON. A completion that calls a tool is the
    call as the template writes it, up to the token that ends the turn, and carries loss like any other: it is what the
    model is to say there. Definitions, earlier calls and results are prompt.

    Left out are rows whose definitions, calls or results the template does not show at all, or whose definitions it
    drops here (NO_TOOLS); of which it shows only a part of a call or result (CHANGED: some write the first of several
    calls alone); and those that are NOT_JSON. Some 7 MB of text a CPU-second, a quarter of what tokenising it takes.
    """
    read = tool_rows(rows)
    groups: dict[str | None, list[int]] = {}
    for place, (row, offered) in enumerate(zip(read, rows["tools"], strict=True)):
        if row is not None:
            groups.setdefault(offered, []).append(place)
    prompts: list[str | None] = [None] * len(read)
    whole = prompts.copy()
    reasons = [None if row is not None else NOT_JSON for row in read]
    known: dict[bool, _Known] = {}
    for places in groups.values():
        group = {place: row for place in places if (row := read[place]) is not None}
        offers = any(row.tools for row in group.values())
        if offers not in known:
            known[offers] = _known(tokenizer, offers=offers)
        found = _rendered(group, known[offers], tokenizer)
        for place in places:
            if place not in found:
                reasons[place] = NO_TOOLS
            else:
                prompts[place], whole[place] = found[place]
    made = told_apart(prompts, whole, rows["completion"], tokenizer)
    cut = [
        reason is None and row is not None and not (_holds(prompt, row.prompt) and _holds(completion, row.completion))
        for reason, row, prompt, completion in zip(
            made["reason"], read, made["prompt"], made["completion"], strict=True
        )
    ]
    return made.with_columns(
        reason=pl.coalesce(
            pl.Series(reasons, dtype=pl.String),
            "reason",
            pl.when(pl.Series(cut, dtype=pl.Boolean)).then(pl.lit(CHANGED)),
        )
    )


def _rendered(
    group: dict[int, ToolRow], known: _Known, tokenizer: "PreTrainedTokenizerBase"
) -> dict[int, tuple[str | None, str | None]]:
    """Prompt, and all, of the rows of one list of tools, by their places; without those whose tools are not shown."""
    shown = {place: row for place, row in group.items() if known.suffices(row)}
    if not shown:
        return {}
    tools = next(iter(shown.values())).tools or None
    form = known.calls or _FORMS[0]
    asked = [_formed(row.prompt, form) for row in shown.values()]
    answered = [_formed(row.prompt + row.completion, form) for row in shown.values()]
    prompts = rendered(asked, tokenizer, ask=True, tools=tools)
    whole = rendered(answered, tokenizer, ask=False, tools=tools)
    found = dict(zip(shown, zip(prompts, whole, strict=True), strict=True))
    if tools is None:
        return found
    names = [tool["function"]["name"] for tool in tools]
    without = rendered(asked, tokenizer, ask=True)
    return {
        place: texts
        for (place, texts), bare in zip(found.items(), without, strict=True)
        if texts[0] is None or (texts[0] != bare and all(name in texts[0] for name in names))
    }


def _known(tokenizer: "PreTrainedTokenizerBase", *, offers: bool) -> _Known:
    """What the template shows where tools are offered, or where they are not: some tokenizers have two templates."""
    tools = [_OFFERED] if offers else None
    (asked,) = rendered([_TALK[:1]], tokenizer, ask=True, tools=tools)
    definitions = offers and asked is not None and "probe_weather" in asked and "probe_place" in asked
    results, calls = False, None
    for form in _FORMS:
        (told,) = rendered([_formed(_TALK, form)], tokenizer, ask=False, tools=tools)
        said = (told or "").partition("probe_question")[2]
        results = results or "probe_high" in said
        shown = all(piece in said for piece in ("probe_tides", "probe_port", "probe_lisbon", "probe_answer"))
        # An object that is joined to a text stands there as Python writes it.
        if shown and "'probe_port'" not in said:
            calls = form
            break
    return _Known(definitions, calls, results)


def _formed(messages: Sequence[Message], form: _Form) -> list[Message]:
    return [_in_form(message, form) if "tool_calls" in message else message for message in messages]


def _in_form(message: Message, form: _Form) -> Message:
    calls = message["tool_calls"]
    if form.text:
        calls = [{**call, "function": _as_text(call["function"])} for call in calls]
    formed = {**message, "tool_calls": calls}
    if form.without and not formed["content"]:
        del formed["content"]
    return formed


def _as_text(function: dict[str, Any]) -> dict[str, Any]:
    return {**function, "arguments": json.dumps(function["arguments"], ensure_ascii=False)}


def _holds(text: str, messages: Sequence[Message]) -> bool:
    """Whether a text tells of all calls and results of these messages: as they are, or as JSON or Python has them."""
    dense = _dense(text)
    return all(
        any(_dense(form) in dense for form in _written(piece)) for message in messages for piece in pieces(message)
    )


def _written(piece: str) -> Iterator[str]:
    yield piece
    for ascii_only in (False, True):
        yield json.dumps(piece, ensure_ascii=ascii_only)[1:-1]
    yield repr(piece)[1:-1]


def _dense(text: str) -> str:
    return "".join(text.split())
