"""Parquet, in batches: only the asked columns, and never more than a batch of a row group at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.reading.asked import Asked
from pipelines.reading.batch import BROKEN, Batch
from pipelines.reading.errors import damage, no_such_column
from pipelines.reading.frames import asked_of
from pipelines.reading.halving import faulty

_BUFFER: Final = 1 << 20
_MOST_ROWS: Final = 1 << 9


def read_parquet(path: Path, asked: Asked, limit: int | None, batch_bytes: int) -> Iterator[Batch]:
    """See `pipelines.reading.read`."""
    with damage(path), pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
        found = file.schema_arrow.names
        if missing := asked.missing(found):
            raise no_such_column(missing, found, path)
        columns = [name for name in found if name in asked.upstream]
        first = 0
        steps = file.iter_batches(_rows(file, columns, batch_bytes), columns=columns)
        for part in _batches((step.select(columns) for step in steps), batch_bytes):
            if limit is not None:
                part = part.slice(0, limit - first)
            yield _batch(part, first, asked, path)
            first += part.num_rows
            if first == limit:
                return


def _batches(steps: Iterator[pa.RecordBatch], batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of about `batch_bytes` in memory, whatever they take in the file."""
    held: list[pa.RecordBatch] = []
    size = 0
    for step in steps:
        pieces = min(max(1, -(-step.nbytes // batch_bytes)), max(1, step.num_rows))
        rows = max(1, -(-step.num_rows // pieces))
        for piece in (step.slice(at, rows) for at in range(0, max(1, step.num_rows), rows)):
            if held and size + piece.nbytes > batch_bytes:
                yield pa.concat_batches(held)
                held, size = [], 0
            held.append(piece)
            size += piece.nbytes
    if held:
        yield pa.concat_batches(held)


def _rows(file: pq.ParquetFile, columns: list[str], batch_bytes: int) -> int:
    """Rows that are read at once: such as take about `batch_bytes` of the asked columns in the file, and few.

    They may take far more in memory: a text that many rows share stands once in the file.
    """
    meta = file.metadata
    size, rows = 0, int(meta.num_rows)
    for group in range(meta.num_row_groups):
        for leaf in range(meta.num_columns):
            chunk = meta.row_group(group).column(leaf)
            if chunk.path_in_schema.split(".")[0] in columns:
                size += chunk.total_uncompressed_size
    return max(1, min(_MOST_ROWS, batch_bytes * rows // max(size, 1)))


def _batch(part: pa.RecordBatch, first: int, asked: Asked, path: Path) -> Batch:
    rows = pl.int_range(first, first + part.num_rows, eager=True).alias("row")
    foul = _not_text(part)
    broken = pl.DataFrame(schema=BROKEN)
    if foul:
        broken = pl.DataFrame({"row": rows.gather(foul), "reason": "not valid UTF-8", "excerpt": ""}, schema=BROKEN)
        keep = pl.Series(range(0)) if len(foul) == part.num_rows else (~rows.is_in(broken["row"].implode())).arg_true()
        part, rows = part.take(keep.cast(pl.Int64).to_arrow()), rows.gather(keep)
    frame = pl.from_arrow(part)
    assert isinstance(frame, pl.DataFrame)
    return asked_of(frame, rows, broken, asked, path)


def _not_text(part: pa.RecordBatch) -> list[int]:
    """Positions of the rows whose text is not UTF-8: parquet's writers do not check it."""

    def sound(start: int, stop: int) -> bool:
        try:
            part.slice(start, stop - start).validate(full=True)
        except pa.ArrowInvalid:
            return False
        return True

    return faulty(part.num_rows, sound)
