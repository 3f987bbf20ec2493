"""The lake: Delta tables in one folder. This module owns their types, commits, retries and versions.

A table's files are staged first (parquet files that no transaction names, so nobody sees them), checked, and
then added in one transaction. Two writers of a table always conflict in Delta, also on different partitions:
a commit reloads the table and tries again.
"""

import json
import os
import random
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction

from pipelines.errors import TamisError
from schemas.tables import TABLES, Table

_ROW_GROUP: Final = 16_384
"""Rows a row group: small ones bound the memory of writer and reader."""

_ATTEMPTS: Final = 40
EVERYTHING: Final = "*"
"""As `replace` of a commit: every file of the table."""

_KEPT_FOR: Final = "interval 3650 days"
"""Log and files of old versions outlive any pass that names them."""


@dataclass(frozen=True)
class Staged:
    """A parquet file that lies in a table's folder and is not yet part of the table."""

    table: str
    path: str
    """Relative to the table's folder, with the partition in it."""
    rows: int
    size: int
    partition: Mapping[str, str]
    schema: pa.Schema

    def absolute(self, lake: "Lake") -> Path:
        return lake.folder(self.table) / self.path


@dataclass
class Writer:
    """Streams frames into one staged file."""

    lake: "Lake"
    table: Table
    partition: str | None
    tag: str
    _file: pq.ParquetWriter | None = field(default=None, init=False)
    _path: Path | None = field(default=None, init=False)
    _rows: int = field(default=0, init=False)
    _schema: pa.Schema | None = field(default=None, init=False)

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows. The frame has the table's columns; the partition's column is left out of the file."""
        if frame.is_empty():
            return
        arrow = conform(frame, self.table, drop=self.table.partition)
        if self._file is None:
            folder = self.lake.folder(self.table.name)
            if self.table.partition:
                folder = folder / f"{self.table.partition}={self.partition}"
            folder.mkdir(parents=True, exist_ok=True)
            self._path = folder / f"{self.tag}.{uuid.uuid4().hex}.parquet"
            self._schema = arrow.schema
            self._file = pq.ParquetWriter(self._path, arrow.schema, compression="zstd")
        self._file.write_table(arrow, row_group_size=_ROW_GROUP)
        self._rows += arrow.num_rows

    def close(self) -> Staged | None:
        """Finish the file; None if nothing was written."""
        if self._file is None or self._path is None or self._schema is None:
            return None
        self._file.close()
        self._file = None
        return Staged(
            table=self.table.name,
            path=str(self._path.relative_to(self.lake.folder(self.table.name))),
            rows=self._rows,
            size=self._path.stat().st_size,
            partition={self.table.partition: str(self.partition)} if self.table.partition else {},
            schema=self._schema,
        )

    def discard(self) -> None:
        """Close and delete what was written."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)


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
        return arrow.cast(pa.schema(fields))
    except (pa.ArrowInvalid, ValueError) as error:
        raise TamisError(str(error), where=table.name, cure="This is a defect of Tamis.") from error


def _storable(type_: pa.DataType) -> pa.DataType:
    """Delta has no unsigned integers and no large strings."""
    if pa.types.is_unsigned_integer(type_) or pa.types.is_integer(type_):
        return pa.int64()
    if pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        return pa.string()
    return type_


class Lake:
    """The Delta tables below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, table: str) -> Path:
        return self.root / table

    def exists(self, table: str) -> bool:
        return (self.folder(table) / "_delta_log").is_dir()

    def version(self, table: str) -> int | None:
        """Number of the table's last commit; None if it is not there yet."""
        return int(self._open(table).version()) if self.exists(table) else None

    def versions(self, tables: Iterable[str]) -> dict[str, int]:
        """Version of each table that is there."""
        return {t: v for t in tables if (v := self.version(t)) is not None}

    def scan(self, table: str, version: int | None = None, *, absent: bool = False) -> pl.LazyFrame:
        """Rows of a table at a version (the last by default); no rows, but the columns, where it is not there.

        `absent=True` reads it as not there (a table that a lake state does not name).
        """
        if absent or not self.exists(table):
            empty = pl.from_arrow(TABLES[table].schema.empty_table())
            assert isinstance(empty, pl.DataFrame)
            return empty.lazy()
        try:
            return pl.scan_delta(str(self.folder(table)), version=version)
        except TableNotFoundError as error:
            raise TamisError(
                f"version {version} is gone",
                where=str(self.folder(table)),
                cure="It was named by a state or pass; materialise the recipe again.",
            ) from error

    def rows(self, table: str, version: int | None = None, *, partition: str | None = None) -> int:
        """Rows of a table (of one partition of it), counted from the files themselves."""
        frame = self.scan(table, version)
        column = TABLES[table].partition
        if partition is not None and column is not None:
            frame = frame.filter(pl.col(column) == partition)
        return int(frame.select(pl.len()).collect().item())

    def writer(self, table: str, *, partition: str | None = None, tag: str = "part") -> Writer:
        """A stream into a staged file. `tag` begins the file's name, so that `commit` can replace by it."""
        return Writer(self, TABLES[table], partition, tag)

    def stage(
        self, table: str, frame: pl.DataFrame, *, partition: str | None = None, tag: str = "part"
    ) -> list[Staged]:
        """Write one frame as a staged file; an empty frame stages nothing."""
        writer = self.writer(table, partition=partition, tag=tag)
        writer.write(frame)
        staged = writer.close()
        return [staged] if staged else []

    def discard(self, staged: Iterable[Staged]) -> None:
        """Delete staged files that will not be committed."""
        for item in staged:
            item.absolute(self).unlink(missing_ok=True)

    def commit(
        self,
        table: str,
        staged: Sequence[Staged],
        *,
        replace: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> int:
        """Add the staged files in one transaction and return the table's version.

        `replace=None` appends. `replace=EVERYTHING` takes out all files that were there; any other `replace` is a
        value of the table's partition, whose files are taken out: all of them, or those of the given tags.
        A commit that changes nothing makes no version.
        """
        spec = TABLES[table]
        prefixes = None if tags is None else tuple(f"{spec.partition}={replace}/{tag}." for tag in tags)
        for attempt in range(_ATTEMPTS):
            delta = self._prepared(spec, staged)
            gone = _leaving(delta, spec, replace, prefixes)
            if not staged and not gone:
                return int(delta.version())
            now = int(time.time() * 1000)
            actions: list[AddAction | RemoveAction] = [
                AddAction(s.path, s.size, dict(s.partition), now, True, json.dumps({"numRecords": s.rows}))
                for s in staged
            ]
            actions += [RemoveAction(path, True, now, size, values) for path, size, values in gone]
            try:
                delta.create_write_transaction(
                    actions,
                    mode="append",
                    schema=delta.schema(),
                    partition_by=[spec.partition] if spec.partition else None,
                    commit_properties=CommitProperties(custom_metadata={"tamis": replace or "append"}),
                )
            except CommitFailedError:
                time.sleep(random.uniform(0.005, 0.05) * (attempt + 1))
                continue
            return int(self._open(table).version())
        raise TamisError(
            f"{_ATTEMPTS} commits in a row met another writer",
            where=str(self.folder(table)),
            cure="Look for another run on this workspace, and start again when it has ended.",
        )

    def append(self, table: str, frame: pl.DataFrame) -> int:
        """Add rows to a table in one transaction."""
        return self.commit(table, self.stage(table, frame))

    def replace(self, table: str, frame: pl.DataFrame, *, partition: str | None = None) -> int:
        """Put a frame in the place of a whole table, or of one partition of it."""
        return self.commit(table, self.stage(table, frame, partition=partition), replace=partition or EVERYTHING)

    def files(self, table: str, partition: str, tags: set[str]) -> list[Path]:
        """The parquet files of one partition's last version that were staged with one of the tags."""
        if not self.exists(table):
            return []
        folder = self.folder(table)
        inside = f"{TABLES[table].partition}={partition}/"
        paths = pa.table(self._open(table).get_add_actions(flatten=True))["path"].to_pylist()
        return [folder / p for p in paths if p.startswith(inside) and p[len(inside) :].split(".")[0] in tags]

    def holds(self, table: str, path: str) -> bool:
        """Whether a file is part of the table's last version."""
        return self.exists(table) and any(uri.endswith(path) for uri in self._open(table).file_uris())

    def _open(self, table: str) -> DeltaTable:
        return DeltaTable(str(self.folder(table)))

    def _prepared(self, spec: Table, staged: Sequence[Staged]) -> DeltaTable:
        """The table, created or widened so that it has the columns of the staged files."""
        columns: dict[str, pa.Field] = {f.name: _nullable(f) for f in spec.columns}
        for item in staged:
            columns |= {f.name: _nullable(f) for f in item.schema if f.name not in columns}
        if not self.exists(spec.name):
            DeltaTable.create(
                str(self.folder(spec.name)),
                schema=pa.schema(list(columns.values())),
                mode="ignore",
                partition_by=[spec.partition] if spec.partition else None,
                description=f"schema version {spec.schema.metadata[b'version'].decode()}",
                configuration={
                    "delta.logRetentionDuration": _KEPT_FOR,
                    "delta.deletedFileRetentionDuration": _KEPT_FOR,
                },
            )
        delta = self._open(spec.name)
        known = {f.name for f in delta.schema().fields}
        new = [f for name, f in columns.items() if name not in known]
        if new:
            delta.alter.add_columns(list(Schema.from_arrow(pa.schema(new)).fields))
            delta = self._open(spec.name)
        return delta


def _nullable(column: pa.Field) -> pa.Field:
    """Delta enforces nullability of columns that it cannot see in a partition's file; the validator does it here."""
    return column.with_nullable(True)


def _leaving(
    delta: DeltaTable, spec: Table, replace: str | None, prefixes: tuple[str, ...] | None
) -> list[tuple[str, int, dict[str, str | None]]]:
    if replace is None:
        return []
    actions = pa.table(delta.get_add_actions(flatten=True)).to_pydict()
    column = f"partition.{spec.partition}"
    leaving = []
    for position, path in enumerate(actions["path"]):
        values = {spec.partition: actions[column][position]} if spec.partition else {}
        if replace != EVERYTHING and values.get(spec.partition or "") != replace:
            continue
        if prefixes is not None and not path.startswith(prefixes):
            continue
        leaving.append((path, actions["size_bytes"][position], values))
    return leaving


def disk_free(path: Path) -> int:
    """Bytes that may still be written below `path`."""
    stats = os.statvfs(path)
    return stats.f_bavail * stats.f_frsize
