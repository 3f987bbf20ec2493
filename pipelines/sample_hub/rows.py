"""Rows of one file upstream, as defects are planted in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

Row = dict[str, Any]
"""One row in upstream's columns."""

Unit = tuple[Row, ...]
"""The rows that make one example, of which the last yields the records: one row, or a question and its answer."""

Parts = dict[str, str]
"""What an example says, by name: question, context, reasoning, answer, rejected."""


def columns(**types: pl.DataType | type[pl.DataType]) -> pl.Schema:
    """Columns of upstream with their types."""
    return pl.Schema(types)


@dataclass(frozen=True)
class Rows:
    """The rows of `file` in the repository of a source, in the columns of upstream. A row's number is its position."""

    source: str
    file: str
    frame: pl.DataFrame

    def __getitem__(self, position: int) -> Row:
        return self.frame.row(position, named=True)

    def replaced(self, rows: Mapping[int, Row]) -> "Rows":
        """With other rows at some positions."""
        if not rows:
            return self
        fresh = pl.DataFrame(list(rows.values()), self.frame.schema)
        places = pl.DataFrame({"at": list(rows), "from": range(self.frame.height, self.frame.height + len(rows))})
        index = (
            pl.DataFrame({"at": pl.int_range(self.frame.height, eager=True)})
            .join(places, on="at", how="left", maintain_order="left")
            .select(pl.coalesce("from", "at"))
            .to_series()
        )
        return replace(self, frame=pl.concat([self.frame, fresh])[index])

    def extended(self, rows: Sequence[Row]) -> "Rows":
        """With further rows at the end."""
        return (
            replace(self, frame=pl.concat([self.frame, pl.DataFrame(list(rows), self.frame.schema)])) if rows else self
        )
