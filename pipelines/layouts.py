"""Layouts that data sets share, as expressions that give lists of messages."""

from typing import Final

import polars as pl

_NONE: Final = pl.lit(None, dtype=pl.String)
_TURN, _SAID = "\ufdd0", "\ufdd1"
"""Noncharacters: Unicode keeps them out of text that is passed on, so they can stand for places in it."""

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


def message(role: pl.Expr, content: pl.Expr) -> pl.Expr:
    """One message without tool calls."""
    return pl.struct(role=role, content=content, tool_calls=_NONE, tool_call_id=_NONE, name=_NONE)


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
    row = "__row"
    indexed = frame.with_row_index(row)
    longest = pl.min_horizontal(pl.col(chosen).list.len(), pl.col(rejected).list.len()).cast(pl.Int64) - 1

    def long(column: str) -> pl.LazyFrame:
        turns = indexed.lazy().select(row, pl.col(column).alias("message")).explode("message")
        return turns.with_columns(turn=pl.int_range(pl.len()).over(row))

    same = (
        long(chosen)
        .join(long(rejected), on=[row, "turn"], how="inner", maintain_order="left")
        .with_columns(equal=(pl.col("message") == pl.col("message_right")))
        .group_by(row)
        .agg(shared=pl.col("equal").sort_by("turn").cast(pl.Int64).cum_prod().sum())
        .collect()
    )
    return (
        indexed.join(same, on=row, how="left", maintain_order="left")
        .with_columns(shared=pl.min_horizontal(pl.col("shared").fill_null(0), longest).clip(lower_bound=0))
        .with_columns(
            prompt=pl.col(chosen).list.head(pl.col("shared")),
            chosen=pl.col(chosen).list.slice(pl.col("shared")),
            rejected=pl.col(rejected).list.slice(pl.col("shared")),
        )
        .drop(row, "shared")
    )


def tagged(text: pl.Expr, tags: tuple[str, str], answer_tags: tuple[str, str] | None = None) -> tuple[pl.Expr, pl.Expr]:
    """Reasoning between `tags` and the answer after them, each stripped.

    Where the tags are not exactly one pair in order (and likewise `answer_tags`, where given), the reasoning
    is null and the answer is the whole text, tags and all: signals judge it.
    """
    opening, closing = tags
    balanced = _once_in_order(text, opening, closing)
    after = text.str.split_exact(closing, 1).struct
    reasoning = after.field("field_0").str.split_exact(opening, 1).struct.field("field_1").str.strip_chars()
    answer = after.field("field_1")
    if answer_tags is not None:
        begin, end = answer_tags
        balanced &= _once_in_order(answer, begin, end)
        inner = answer.str.split_exact(begin, 1).struct.field("field_1")
        answer = inner.str.split_exact(end, 1).struct.field("field_0")
    return (
        pl.when(balanced).then(reasoning),
        pl.when(balanced).then(answer.str.strip_chars()).otherwise(text),
    )


def _once_in_order(text: pl.Expr, opening: str, closing: str) -> pl.Expr:
    once = (text.str.count_matches(opening, literal=True) == 1) & (text.str.count_matches(closing, literal=True) == 1)
    return once & (text.str.find(opening, literal=True) < text.str.find(closing, literal=True))
