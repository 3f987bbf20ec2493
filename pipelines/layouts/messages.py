"""Layouts that data sets share, as expressions that give lists of messages."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
import polars_hash  # noqa: F401  # gives expressions their `chash`
import pyarrow as pa

from pipelines.kernels.encoding import Messages, Texts
from pipelines.kernels.kernel import Bools, Int64s, Integer, kernel
from pipelines.layouts.tags import last_reasoned

_NONE: Final = pl.lit(None, dtype=pl.String)
_TURN, _SAID = "\ufdd0", "\ufdd1"
"""Noncharacters: Unicode keeps them out of text that is passed on, so they can stand for places in it."""

BESIDE: Final = ("tool_calls", "tool_call_id", "name")
"""Fields of a message beside who says which text."""

_ROLES: Final = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
    "environment": "tool",
    "observation": "tool",
}
"""Upstream's names of roles; what is not among them stays as it is, and the validator refuses it."""


def message(role: pl.Expr, content: pl.Expr, **beside: pl.Expr) -> pl.Expr:
    """One message; `beside`: its `tool_calls`, `tool_call_id` and `name`, null where they are not given."""
    fields = {"role": role, "content": content, **dict.fromkeys(BESIDE, _NONE), **beside}
    return pl.struct([field.alias(name) for name, field in fields.items()])


def turns(**said: pl.Expr) -> pl.Expr:
    """A list of messages in the order given, one a keyword (`system`, `user`, `assistant`).

    A keyword whose expression is null for a row is a message with null content there, which the validator
    refuses; use `optional` for a message that may be left out.
    """
    return pl.concat_list([message(pl.lit(role), content) for role, content in said.items()])


def with_system(system: pl.Expr, messages: pl.Expr) -> pl.Expr:
    """`messages` after a system message; without one where `system` is null or blank."""
    present = system.str.strip_chars().str.len_bytes() > 0
    first = pl.concat_list(message(pl.lit("system"), system))
    return pl.when(present).then(first.list.concat(messages)).otherwise(messages)


def role(name: pl.Expr) -> pl.Expr:
    """Upstream's name of a role as one of ours; an unknown name stays."""
    return name.str.to_lowercase().replace(_ROLES)


def sharegpt(column: str, *, speaker: str = "from", said: str = "value") -> pl.Expr:
    """`list<struct<from, value>>` (ShareGPT) as a list of messages; text is kept as it is."""
    turn = pl.element().struct
    return pl.col(column).list.eval(message(role(turn.field(speaker)), turn.field(said)))


def in_place(column: str, expression: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """For `Read.prepare`: the expression in the place of the column, computed once for all that ask."""
    return lambda frame: frame.with_columns(expression.alias(column))


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


def transcript(column: str) -> pl.Expr:
    r"""`\n\nHuman: ...\n\nAssistant: ...` (Anthropic's layout) as a list of messages, turns stripped.

    What stands before the first marker is lost: reject rows that do not begin with one.
    """
    marked = pl.col(column).str.replace_all(r"\n\n(Human|Assistant):", f"{_TURN}${{1}}{_SAID}")
    turn = pl.element().str.split_exact(_SAID, 1)
    speaker, said = turn.struct.field("field_0"), turn.struct.field("field_1").str.strip_chars()
    return marked.str.split(_TURN).list.slice(1).list.eval(message(role(speaker), said))


def pairs(frame: pl.DataFrame, chosen: str = "chosen", rejected: str = "rejected") -> pl.DataFrame:
    """Two transcripts of each row as `prompt`, `chosen` and `rejected`: the prompt is their longest common prefix.

    Each side keeps at least its last message, so that two equal transcripts stay a pair with equal sides.
    `chosen` and `rejected` name columns that hold lists of messages.
    """
    sides = [Messages.of(frame[column]) for column in (chosen, rejected)]
    lists = [side.lists for side in sides]
    said = [side.fields for side in sides]
    shared = pl.lit(pl.Series(_shared(lists[0], lists[1], sides[0].there & sides[1].there, said[0], said[1])))
    return frame.with_columns(
        prompt=pl.col(chosen).list.head(shared),
        chosen=pl.col(chosen).list.slice(shared),
        rejected=pl.col(rejected).list.slice(shared),
    )


Fields = tuple[Texts, Texts, Texts, Texts, Texts]


@kernel
def _shared(ones: Int64s, others: Int64s, there: Bools, one: Fields, other: Fields) -> Int64s:
    """With how many equal messages the two lists of each row begin, the last of each left out."""
    found = np.zeros(len(there), np.int64)
    for row in range(len(there)):
        if not there[row]:
            continue
        first, second = ones[row], others[row]
        most = min(ones[row + 1] - first, others[row + 1] - second) - 1
        count = 0
        while count < most:
            equal = True
            for field in range(len(one)):
                equal = equal and _is_equal(one[field], first + count, other[field], second + count)
            if not equal:
                break
            count += 1
        found[row] = count
    return found


@kernel
def _is_equal(one: Texts, row: Integer, other: Texts, place: Integer) -> bool:
    """Whether two texts are the same, or both null."""
    if not (one.there[row] and other.there[place]):
        return bool(one.there[row] == other.there[place])
    size = one.offsets[row + 1] - one.offsets[row]
    if size != other.offsets[place + 1] - other.offsets[place]:
        return False
    here, beside = np.uint64(one.offsets[row]), np.uint64(other.offsets[place])
    same = True
    for step in range(np.uint64(size)):
        same &= one.data[here + step] == other.data[beside + step]
    return same


def offered(tools: pl.Expr, within: pl.Expr) -> pl.Expr:
    """Definitions of tools as JSON: those of a column, else those of a message; null where there are none."""
    nothing = ("", "[]", "{}", "null", "None")
    given = [pl.when(~said.str.strip_chars().is_in(nothing)).then(said) for said in (tools, within)]
    return pl.coalesce(given)


def worked(problem: pl.Expr, solution: pl.Expr, gold: pl.Expr) -> dict[str, pl.Expr]:
    """Columns of the family cot for a problem that somebody worked out.

    The solution is the reasoning and the gold the answer that is said; without a gold the solution is said, and no
    reasoning is marked off. Rows without a solution yield none.
    """
    return {
        "when": ~_blank(solution),
        "prompt": turns(user=problem),
        "reasoning": pl.when(gold.is_not_null()).then(solution),
        "completion": turns(assistant=pl.coalesce(gold, solution)),
        "answer": gold,
    }


SHAREGPT: Final = pl.List(pl.Struct({"from": pl.String, "value": pl.String}))
MESSAGES: Final = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
"""How upstream types ShareGPT's turns and OpenAI's messages, where they are known to hold nothing more."""


def messages(column: str) -> pl.Expr:
    """`list<struct<role, content>>` (OpenAI) as a list of messages; text is kept as it is."""
    return sharegpt(column, speaker="role", said="content")


def kept(*columns: str) -> pl.Expr:
    """Upstream's columns worth keeping, as the JSON of `meta`."""
    return pl.struct(columns).struct.json_encode()


def apart(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Each item of a list as a row of its own, in its place in the list by `number`; a null one where there are none.

    The other columns are repeated, so lists of texts should not be among those that stay.
    """
    items = frame.select("row", column).explode(column, empty_as_null=True)
    numbered = items.with_columns(number=pl.int_range(pl.len()).over("row"))
    return numbered.join(frame.drop(column), on="row", how="left", maintain_order="left")


def unanswered(messages: pl.Expr) -> dict[str, pl.Expr]:
    """Why a conversation does not end in an answer of the assistant to something: conditions by reason."""
    last = messages.list.last().struct.field("role")
    return {
        "no conversation": (messages.list.len() == 0).fill_null(value=True),
        "ends with the user": last == "user",
        "not the assistant's last turn": last.ne_missing("assistant"),
        "nothing before the answer": messages.list.len() == 1,
    }


def answered(
    messages: pl.Expr, system: pl.Expr | None = None, called: Mapping[str, pl.Expr] | None = None
) -> dict[str, pl.Expr]:
    """Columns of the family cot for a conversation whose last turn holds the reasoning, if any, in tags.

    Conversations that `unanswered` names must be rejected before. `called`: fields of the last message beside its text.
    """
    before = messages.list.head(messages.list.len() - 1)
    reasoning, answer = last_reasoned(messages)
    return {
        "prompt": before if system is None else with_system(system, before),
        "reasoning": reasoning,
        "completion": pl.concat_list(message(pl.lit("assistant"), answer, **(called or {}))),
    }


def first_question(messages: pl.Expr) -> pl.Expr:
    """Text of the first turn of the user; null where there is none."""
    turn = pl.element().struct
    asked = messages.list.eval(pl.when(turn.field("role") == "user").then(turn.field("content")))
    return asked.list.drop_nulls().list.first()


def same(text: pl.Expr) -> pl.Expr:
    """A name for the group of all rows with this text: 32 hex digits of its blake3; null for null."""
    hashed: Any = text
    digest: pl.Expr = hashed.chash.blake3()
    return digest.str.head(32)


def with_context(instruction: pl.Expr, context: pl.Expr) -> pl.Expr:
    """An instruction and what it is about (Alpaca's `input`) below it; the instruction alone where that is blank."""
    return pl.when(_blank(context)).then(instruction).otherwise(instruction + "\n\n" + context)


def _blank(text: pl.Expr) -> pl.Expr:
    """Whether there is nothing but space in a text, or no text."""
    return text.str.strip_chars().fill_null("") == ""
