"""What a layout is: the accessors through which defects are planted in the rows of a source."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.rows import Parts, Rows, Unit

HUMAN: Final = "\n\nHuman: "
ASSISTANT: Final = "\n\nAssistant: "


@dataclass(frozen=True)
class Layout:
    """One source's rows. `read` gives the parts of an example, `write` the example with other parts.

    `blank` is an example without text, made with the random numbers given. `needed`: the columns that an
    example cannot do without, the answer last. `compared`: the parts that decide about duplicates, by family.
    `identity`: the columns that a copy has of its own.
    """

    source: str
    schema: pl.Schema
    needed: tuple[str, ...]
    compared: Mapping[str, tuple[str, ...]]
    read: Callable[[Unit], Parts]
    write: Callable[[Unit, Parts], Unit]
    blank: Callable[[np.random.Generator], Unit]
    identity: tuple[str, ...] = ()

    def new(self, parts: Parts, generator: np.random.Generator) -> Unit:
        """An example that says this and stands for itself."""
        return self.write(self.blank(generator), parts)

    def copied(self, unit: Unit, parts: Parts, generator: np.random.Generator) -> Unit:
        """Another example that is like `unit` but says this; to the letter, where it says the same."""
        fresh = zip(unit, self.blank(generator), strict=True)
        copy = tuple({**row, **{name: new[name] for name in self.identity}} for row, new in fresh)
        return copy if parts == self.read(unit) else self.write(copy, parts)

    def unit(self, rows: Rows, position: int) -> Unit:
        """The example that the row at `position` yields."""
        row = rows[position]
        if "parent_id" not in self.schema or row["parent_id"] is None:
            return (row,)
        parent = rows.frame.filter(pl.col("message_id") == row["parent_id"])
        return (*parent.head(1).iter_rows(named=True), row)

    def text(self, parts: Parts, family: str) -> str:
        """The text that duplicates are judged by, but for white space."""
        said = "\n\n".join(parts[name] for name in self.compared[family] if parts.get(name))
        return re.sub(r"<<[^>]*>>", "", said.replace(HUMAN, "\n\n").replace(ASSISTANT, "\n\n"))


def question(parts: Parts) -> str:
    """The question with its context, as one text."""
    return "\n\n".join(parts[name] for name in ("question", "context") if parts.get(name))
