"""Signals of pairs: whether the two sides differ, where they part, and what speaks against their order."""

import polars as pl

from pipelines.quality.prefix import common_prefix
from pipelines.quality.signal import of_record, yes
from schemas.families import Family

_PAIRS = ("preference",)
_chosen, _rejected = pl.col("chosen"), pl.col("rejected")


@of_record(unit="0 or 1", families=_PAIRS)
def equal_sides(family: Family) -> pl.Expr:
    """Whether chosen and rejected are the same text, white space and case aside: nothing to learn from."""
    return yes(_folded(_chosen) == _folded(_rejected))


@of_record(unit="characters", families=_PAIRS)
def common_prefix_chars(family: Family) -> pl.Expr:
    """Characters that chosen and rejected share from the start: cut there or before, they are the same."""
    return common_prefix(_chosen, _rejected)


@of_record(unit="share", families=_PAIRS)
def common_prefix_share(family: Family) -> pl.Expr:
    """The same, of the longer side; 1 for equal sides, 0 where both are empty."""
    longer = pl.max_horizontal(_chosen.str.len_chars(), _rejected.str.len_chars())
    return pl.when(longer > 0).then(common_prefix(_chosen, _rejected) / longer).otherwise(0.0)


@of_record(unit="turns", families=_PAIRS)
def chosen_turns(family: Family) -> pl.Expr:
    """Messages of the chosen side; above 1 where the sides part before the last answer."""
    return pl.col("chosen_messages").list.len().cast(pl.Int64)


@of_record(unit="turns", families=_PAIRS)
def rejected_turns(family: Family) -> pl.Expr:
    """Messages of the rejected side; above 1 where the sides part before the last answer."""
    return pl.col("rejected_messages").list.len().cast(pl.Int64)


@of_record(unit="words", families=_PAIRS)
def extra_words(family: Family) -> pl.Expr:
    """Words that chosen has more than rejected; negative where it is shorter."""
    return pl.col("chosen.words") - pl.col("rejected.words")


@of_record(unit="score", families=_PAIRS)
def score_margin(family: Family) -> pl.Expr:
    """Upstream's score of chosen less that of rejected: 0 for a tie, negative where the score contradicts the order."""
    return pl.col("chosen_score") - pl.col("rejected_score")


def _folded(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
