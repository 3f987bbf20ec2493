r"""The answer that a text gives: boxed, stated, standing alone, or, with less certainty, its last number."""

from typing import Final

import polars as pl

_TAIL: Final = 4_000
"""Characters of a long text that are read, from its end: an answer comes last."""

_NUMBER: Final = r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
_BOX: Final = r"\\boxed|\\fbox"
_STATED: Final = (
    rf"(?is)^.*(?:\banswer(?:\s+is|\s*:)|####)[\s:*]*(?:\\?\$\s?)?({_NUMBER})(?:\\?%)?\s*(?:[a-z ]{{0,30}}[.!*]*\s*)$"
)
_ALONE: Final = r"^[^\n]{1,60}$"
_WORDS: Final = r"(?:^|[^\\a-zA-Z])[a-zA-Z]{3,}"
_LAST_NUMBER: Final = rf"(?s)^.*?({_NUMBER})[^\d\n]*\s*$"
_LETTER: Final = r"(?i)\(?([A-J])\)?\.?"
_LETTER_BOXED: Final = rf"(?s)^.*\\boxed\{{\s*(?:\\text\{{)?\s*{_LETTER}\s*\}}"
_LETTER_STATED: Final = r"(?s)^.*(?i:\banswer(?:\s+is|\s*:))[\s:*]*\(?([A-J])\)?(?:[.*\s]|$)"
_WORDS_BOXED: Final = r"(?s)^.*\\(?:boxed|fbox)\{(?:\\text\{)?([^{}]+)\}"
_WORDS_STATED: Final = r"(?is)^.*(?:\banswer(?:\s+is|\s*:)|####)\s*([^\n]{1,200})$"


def letter(text: pl.Expr) -> pl.Expr:
    """The option that a text chooses, A to J; null where it does not say."""
    alone = text.str.strip_chars().str.extract(rf"^{_LETTER}$")
    return pl.coalesce(alone, text.str.extract(_LETTER_BOXED), text.str.extract(_LETTER_STATED)).str.to_uppercase()


def words(text: pl.Expr) -> pl.Expr:
    """The answer of a text in words: what it boxes or states at its end, else all of it; space and case folded."""
    stated = text.str.extract(_WORDS_BOXED).fill_null(text.str.extract(_WORDS_STATED))
    return folded(stated.fill_null(text))


def folded(answer: pl.Expr) -> pl.Expr:
    """An answer in words without case, outer punctuation and repeated space; null where nothing is left."""
    bare = answer.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" .!\"'*")
    return pl.when(bare != "").then(bare)


def said(text: pl.Expr) -> pl.Expr:
    r"""The answer of a text as a struct: `said`, in a `\boxed{}` where the text does not box it, and `firm`.

    Not firm is a number that merely comes last: it may agree with a gold answer, but does not contradict one.
    Both are null where the text has no number and does not stand for an answer.
    """
    end = text.str.tail(_TAIL).str.strip_chars()
    boxed = end.str.contains(_BOX)
    alone = pl.when(end.str.contains(_ALONE) & ~end.str.contains(_WORDS)).then(
        end.str.strip_chars("$ ").str.strip_suffix(".")
    )
    stated = pl.coalesce(end.str.extract(_STATED), alone)
    last = end.str.extract(r"([^\n]+)$").str.extract(_LAST_NUMBER)
    found = pl.coalesce(pl.when(boxed).then(end), _box(stated), _box(last.str.strip_suffix(",")))
    return pl.struct(said=found, firm=boxed | stated.is_not_null())


def _box(answer: pl.Expr) -> pl.Expr:
    return pl.concat_str([pl.lit("\\boxed{"), answer, pl.lit("}")])
