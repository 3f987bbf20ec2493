"""Parquet files that lie in a table's folder and are not yet part of the table, so that nobody sees them."""

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import TamisError, writing
from schemas.tables import Table

_ROW_GROUP: Final = 16_384
"""Rows a row group: small ones bound the memory of writer and reader."""


@dataclass(frozen=True)
class Staged:
    """One staged file. `path` is relative to the table's folder, with the partition in it; `size` in bytes."""

    table: str
    path: str
    rows: int
    size: int
    partition: Mapping[str, str]
    schema: pa.Schema


def inside(table: Table, partition: str | None) -> str:
    """Where the files of a partition lie in the table's folder: "" or "source=gsm8k/".

    Quoted, since readers take the value from the path: where it is not, a filter finds no rows.
    """
    return f"{table.partition}={quote(str(partition), safe='')}/" if table.partition else ""


@dataclass
class Writer:
    """Streams frames into one staged file of the table in `folder`. `tag` begins the file's name."""

    folder: Path
    table: Table
    partition: str | None
    tag: str
    _file: pq.ParquetWriter | None = field(default=None, init=False)
    _path: str | None = field(default=None, init=False)
    _rows: int = field(default=0, init=False)
    _schema: pa.Schema | None = field(default=None, init=False)

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows. The frame has the table's columns; the partition's column is left out of the file."""
        if frame.is_empty():
            return
        arrow = conform(frame, self.table, drop=self.table.partition)
        with writing(self.folder):
            if self._file is None:
                self._path = f"{inside(self.table, self.partition)}{self.tag}.{uuid.uuid4().hex}.parquet"
                path = self.folder / self._path
                path.parent.mkdir(parents=True, exist_ok=True)
                self._schema = arrow.schema
                self._file = pq.ParquetWriter(path, arrow.schema, compression="zstd")
            self._file.write_table(arrow, row_group_size=_ROW_GROUP)
        self._rows += arrow.num_rows

    def close(self) -> Staged | None:
        """Finish the file; None if nothing was written."""
        if self._file is None or self._path is None or self._schema is None:
            return None
        with writing(self.folder):
            self._file.close()
        self._file = None
        return Staged(
            table=self.table.name,
            path=self._path,
            rows=self._rows,
            size=(self.folder / self._path).stat().st_size,
            partition={self.table.partition: str(self.partition)} if self.table.partition else {},
            schema=self._schema,
        )

    def discard(self) -> None:
        """Close and delete what was written."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # the footer of a file that goes anyway finds no place on a full disk
                self._file.close()
            self._file = None
        if self._path is not None:
            (self.folder / self._path).unlink(missing_ok=True)


def conform(frame: pl.DataFrame, table: Table, *, drop: str | None = None) -> pa.Table:
    """The frame as an Arrow table with exactly the table's columns and types, and the open-ended ones behind.

    TamisError if a column is missing or cannot be cast.
    """
    declared = [f for f in table.columns if f.name != drop]
    missing = [f.name for f in declared if f.name not in frame.columns]
    if missing:
        raise TamisError(f"the columns {missing} are missing", where=table.name, cure="This is a defect of Tamis.")
    names = [f.name for f in declared]
    extra = [n for n in frame.columns if n not in names and n != drop] if table.open_ended else []
    arrow = frame.select(names + extra).to_arrow()
    fields = [*declared, *(pa.field(n, _storable(arrow.schema.field(n).type)) for n in extra)]
    try:
        return _cast(arrow, pa.schema(fields))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise TamisError(str(error), where=table.name, cure="This is a defect of Tamis.") from error


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    try:
        return table.cast(schema)
    except pa.ArrowInvalid:
        # A list may still carry what stood in rows or places that were cut away, nulls among it. Taking leaves that
        # behind; where the nulls are its own, the cast fails again.
        return table.take(pl.arange(table.num_rows, eager=True).to_arrow()).cast(schema)


def _storable(type_: pa.DataType) -> pa.DataType:
    """Delta has no unsigned integers and no large strings."""
    if pa.types.is_integer(type_):
        return pa.int64()
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    return type_
