"""What a correction inherits: the record that it corrects, and where upstream has the row behind both.

It is written into the `meta` of records of the source `argilla`. Recipes judge such a record as if it came from there:
its source says whether the recipe takes it, which rules look at it, and its place among survivors.
"""

import polars as pl

from pipelines.states import State
from schemas.families import Family
from schemas.vocabulary import ARGILLA

_OF = ("source", "file", "row", "config")


def has_corrections(state: State) -> bool:
    """Whether a state has any record that people wrote."""
    return bool(state.scan("files").filter(pl.col("source") == ARGILLA).select(pl.len()).collect().item())


def lineage(state: State, family: Family) -> pl.LazyFrame:
    """The corrections of a family: `id`, `parent` (id of the record that each corrects), and `of_source`, `of_file`,
    `of_row` and `of_config`, where upstream has the row that they come from."""
    mine = state.scan(f"records_{family.name}").filter(pl.col("source") == ARGILLA)
    of = {f"of_{name}": _said(f"of.{name}") for name in _OF}
    return mine.select("id", parent=_said("parent"), **of).with_columns(pl.col("of_row").cast(pl.Int64))


def with_origin(state: State, family: Family, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with `id`, `source` and any of `file`, `row` and `config`, and beside each of these `of_source` and so on:
    where the row behind them is upstream. That is the record's own place, but for corrections."""
    named = [name for name in _OF if name in rows.collect_schema().names()]
    own = {f"of_{name}": pl.col(name) for name in named}
    if not has_corrections(state):
        return rows.with_columns(**own)
    written = pl.col("source") == ARGILLA
    theirs = lineage(state, family).select("id", *own)
    return pl.concat(
        [
            rows.filter(~written).with_columns(**own),
            rows.filter(written).join(theirs, on="id", how="left"),
        ]
    )


def signals(state: State, family: Family, only: pl.Expr) -> pl.LazyFrame:
    """The signals of those of a family's records that `only` is true for, with the source of those behind them as the
    `source` of corrections, so that the same rules look at both."""
    held = state.signals(family.name).filter(only)
    if not has_corrections(state):
        return held
    written = pl.col("source") == ARGILLA
    columns = held.collect_schema().names()
    theirs = held.filter(written).join(lineage(state, family), on="id", how="left")
    return pl.concat(
        [held.filter(~written), theirs.with_columns(source=pl.coalesce("of_source", "source")).select(columns)]
    )


def _said(path: str) -> pl.Expr:
    return pl.col("meta").str.json_path_match(f"$.{path}")
