"""Argilla's text queries, which are Elasticsearch's `simple_query_string`, as expressions of SQLite's FTS5.

Words are joined by AND; `|` is OR, `-` before a word is NOT, `"..."` a phrase, `word*` a prefix, `(...)` a group, and
`\\` takes the meaning from the sign that follows. As in Lucene's SimpleQueryParser, operators are taken from left to
right with no precedence, a sign that has nothing to work on is nothing, and no query is an error. `"..."~N` allows
N words between those of a phrase; `word~N`, which asks for misspellings, finds the word as it is written.
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from pipelines.argilla.engine.words import has_words, segmented

EVERY: Final = "every"
"""A column that holds the same word in every row: what NOT is taken from, and what `*` finds."""

DEPTH: Final = 60
"""Groups within groups, and changes of operator within one: FTS5 refuses 256 levels, and two are used for each."""

_EVERYTHING: Final = f"{EVERY} : {EVERY}"

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<sign>[|+()])
    | (?P<minus>-)
    | "(?P<phrase>(?:[^"\\]|\\.)*)"(?:~(?P<slop>\d{1,3}))?
    | (?P<stray>")
    | (?P<word>(?:[^\s|+()"\\]|\\.)+|\\)
    """,
    re.VERBOSE | re.DOTALL,
)

Operator = Literal["AND", "OR"]


class TooDeepError(ValueError):
    """Groups and operators are nested deeper than the index can follow."""


@dataclass
class _Clause:
    """What stands so far in a group, and how the next operand joins it."""

    operands: list[str] = field(default_factory=list)
    joined_by: Operator | None = None
    next_by: Operator | None = None
    depth: int = 0
    minus: int = 0

    def add(self, operand: str | None) -> None:
        """Join an operand; None, which found no words, is nothing."""
        negated, self.minus = self.minus % 2 == 1, 0
        if operand is None:
            return
        if negated:
            operand = f"(({_EVERYTHING}) NOT {operand})"
        by = self.next_by or "AND"
        if len(self.operands) > 1 and by != self.joined_by:
            self.operands = [self.whole() or ""]
            self.depth += 1
        self.operands.append(operand)
        self.joined_by, self.next_by = by, None

    def whole(self) -> str | None:
        """One expression; None where there is no operand."""
        if len(self.operands) < 2:
            return self.operands[0] if self.operands else None
        return "(" + f" {self.joined_by} ".join(self.operands) + ")"


def expression(query: str, column: str | None = None) -> str | None:
    """The FTS5 expression of a query, over all columns or one; None where nothing can match, as with `!?`.

    TooDeepError beyond DEPTH.
    """
    if query.strip() == "*":
        return _EVERYTHING
    groups = [_Clause()]
    for token in _TOKEN.finditer(query):
        kind, here = token.lastgroup, groups[-1]
        if kind == "minus":
            here.minus += 1
        elif kind == "space":
            here.minus = 0
        elif token["sign"] == "(":
            groups.append(_Clause())
        elif token["sign"] == ")":
            here.minus = 0
            if len(groups) > 1:
                inner = groups.pop()
                groups[-1].depth = max(groups[-1].depth, inner.depth + 1)
                groups[-1].add(inner.whole())
        elif token["sign"] is not None:
            here.minus = 0
            if here.operands:
                here.next_by = "OR" if token["sign"] == "|" else "AND"
        elif token["phrase"] is not None:
            here.add(_phrase(token["phrase"], token["slop"], column))
        elif token["word"] is not None:
            here.add(_word(token["word"], column))
        if len(groups) + groups[-1].depth > DEPTH:
            raise TooDeepError(f"groups and operators are nested more than {DEPTH} deep")
    while len(groups) > 1:
        inner = groups.pop()
        groups[-1].add(inner.whole())
    return groups[0].whole()


def _phrase(text: str, slop: str | None, column: str | None) -> str | None:
    words = segmented(_plain(text)).replace('"', " ")
    if not has_words(words):
        return None
    if slop and int(slop):
        near = " ".join(f'"{word}"' for word in words.split() if has_words(word))
        return _in(column, f"NEAR({near}, {int(slop)})")
    return _in(column, f'"{words}"')


def _word(text: str, column: str | None) -> str | None:
    text = re.sub(r"(?<!\\)~\d*$", "", text)
    prefix = text.endswith("*") and not text.endswith("\\*")
    words = segmented(_plain(text.removesuffix("*") if prefix else text)).replace('"', " ")
    if not has_words(words):
        return None
    return _in(column, f'"{words.strip()}"' + (" *" if prefix else ""))


def _plain(text: str) -> str:
    """Without the backslashes that take a sign's meaning."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _in(column: str | None, leaf: str) -> str:
    return leaf if column is None else f'("{column}" : {leaf})'
