"""The lake: Delta tables in one folder. This module owns their commits, retries and versions.

A table's files are staged first (`pipelines.staging`), checked, and then added in one transaction. Two writers of a
table always conflict in Delta, also on different partitions: a commit reloads the table and tries again.
"""

import json
import random
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, CommitProperties, RemoveAction

from pipelines.errors import TamisError, writing
from pipelines.staging import Staged, Writer, inside
from schemas.tables import TABLES, Table

_ATTEMPTS: Final = 40
EVERYTHING: Final = "*"
"""As `replace` of a commit: every file of the table."""

LASTING: Final = "lasting"
"""Folder of the tables that nothing can rebuild. It is saved by copying it, and restored by putting it back."""

_VERSION: Final = "tamis.schemaVersion"
_KEPT_FOR: Final = "interval 3650 days"
"""Log and files of old versions outlive any pass that names them."""


class Lake:
    """The Delta tables below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, table: str) -> Path:
        return self.root / table if TABLES[table].derived else self.root / LASTING / table

    def exists(self, table: str) -> bool:
        # a disk that was full when the table was to be made leaves the folder of the log, with nothing in it
        return any((self.folder(table) / "_delta_log").glob("*.json"))

    def version(self, table: str) -> int | None:
        """Number of the table's last commit; None if it is not there yet."""
        return int(self._open(table).version()) if self.exists(table) else None

    def versions(self, tables: Iterable[str]) -> dict[str, int]:
        """Version of each table that is there."""
        return {t: v for t in tables if (v := self.version(t)) is not None}

    def scan(self, table: str, version: int | None = None, *, absent: bool = False) -> pl.LazyFrame:
        """Rows of a table at a version (the last by default); no rows, but the columns, where it is not there.

        `absent=True` reads it as not there (a table that a lake state does not name). TamisError where the version
        is gone, or another version of Tamis wrote the table.
        """
        if absent or (version is None and not self.exists(table)):
            empty = pl.from_arrow(TABLES[table].schema.empty_table())
            assert isinstance(empty, pl.DataFrame)
            return empty.lazy()
        return pl.scan_delta(self._open(table, version))

    def rows(self, table: str, version: int | None = None, *, partition: str | None = None) -> int:
        """Rows of a table (of one partition of it), counted from the files themselves."""
        frame = self.scan(table, version)
        column = TABLES[table].partition
        if partition is not None and column is not None:
            frame = frame.filter(pl.col(column) == partition)
        return int(frame.select(pl.len()).collect().item())

    def writer(self, table: str, *, partition: str | None = None, tag: str = "part") -> Writer:
        """A stream into a staged file. `tag` begins the file's name, so that `commit` can replace by it."""
        return Writer(self.folder(table), TABLES[table], partition, tag)

    def stage(
        self, table: str, frame: pl.DataFrame, *, partition: str | None = None, tag: str = "part"
    ) -> list[Staged]:
        """Write one frame as a staged file; an empty frame stages nothing, and an error leaves nothing."""
        writer = self.writer(table, partition=partition, tag=tag)
        try:
            writer.write(frame)
            staged = writer.close()
        except BaseException:
            writer.discard()
            raise
        return [staged] if staged else []

    def path(self, staged: Staged) -> Path:
        """Where a staged file lies."""
        return self.folder(staged.table) / staged.path

    def discard(self, staged: Iterable[Staged]) -> None:
        """Delete staged files that will not be committed."""
        for item in staged:
            self.path(item).unlink(missing_ok=True)

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
        prefixes = None if tags is None else tuple(f"{inside(spec, replace)}{tag}." for tag in tags)
        for attempt in range(_ATTEMPTS):
            try:
                with writing(self.folder(table)):
                    return self._commit_once(spec, staged, replace, prefixes)
            except CommitFailedError:
                time.sleep(random.uniform(0.005, 0.05) * (attempt + 1))
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

    def restore(self, table: str, version: int | None) -> None:
        """Make the table what it was at a version (None: before it was there, so empty), as its newest one."""
        if self.exists(table):
            with writing(self.folder(table)):
                self._open(table).restore(version or 0)

    def files(self, table: str, partition: str, tags: set[str]) -> list[Path]:
        """The parquet files of one partition's last version that were staged with one of the tags."""
        if not self.exists(table):
            return []
        folder, start = self.folder(table), inside(TABLES[table], partition)
        paths = (path for path, *_ in _added(self._open(table), TABLES[table]))
        return [folder / path for path in paths if path.startswith(start) and _tag(path) in tags]

    def holds(self, staged: Staged) -> bool:
        """Whether a file is part of its table's last version."""
        table = TABLES[staged.table]
        return self.exists(table.name) and any(
            path == staged.path for path, *_ in _added(self._open(table.name), table)
        )

    def orphans(self, table: str, older_than_s: float) -> list[Path]:
        """Parquet files of the table's folder that no commit ever named: what killed runs had staged."""
        before = time.time() - older_than_s
        folder = self.folder(table)
        named = {Path(path).name for path in _ever_added(folder)}
        return [
            path for path in folder.rglob("*.parquet")
            if path.name not in named and "_delta_log" not in path.parts and path.stat().st_mtime < before
        ]  # fmt: skip

    def _open(self, table: str, version: int | None = None) -> DeltaTable:
        """Every reading and writing of a table comes by here."""
        folder = self.folder(table)
        try:
            delta = DeltaTable(str(folder), version=version)
        except DeltaError as error:
            what = f"version {version} is gone" if version is not None else f"cannot be read: {error}"
            cure = "It was named by a state or pass; materialise the recipe again."
            raise TamisError(what, where=str(folder), cure=cure) from error
        written = delta.metadata().configuration.get(_VERSION)
        if written != str(TABLES[table].version):
            raise self._foreign(TABLES[table], written)
        return delta

    def _foreign(self, table: Table, written: str | None) -> TamisError:
        cure = (
            f"Delete everything in {self.root} but `{LASTING}`: the next run rebuilds it."
            if table.derived
            else "Use the version of Tamis that wrote it: nothing can rebuild this table, so it is left as it is."
        )
        what = f"the table has the schema version {written or 'of nobody'}, and this Tamis works with {table.version}"
        return TamisError(what, where=str(self.folder(table.name)), cure=cure)

    def _commit_once(
        self, spec: Table, staged: Sequence[Staged], replace: str | None, prefixes: tuple[str, ...] | None
    ) -> int:
        delta = self._prepared(spec, staged)
        gone = _leaving(delta, spec, replace, prefixes)
        if not staged and not gone:
            return int(delta.version())
        now = int(time.time() * 1000)
        actions: list[AddAction | RemoveAction] = [
            AddAction(s.path, s.size, dict(s.partition), now, True, json.dumps({"numRecords": s.rows})) for s in staged
        ]
        actions += [RemoveAction(path, True, now, size, values) for path, size, values in gone]
        delta.create_write_transaction(
            actions,
            mode="append",
            schema=delta.schema(),
            partition_by=[spec.partition] if spec.partition else None,
            commit_properties=CommitProperties(custom_metadata={"tamis": replace or "append"}),
        )
        return int(self._open(spec.name).version())

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
                configuration={
                    "delta.logRetentionDuration": _KEPT_FOR,
                    "delta.deletedFileRetentionDuration": _KEPT_FOR,
                    _VERSION: str(spec.version),
                },
                raise_if_key_not_exists=False,  # Delta knows no key of ours
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


def _added(delta: DeltaTable, spec: Table) -> list[tuple[str, int, dict[str, str | None]]]:
    """Path, bytes and partition of each file of a table's version."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    paths = [unquote(path) for path in actions["path"].to_pylist()]  # it is quoted once more than it was committed
    values = actions[f"partition.{spec.partition}"].to_pylist() if spec.partition else [None] * len(paths)
    partitions: list[dict[str, str | None]] = [{spec.partition: value} if spec.partition else {} for value in values]
    return list(zip(paths, actions["size_bytes"].to_pylist(), partitions, strict=True))


def _leaving(
    delta: DeltaTable, spec: Table, replace: str | None, prefixes: tuple[str, ...] | None
) -> list[tuple[str, int, dict[str, str | None]]]:
    if replace is None:
        return []
    here = _added(delta, spec)
    if replace != EVERYTHING:
        here = [file for file in here if file[2].get(str(spec.partition)) == replace]
    return here if prefixes is None else [file for file in here if file[0].startswith(prefixes)]


def _ever_added(folder: Path) -> set[str]:
    """Paths of all files that a table's commits named: its log is kept as long as they are."""
    lines = (line for log in (folder / "_delta_log").glob("*.json") for line in log.read_text("utf-8").splitlines())
    return {unquote(entry["add"]["path"]) for entry in map(json.loads, lines) if "add" in entry}


def _tag(path: str) -> str:
    return path.rsplit("/", 1)[-1].split(".")[0]
