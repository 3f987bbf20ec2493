r"""Pairs of answers that need no computer algebra: most of them. What is decided here is what Math-Verify would say.

A text is read where it says its answer in one `\boxed{}`. Then two rules decide: the same text is the same answer, and
two plain numbers are compared as numbers. Everything else is left open.
"""

from typing import Final

import polars as pl

_GROUP: Final = r"(?:[^{}$\n]|\\\$)"
_INNER: Final = rf"\{{(?:{_GROUP}|\{{{_GROUP}*\}})*\}}"
_BOX: Final = rf"\\boxed\s?\{{((?:{_GROUP}|\{{(?:{_GROUP}|{_INNER})*\}})*)\}}"
"""A box whose braces are balanced, three deep."""

_OTHERWISE_READ: Final = (
    r"(?s)(?i:I hope)|\\boxed.*(?i:final answer)"
    r"|\\boxed.*(?:\$|\]|\\\))\s*(?:\\?%|[Pp]ercent|[Pp]ct)|\\boxed.*(?:\$|\]|\\\))\s*(?:,|and|or)\s*(?:\$|\[|\\\[|\\\()"
)
"""Where Math-Verify looks for the answer elsewhere, takes a box for a percentage, or as one of several answers."""

_ENDS_MATHEMATICS: Final = r"\\\]|\\\)|\\\(|\\\["
_COSTLY: Final = (
    r"\^\s*\{[^{}]*\^|\^\s*.\s*\^|\^\s*\{?\s*-?(?:\d{3}|[^{}]*[(!])|[^\\]!|\d{21}|(?i:answer|boxed)"
    r"|\\(?:sum|prod|int|lim|binom|choose|dbinom|tbinom|dots|fbox)"
)
"""What may take long to work out, however equal it looks; that is for a worker to find."""

_SAYS_SOMETHING: Final = r"^[A-Za-z(\[-]*[A-Za-z0-9(\[]|\d|\\pi|\\sqrt\{[A-Za-z]|\\text\s*\{\s*\(?[A-Za-z]"

_UNIT: Final = r"\s*\\(?:text|mbox)\s?\{[ A-Za-z.]+\}(?:\^\d|\^\{\d\})?$"
_NO_UNIT: Final = r"(?i)\b(?:and|or)\b|percent|pct|inf"
_DEGREES: Final = r"\s?\^\s?(?:\{\s?\\circ\s?\}|\\circ)$"
_FRACTION: Final = r"^(-?)\\frac ?(?:\{ ?(-?\d{1,9}) ?\}|(\d)) ?(?:\{ ?(-?\d{1,9}) ?\}|(\d))$"
_SLASHED: Final = r"^(-?\d{1,9})/(\d{1,9})$"
_INTEGER: Final = r"^(?:-?\d{1,18}|-?[1-9]\d{0,2}(?:,\d{3}){1,5})$"
_DECIMAL: Final = r"^-?(?:\d{0,6}|[1-9]\d{0,2},\d{3})\.\d{1,6}$"

_ROUNDED: Final = 1e-5
"""Numbers further apart than this are not equal after Math-Verify rounds them to six places."""


def said_in_box(text: pl.Expr) -> pl.Expr:
    r"""What a text has in its `\boxed{}`; null where there is none, several differ, or Math-Verify may read another."""
    boxes = text.str.extract_all(_BOX)
    all_read = text.str.count_matches(r"\\boxed|\\fbox") == boxes.list.len()
    one = all_read & (boxes.list.n_unique() == 1)
    return pl.when(one & ~text.str.contains(_OTHERWISE_READ)).then(text.str.extract(_BOX).str.strip_chars())


def decided(pairs: pl.DataFrame) -> pl.Series:
    """The outcome of each row (`gold`, `said`: texts), null where it is left open."""
    sides = pairs.lazy().select(gold=pl.col("gold").str.strip_chars(), said=said_in_box(pl.col("said")))
    numbers = sides.select(
        pl.all(),
        _number(pl.col("gold"), "gold").struct.unnest(),
        _number(pl.col("said"), "said").struct.unnest(),
    )
    same = (pl.col("gold") == pl.col("said")) & _is_tame(pl.col("gold"))
    outcome = pl.when(same).then(pl.lit("verified")).otherwise(_as_numbers())
    return numbers.select(outcome.alias("outcome")).collect().to_series()


def _is_tame(answer: pl.Expr) -> pl.Expr:
    """Whether Math-Verify is sure to find this answer equal to itself, and at once."""
    strange = (
        answer.str.contains(_COSTLY) | answer.str.contains(_ENDS_MATHEMATICS) | answer.str.contains("\n", literal=True)
    )
    return (answer.str.len_chars() <= 200) & answer.str.contains(_SAYS_SOMETHING) & ~strange


def _as_numbers() -> pl.Expr:
    gold, said = (pl.col(f"{side}_over") / pl.col(f"{side}_under") for side in ("gold", "said"))
    whole = (pl.col("gold_under") == 1) & (pl.col("said_under") == 1)
    cross = pl.col("gold_over") * pl.col("said_under") == pl.col("said_over") * pl.col("gold_under")
    equal = pl.when(whole).then(pl.col("gold_over") == pl.col("said_over")).otherwise(cross)
    decimal = pl.col("gold_decimal") | pl.col("said_decimal")
    small = (pl.col("gold_over").abs() < 10**9) & (pl.col("said_over").abs() < 10**9) | whole
    return (
        pl.when(small & equal)
        .then(pl.lit("verified"))
        .when(small & ~equal & (~decimal | ((gold - said).abs() > _ROUNDED)))
        .then(pl.lit("refuted"))
    )


def _number(answer: pl.Expr, side: str) -> pl.Expr:
    r"""A plain number as a struct of `<side>_over`, `<side>_under` (integers) and `<side>_decimal`; else nulls.

    Integers and decimals with commas for thousands, `\frac34`, `3/4`; a dollar before it, degrees or a unit behind it.
    """
    unit = pl.when(~answer.str.contains(_NO_UNIT)).then(answer.str.replace(_UNIT, "")).otherwise(answer)
    bare = (
        unit.str.replace_all(r"\\!\s*|^\\\$\s?", "")
        .str.replace_all(r"\s*\{\s*,\s*\}", ",")
        .str.replace_all(r"\\[dtc]frac", r"\frac")
        .str.strip_chars(" ")
    )
    # Behind a comma a power belongs to the last part of a list.
    bare = pl.when(bare.str.contains(",", literal=True)).then(bare).otherwise(bare.str.replace(_DEGREES, ""))
    parts = bare.str.extract_groups(_FRACTION).struct
    slashed = bare.str.extract_groups(_SLASHED).struct
    above = pl.coalesce(parts.field("2"), parts.field("3"), slashed.field("1")).cast(pl.Int64)
    below = pl.coalesce(parts.field("4"), parts.field("5"), slashed.field("2")).cast(pl.Int64)
    sign = pl.when(parts.field("1") == "-").then(-1).otherwise(1) * below.sign()
    whole = pl.when(bare.str.contains(_INTEGER)).then(bare.str.replace_all(",", "").cast(pl.Int64, strict=False))
    digits = pl.when(bare.str.contains(_DECIMAL)).then(bare.str.replace_all(",", ""))
    places = digits.str.extract(r"\.(\d+)$").str.len_bytes().cast(pl.Int64)
    tenths = digits.str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
    fraction = pl.when(below != 0).then(above * sign)
    tens = pl.lit(10, dtype=pl.Int64).pow(places)
    return pl.struct(
        pl.coalesce(whole, fraction, tenths).alias(f"{side}_over"),
        pl.when(whole.is_not_null()).then(1).otherwise(pl.coalesce(below.abs(), tens)).alias(f"{side}_under"),
        digits.is_not_null().alias(f"{side}_decimal"),
    )
