"""Parquet, in batches: only the asked columns, and never more than a batch of a row group at once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.reading import types
from pipelines.reading.batch import BROKEN, Batch, broken_of
from pipelines.reading.errors import damage, no_such_column, wrong_type
from pipelines.reading.halving import faulty

_BUFFER: Final = 1 << 20
_MOST_ROWS: Final = 1 << 16


def read_parquet(
    path: Path, columns: Mapping[str, pl.DataType], limit: int | None, batch_bytes: int
) -> Iterator[Batch]:
    """See `pipelines.reading.read`."""
    with damage(path), pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        found = file.schema_arrow.names
        missing = [name for name in columns if name not in found]
        if missing:
            raise no_such_column(missing, found, path)
        first = 0
        for batch in file.iter_batches(_rows(file, columns, batch_bytes), columns=list(columns)):
            part = batch.select(list(columns))
            if limit is not None:
                part = part.slice(0, limit - first)
            yield _batch(part, first, columns, path)
            first += part.num_rows
            if first == limit:
                return


def _rows(file: pq.ParquetFile, columns: Mapping[str, pl.DataType], batch_bytes: int) -> int:
    """Rows that take about `batch_bytes` of the asked columns."""
    meta = file.metadata
    size, rows = 0, int(meta.num_rows)
    for group in range(meta.num_row_groups):
        for leaf in range(meta.num_columns):
            chunk = meta.row_group(group).column(leaf)
            if chunk.path_in_schema.split(".")[0] in columns:
                size += chunk.total_uncompressed_size
    return max(1, min(_MOST_ROWS, batch_bytes * rows // max(size, 1)))


def _batch(part: pa.RecordBatch, first: int, columns: Mapping[str, pl.DataType], path: Path) -> Batch:
    rows = pl.int_range(first, first + part.num_rows, eager=True).alias("row")
    foul = _not_text(part)
    broken = pl.DataFrame(schema=BROKEN)
    if foul:
        broken = pl.DataFrame({"row": rows.gather(foul), "reason": "not valid UTF-8", "excerpt": ""}, schema=BROKEN)
        keep = pl.Series(range(0)) if len(foul) == part.num_rows else (~rows.is_in(broken["row"].implode())).arg_true()
        part, rows = part.take(keep.cast(pl.Int64).to_arrow()), rows.gather(keep)
    frame = pl.from_arrow(part)
    assert isinstance(frame, pl.DataFrame)
    stored = frame.select(_plain(frame[name], asked, path) for name, asked in columns.items())
    reasons = [
        pl.when(_is_lost(frame[name], stored[name], asked)).then(pl.lit(f"{name} is not {types.in_words(asked)}"))
        for name, asked in columns.items()
        if frame.schema[name] != asked
    ]
    made = [types.converted(pl.col(name), stored.schema[name], asked).alias(name) for name, asked in columns.items()]
    whole = stored.with_columns(made).insert_column(0, rows)
    if not reasons:
        return Batch(whole, broken)
    reason = frame.select(pl.coalesce(reasons)).to_series()
    bad = frame.insert_column(0, rows).filter(reason.is_not_null())
    text = pl.struct(pl.exclude("row")).struct.json_encode()
    mistyped = broken_of(bad, pl.lit(reason.drop_nulls()), text)
    return Batch(whole.filter(reason.is_null()), pl.concat([broken, mistyped]).sort("row"))


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


def _not_text(part: pa.RecordBatch) -> list[int]:
    """Positions of the rows whose text is not UTF-8: parquet's writers do not check it."""

    def sound(start: int, stop: int) -> bool:
        try:
            part.slice(start, stop - start).validate(full=True)
        except pa.ArrowInvalid:
            return False
        return True

    return faulty(part.num_rows, sound)
