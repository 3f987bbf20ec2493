"""Reasoning and answer out of a text in which tags mark them off."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import polars as pl

from pipelines.plans import computed

Tags = tuple[str, str]
THINK: Final = ("<think>", "</think>")
THOUGHT: Final = ("<|begin_of_thought|>", "<|end_of_thought|>")
SOLUTION: Final = ("<|begin_of_solution|>", "<|end_of_solution|>")


def tagged(text: pl.Expr, tags: Tags, answer_tags: Tags | None = None) -> tuple[pl.Expr, pl.Expr]:
    """Reasoning between `tags` and the answer after them, each stripped.

    Where the tags are not exactly one pair in order (and likewise `answer_tags`, where given), or something stands
    before, between or behind them that would be lost, the reasoning is null and the answer is the whole text, tags
    and all: signals judge it.
    """
    return _first_whole(text, [_Marks.of(text, tags, answer_tags)])


def reasoned(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Reasoning and answer of a text in any of the tags in use, each stripped; null and the text as it is for others.

    `<think>` (its opening tag may be missing: R1's template puts it into the prompt), and `<|begin_of_thought|>` with
    the answer in `<|begin_of_solution|>` or bare. Computed once for both, and once for all that ask where `text` is a
    column: polars shares nothing that stands on the field of a struct or on `list.eval`.
    """
    return _both(text.map_batches(_cut_apart, return_dtype=pl.List(pl.String), is_elementwise=True))


def last_reasoned(messages: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """`reasoned` of the last message's text."""

    def call(last: pl.Series) -> pl.Series:
        return _cut_apart(last.struct.field("content"))

    return _both(messages.list.last().map_batches(call, return_dtype=pl.List(pl.String), is_elementwise=True))


def _both(cut: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    return cut.list.get(0), cut.list.get(1)


def _cut_apart(texts: pl.Series) -> pl.Series:
    """Reasoning and answer of a column: 500 MB a CPU-second. Only the tags that a text has are looked at closely."""
    text = pl.col("text")
    think = (_Marks.of(text, THINK, None), _Marks.unopened(text, THINK))
    thought = (_Marks.of(text, THOUGHT, SOLUTION), _Marks.of(text, THOUGHT, None).without(text, SOLUTION))
    has_think, has_thought = (
        texts.str.contains(tags[1], literal=True).fill_null(value=False) for tags in (THINK, THOUGHT)
    )
    reasoning, answer = pl.Series([None] * len(texts), dtype=pl.String), texts
    for rows, kinds in (
        (has_think & ~has_thought, think),
        (has_thought & ~has_think, thought),
        (has_think & has_thought, (*think, *thought)),
    ):
        places = rows.arg_true()
        if len(places):
            cut = _first_whole(text, kinds)
            found = computed(texts.gather(places).to_frame("text"), reasoning=cut[0], answer=cut[1])
            reasoning = reasoning.scatter(places, found["reasoning"])
            answer = answer.scatter(places, found["answer"])
    return pl.select(cut=pl.concat_list(reasoning, answer)).to_series()


@dataclass(frozen=True)
class _Marks:
    """Where a kind of tags marks reasoning and answer off, in bytes; `whole`: whether it does."""

    whole: pl.Expr
    reasoning: tuple[pl.Expr, pl.Expr]
    answer: tuple[pl.Expr, pl.Expr]

    @classmethod
    def of(cls, text: pl.Expr, tags: Tags, answer_tags: Tags | None) -> "_Marks":
        marks = (*tags, *(answer_tags or ()))
        begins = [text.str.find(mark, literal=True) for mark in marks]
        ends = [place + len(mark.encode()) for place, mark in zip(begins, marks, strict=True)]
        opening, closing, *around = (re.escape(mark) for mark in marks)
        whole = pl.all_horizontal(
            *(text.str.count_matches(mark, literal=True) == 1 for mark in marks),
            *(left < right for left, right in pairwise(begins)),
            text.str.contains(rf"^\s*{opening}"),
        )
        if not around:
            return cls(whole, (ends[0], begins[1]), (ends[1], text.str.len_bytes()))
        whole &= text.str.contains(rf"{closing}\s*{around[0]}") & text.str.contains(rf"{around[1]}\s*$")
        return cls(whole, (ends[0], begins[1]), (ends[2], begins[3]))

    @classmethod
    def unopened(cls, text: pl.Expr, tags: Tags) -> "_Marks":
        """Reasoning from the start of the text up to the one closing tag."""
        opening, closing = tags
        once = text.str.count_matches(closing, literal=True) == 1
        ends = text.str.find(closing, literal=True)
        return cls(
            once & ~text.str.contains(opening, literal=True),
            (pl.lit(0), ends),
            (ends + len(closing.encode()), text.str.len_bytes()),
        )

    def without(self, text: pl.Expr, tags: Tags) -> "_Marks":
        """Only where none of other tags is there."""
        return replace(self, whole=self.whole & ~pl.any_horizontal(text.str.contains(t, literal=True) for t in tags))


def _first_whole(text: pl.Expr, kinds: Sequence[_Marks]) -> tuple[pl.Expr, pl.Expr]:
    """Reasoning and answer by the first kind of tags that is whole. The text is cut twice, whatever the kinds."""

    def cut(places: Sequence[tuple[pl.Expr, pl.Expr]]) -> pl.Expr:
        chosen = [
            pl.coalesce(pl.when(kind.whole).then(place[side]) for kind, place in zip(kinds, places, strict=True))
            for side in (0, 1)
        ]
        return text.cast(pl.Binary).bin.slice(chosen[0], chosen[1] - chosen[0]).cast(pl.String).str.strip_chars()

    return (
        cut([kind.reasoning for kind in kinds]),
        pl.when(pl.any_horizontal(kind.whole for kind in kinds))
        .then(cut([kind.answer for kind in kinds]))
        .otherwise(text),
    )
