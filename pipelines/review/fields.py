"""What an annotator sees of a record: the fields of its form, as polars expressions over a family's columns.

Argilla writes a chat without Markdown into the page as HTML, unsanitised, and a text with Markdown as HTML, sanitised.
So every text is escaped here, which shows it letter by letter: the tags, tokens and marks that are to be judged stay
visible, and nothing in a data set runs in an annotator's browser.
"""

from typing import Final

import polars as pl

from pipelines.parts import is_messages
from schemas.families import MESSAGES, Family

BOUND: Final = 20_000
"""Characters of a text that are shown, half from its start and half from its end, where one stops midway."""

_MESSAGES_BOUND: Final = 100
"""Messages of a part that are shown; Argilla takes 500."""

_PLAIN: Final = "white-space:pre-wrap;overflow-wrap:anywhere"
_SIDE: Final = "flex:1;min-width:0;border:1px solid #9994;border-radius:8px;padding:12px"
_EMPTY: Final = "<i>(empty)</i>"


def escaped(text: pl.Expr) -> pl.Expr:
    """Text that HTML shows letter by letter. Not for use inside an attribute."""
    return text.str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])


def bounded(text: pl.Expr) -> pl.Expr:
    """Start and end of a text that is longer than `BOUND`, and how much was left out between them."""
    half = BOUND // 2
    left_out = text.str.len_chars().cast(pl.Int64) - BOUND
    note = pl.format("\n\n[... {} characters left out ...]\n\n", left_out)
    short = pl.concat_str([text.str.head(half), note, text.str.tail(half)])
    return pl.when(left_out > 0).then(short).otherwise(text)


def inline(text: pl.Expr) -> pl.Expr:
    """An escaped, bounded text on one line, its breaks as entities: Markdown ends HTML at an empty one."""
    return _shown(text).str.replace_all("\r\n|\n|\r", "&#10;")


def left_is_chosen() -> pl.Expr:
    """Whether the chosen side of a pair stands on the left: drawn from `content_hash`, so always the same."""
    return pl.col("content_hash").bin.encode("hex").str.slice(-1).is_in(list("02468ace"))


def fields_of(family: Family) -> dict[str, pl.Expr]:
    """The fields of the family's form but `why` and `other`, by name: chats as lists of `role` and `content`, texts as
    HTML on one line. Null where the record has nothing to show there."""
    shown = {"prompt": _chat("prompt"), "tools": _boxed("tools")}
    if family.name == "preference":
        return shown | {"sides": _sides()}
    if family.name == "cot":
        shown |= {"reasoning": _folded("reasoning", pl.col("reasoning"), "Reasoning")}
    if is_messages_of(family, "completion"):
        shown |= {"completion": _chat("completion")}
    if "answer" in family.schema.names:
        shown |= {"answer": _boxed("answer")}
    if family.name == "grpo":
        arguments = pl.concat_str([pl.lit("&#10;"), inline(pl.col("verifier_args"))]).fill_null("")
        shown |= {"check": _html(pl.concat_str([inline(pl.col("verifier")), arguments]))}
    return shown


def is_messages_of(family: Family, part: str) -> bool:
    """Whether the family has the part, as messages."""
    return part in family.parts and is_messages(family, part)


def whole(family: Family) -> pl.Expr:
    """A record on one line of HTML, folded: what another is compared with. Needs `other` (its id) and `similarity`.

    Of a pair it does not tell which side upstream holds to be better.
    """
    shown = {part: _said(family, part) for part in family.parts}
    if "answer" in family.schema.names:
        shown["gold answer"] = inline(pl.col("answer"))
    if family.name == "preference":
        left, right = _left_and_right(pl.lit(value=True))
        shown = {"prompt": shown["prompt"], "one answer": left, "the other": right}
    parts = [
        pl.concat_str([pl.lit(f"<b>{part}</b>&#10;"), said, pl.lit("&#10;&#10;")]).fill_null("")
        for part, said in shown.items()
    ]
    alike = pl.format(", {} similar", pl.when(pl.col("similarity") < 1).then(pl.col("similarity").round(3)))
    title = pl.concat_str([escaped(pl.col("other")), alike.fill_null(""), pl.lit(" (click to unfold)")])
    return pl.format(f'<details><summary>{{}}</summary><div style="{_PLAIN}">{{}}</div></details>', title,
                     pl.concat_str(parts))  # fmt: skip


def _said(family: Family, part: str) -> pl.Expr:
    if family.schema.field(part).type != MESSAGES:
        return inline(pl.col(part))
    return _turns(pl.col(part), named=pl.lit(value=True))


def _message(content: pl.Expr, calls: pl.Expr) -> pl.Expr:
    return pl.concat_str([content, pl.concat_str([pl.lit("\n"), calls]).fill_null("")]).str.strip_chars_start("\n")


def _chat(part: str) -> pl.Expr:
    turn = pl.element().struct
    content = _shown(_message(turn.field("content"), turn.field("tool_calls")))
    return pl.col(part).list.head(_MESSAGES_BOUND).list.eval(pl.struct(role=turn.field("role"), content=content))


def _turns(messages: pl.Expr, named: pl.Expr) -> pl.Expr:
    """Messages as one line of HTML, each under its role where `named`."""
    turn = pl.element().struct
    text = inline(_message(turn.field("content"), turn.field("tool_calls")))
    role = pl.format("<b>{}</b>&#10;", escaped(turn.field("role")))
    shown = messages.list.head(_MESSAGES_BOUND)
    with_roles = shown.list.eval(pl.concat_str([role, text])).list.join("&#10;&#10;")
    return pl.when(named).then(with_roles).otherwise(shown.list.eval(text).list.join("&#10;&#10;"))


def _left_and_right(named: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    chosen, rejected = _turns(pl.col("chosen"), named), _turns(pl.col("rejected"), named)
    left = pl.when(left_is_chosen()).then(chosen).otherwise(rejected)
    right = pl.when(left_is_chosen()).then(rejected).otherwise(chosen)
    return left, right


def _sides() -> pl.Expr:
    several = (pl.col("chosen").list.len() > 1) | (pl.col("rejected").list.len() > 1)
    left, right = _left_and_right(several)
    side = f'<div style="{_SIDE}"><b>{{}}</b><div style="{_PLAIN};margin-top:8px">{{}}</div></div>'
    both = pl.format(side + side, pl.lit("Left"), left, pl.lit("Right"), right)
    return pl.concat_str([pl.lit('<div style="display:flex;gap:16px">'), both, pl.lit("</div>")])


def _folded(part: str, text: pl.Expr, title: str) -> pl.Expr:
    words = pl.col(part).str.count_matches(r"\S+")
    summary = pl.format("<b>{}, {} words</b> (click to unfold)", pl.lit(title), words)
    return pl.format(f'<details><summary style="cursor:pointer">{{}}</summary><div style="{_PLAIN};margin-top:8px">{{}}'
                     "</div></details>", summary, inline(text))  # fmt: skip


def _boxed(column: str) -> pl.Expr:
    return _html(inline(pl.col(column)))


def _html(line: pl.Expr) -> pl.Expr:
    return pl.format(f'<div style="{_PLAIN}">{{}}</div>', line)


def _shown(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.strip_chars() == "").then(pl.lit(_EMPTY)).otherwise(escaped(bounded(text)))
