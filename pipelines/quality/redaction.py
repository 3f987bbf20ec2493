"""Personal data and secrets taken out of texts: what the signals of `personal_data` count is what is replaced.

Nothing else does it: exports, reports, previews and whatever else shows or sends a record's text call it.
"""

from collections.abc import Sequence
from typing import Final, Literal

import polars as pl

from pipelines.parts import is_messages
from pipelines.quality.checksums import cards_replaced, ibans_replaced
from pipelines.quality.personal_data import PATTERNS
from schemas.families import Family

Kind = Literal["secrets", "emails", "ibans", "card_numbers", "phones", "ip_addresses"]
"""By the names of the signals that count them."""

PLACEHOLDERS: Final[dict[Kind, str]] = {
    "secrets": "[secret]",
    "emails": "[e-mail]",
    "ibans": "[bank account]",
    "card_numbers": "[card number]",
    "phones": "[telephone number]",
    "ip_addresses": "[IP address]",
}
"""What stands where something was, in the order in which kinds are replaced: whole ones before what may be a piece of
them. No placeholder is a hit of any kind."""

KINDS: Final = tuple(PLACEHOLDERS)

_KEY: Final = r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
_KEY_WHOLE: Final = rf"{_KEY}(?:(?:-{{0,4}}[^-])*-----END (?:[A-Z]+ )?PRIVATE KEY-----|(?:\s+[A-Za-z0-9+/=]{{40,}})*)"
"""The signal counts the first line; what has to go is the key behind it, up to its last line if it has one."""

_JSON: Final = ("tools", "template_kwargs", "meta", "verifier_args")
_JSON_OF_MESSAGES: Final = "tool_calls"


def redacted(text: pl.Expr, kinds: Sequence[Kind]) -> pl.Expr:
    """A text with a placeholder for each thing of these kinds; the same text where there is none, null for null."""
    if not kinds:
        return text

    def settled(texts: pl.Series) -> pl.Series:
        return _settled(texts, kinds)

    return text.map_batches(settled, return_dtype=pl.String, is_elementwise=True)


def _settled(texts: pl.Series, kinds: Sequence[Kind]) -> pl.Series:
    """Texts replaced until nothing is left: what went may have hidden where the next thing begins."""
    done, rows = texts, pl.arange(texts.len(), eager=True)
    while rows.len():
        before = done.gather(rows)
        after = before.to_frame("text").select(_once(pl.col("text"), kinds)).to_series()
        changed = after.ne_missing(before)
        rows = rows.filter(changed)
        if rows.len():
            done = done.scatter(rows, after.filter(changed))
    return done


def _once(text: pl.Expr, kinds: Sequence[Kind]) -> pl.Expr:
    for kind, placeholder in PLACEHOLDERS.items():
        if kind not in kinds:
            continue
        if kind == "card_numbers":
            text = cards_replaced(text, placeholder)
        elif kind == "ibans":
            text = ibans_replaced(text, placeholder)
        else:
            whole = text.str.replace_all(_KEY_WHOLE, placeholder) if kind == "secrets" else text
            before = "${1}" if kind == "phones" else ""
            text = whole.str.replace_all(PATTERNS[kind], f"{before}{placeholder}")
    return text


def redacted_messages(messages: pl.Expr, kinds: Sequence[Kind]) -> pl.Expr:
    """A list of messages (of the schema, or of role and content alone) with their contents redacted."""
    content = redacted(pl.element().struct.field("content"), kinds)
    return messages.list.eval(pl.element().struct.with_fields(content.alias("content")))


def redacted_columns(family: Family, kinds: Sequence[Kind]) -> list[pl.Expr]:
    """For `with_columns` on a family's records: every column that holds text, redacted; none where `kinds` is empty.

    JSON that would be none any more, since a number in it was a card's, is null.
    """
    if not kinds:
        return []
    names = family.schema.names
    columns = [
        _messages_and_calls(part, kinds) if is_messages(family, part) else redacted(pl.col(part), kinds)
        for part in family.parts
    ]
    columns += [redacted(pl.col("answer"), kinds)] if "answer" in names else []
    return columns + [_json(pl.col(name), kinds) for name in _JSON if name in names]


def _messages_and_calls(part: str, kinds: Sequence[Kind]) -> pl.Expr:
    calls = _json(pl.element().struct.field(_JSON_OF_MESSAGES), kinds).alias(_JSON_OF_MESSAGES)
    said = redacted_messages(pl.col(part), kinds)
    return said.list.eval(pl.element().struct.with_fields(calls))


def _json(text: pl.Expr, kinds: Sequence[Kind]) -> pl.Expr:
    clean = redacted(text, kinds)
    return pl.when((clean == text) | clean.str.json_path_match("$").is_not_null()).then(clean)
