"""What reading gives: rows, and what is broken."""

from dataclasses import dataclass
from typing import Final

import polars as pl

EXCERPT: Final = 200
"""Characters of a broken row that are kept."""

BROKEN: Final = pl.Schema({"row": pl.Int64, "reason": pl.String, "excerpt": pl.String})


@dataclass(frozen=True)
class Batch:
    """Some upstream rows of a file, in its order. `row` counts from 0 in the file; blank lines are no rows.

    `rows`: `row` and the asked columns. `broken`: `row`, `reason` and `excerpt` of the rows that cannot be read.
    """

    rows: pl.DataFrame
    broken: pl.DataFrame


def broken_of(rows: pl.DataFrame, reason: pl.Expr, text: pl.Expr) -> pl.DataFrame:
    """Rows (with `row`) as broken ones."""
    return rows.select("row", reason=reason, excerpt=text.fill_null("").str.head(EXCERPT)).cast(BROKEN)
