"""Signals of verification: what was found of a record's answer. An answer that nothing could check is neither."""

import polars as pl

from pipelines.quality.signal import of_record, yes
from schemas.families import Family

_CHECKED = ("cot", "grpo")


@of_record(unit="0 or 1", families=_CHECKED)
def verified(family: Family) -> pl.Expr:
    """Whether the answer was verified; 0 also where that is not known. Null where verification did not run."""
    return yes(pl.col("outcome") == "verified")


@of_record(unit="0 or 1", families=_CHECKED)
def refuted(family: Family) -> pl.Expr:
    """Whether the answer was refuted; 0 where it was verified. Null where that is not known."""
    known = pl.col("outcome").is_in(["verified", "refuted"])
    return pl.when(known).then(yes(pl.col("outcome") == "refuted"))
