"""A frame of upstream's columns, in upstream's types, as a batch of the asked ones."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.columns import Column
from pipelines.reading import types
from pipelines.reading.asked import Asked
from pipelines.reading.batch import Batch, broken_of
from pipelines.reading.errors import wrong_form, wrong_type


def asked_of(frame: pl.DataFrame, rows: pl.Series, broken: pl.DataFrame, asked: Asked, path: Path) -> Batch:
    """The asked columns of a frame whose rows have the numbers `rows`; `broken`: rows that are not in it.

    TamisError for a column that is of another type in all of its rows.
    """
    made, reasons = [rows], []
    for entry, column in asked.columns.items():
        values, reason = _entry(frame, entry, column, asked, path)
        made.append(values.alias(entry))
        reasons += [reason] if reason is not None else []
    whole = pl.DataFrame(made)
    if not reasons:
        return Batch(whole, broken)
    reason = pl.select(pl.coalesce(reasons)).to_series()
    bad = frame.insert_column(0, rows).filter(reason.is_not_null())
    text = pl.struct(pl.exclude("row")).struct.json_encode()
    mistyped = broken_of(bad, pl.lit(reason.drop_nulls()), text)
    return Batch(whole.filter(reason.is_null()), pl.concat([broken, mistyped]).sort("row"))


def _entry(
    frame: pl.DataFrame, entry: str, column: Column, asked: Asked, path: Path
) -> tuple[pl.Series, pl.Series | None]:
    """An asked column, and why rows are broken by it: null where they are not, None where no row can be."""
    type_ = column.type() if isinstance(column.type, type) else column.type
    name = next((name for name in column.names if name in frame.columns), None)
    if name is None:
        return pl.Series([None] * frame.height, dtype=type_), None
    stored = frame[name]
    if column.holding:
        return types.json_holding(stored, column.holding), None
    if column.as_json:
        return frame.select(types.json_text(pl.col(name), name, stored.dtype)).to_series(), None
    if column.if_it_fits and _taker(stored, asked.forms[name], path) != entry:
        return pl.Series([None] * frame.height, dtype=type_), None
    plain = _plain(stored, type_, path).to_frame()
    values = plain.select(types.converted(pl.col(name), plain.schema[name], type_)).to_series()
    if stored.dtype == type_:
        return values, None
    lost = _is_lost(stored, plain.to_series(), type_).to_frame()
    said = pl.when(pl.first()).then(pl.lit(f"{name} is not {types.in_words(type_)}"))
    return values, lost.select(said).to_series()


def _taker(stored: pl.Series, forms: Mapping[str, pl.DataType], path: Path) -> str:
    """The first entry whose type the column has. TamisError where it has none."""
    for entry, type_ in forms.items():
        if types.fits(stored.dtype, type_):
            return entry
    raise wrong_form(stored.name, forms.values(), types.in_words(stored.dtype), path)


def _plain(column: pl.Series, asked: pl.DataType, path: Path) -> pl.Series:
    """The column in a type that converts to the asked one. TamisError where none does."""
    stored = column.dtype
    if not types.fits(stored, asked):
        raise wrong_type(column.name, asked, types.in_words(stored), path)
    return types.listed(column) if types.is_listed(stored, asked) else column


def _is_lost(column: pl.Series, plain: pl.Series, asked: pl.DataType) -> pl.Series:
    """Rows whose value is not of the asked type. `plain`: the column as `_plain` has it, null for uneven lists."""
    lost = plain.to_frame().with_columns(__lost=types.lost(pl.col(plain.name), plain.dtype, asked))["__lost"]
    return lost | (column.is_not_null() & plain.is_null())
