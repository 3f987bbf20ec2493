"""A source's run: from its snapshot to staged records, signals and verification, checked and committed together.

Unchanged files are not read again: a file's records lie in files of their own, which are replaced when the Hub's
content, the code that reads them, or the row limit changes. Where only the code of the signals or of verification
changes, these are computed again from the committed records.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow.parquet as pq

from pipelines.accounting import accounting, accounts
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.normalise import Place, batches, file_key, normalise
from pipelines.quality import code as code_blocks
from pipelines.quality import signals as quality
from pipelines.quality import tokens
from pipelines.reading import read
from pipelines.sources.source import Read, Source
from pipelines.staging import Staged, Writer
from pipelines.staleness import extent, in_order, why_again
from pipelines.tombstones import tombstones, without_forgotten
from pipelines.transactions import Change, commit, committing
from pipelines.verify import verification as verifying
from pipelines.verify.workers import Workers
from pipelines.wanted import Snapshot, UpstreamFile
from pipelines.workspace import Workspace, source_lock
from schemas.families import FAMILIES, Family
from schemas.tables import MEASURED, PER_SOURCE, TABLES

Progress = Callable[[str], None]

_FILES_SCHEMA: Final = pl.DataFrame(pl.from_arrow(TABLES["files"].schema.empty_table())).schema


_MEASURED_OF: Final = {f"signals_{name}": (name,) for name in FAMILIES} | {"verification": verifying.FAMILIES_VERIFIED}
"""Tables that are computed from records, and the families whose records each has a row for."""


@dataclass(frozen=True)
class Refreshed:
    """What a source's run did. `files`: its rows of the table `files`; `read_again`: files that were read."""

    source: str
    files: pl.DataFrame
    read_again: tuple[str, ...]

    @property
    def rows(self) -> int:
        return int(self.files["rows"].sum())

    @property
    def records(self) -> dict[str, int]:
        """Records by family; families that the source does not yield are left out."""
        counts = {name: int(self.files["records"].struct.field(name).sum()) for name in FAMILIES}
        return {name: count for name, count in counts.items() if count}


@dataclass
class _Staging:
    """What a run has staged so far. `kept`: tags of the upstream files whose records stay as they are.

    `measured`: those of them whose signals and verification are computed again. `forgotten`: content (`content_hash`)
    that is not stored again.
    """

    lake: Lake
    source: str
    workers: Workers
    tools: quality.Tools
    forgotten: pl.DataFrame
    kept: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)
    staged: dict[str, list[Staged]] = field(default_factory=lambda: {t.name: [] for t in PER_SOURCE})

    def writers(self, tag: str) -> dict[str, Writer]:
        tables = [t.name for t in PER_SOURCE if t.name != "files"]
        return {name: self.lake.writer(name, partition=self.source, tag=tag) for name in tables}

    def close(self, writers: dict[str, Writer]) -> None:
        for name, writer in writers.items():
            done = writer.close()
            if done:
                self.staged[name].append(done)

    def discard(self) -> None:
        for staged in self.staged.values():
            self.lake.discard(staged)


def refresh(
    workspace: Workspace,
    lake: Lake,
    name: str,
    source: Source,
    snapshot: Snapshot,
    *,
    settings: LakeSettings,
    limit: int | None = None,
    progress: Progress = lambda _: None,
) -> Refreshed:
    """Bring a source's tables up to its snapshot; nothing is visible before everything is checked.

    `limit`: upstream rows to read, from the start; rows that were read before stay. TamisError names source and
    file; then the source's last good records stand.
    """
    with workspace.lock(source_lock(name), f"a run of {name}", progress):
        with committing(lake, progress):
            pass  # what a killed run of this source left is finished before its tables are read
        before = lake.scan("files").filter(pl.col("source") == name).collect()
        with Workers() as workers, code_blocks.parsers() as parsers:
            tools = quality.Tools(tokens.load(settings.tokenizer), parsers)
            staging = _Staging(lake, name, workers, tools, tombstones(lake).collect())
            try:
                rows, again = _stage_files(staging, source, snapshot, before, limit, progress)
                files = pl.DataFrame(rows, schema=_FILES_SCHEMA)
                check(lake, name, files, staging, settings)
                staging.staged["files"] = lake.stage("files", files, partition=name)
            except BaseException:
                staging.discard()
                raise
        _commit(lake, staging, before, files, again, progress)
        return Refreshed(name, files, tuple(again))


def _stage_files(
    staging: _Staging, source: Source, snapshot: Snapshot, before: pl.DataFrame, limit: int | None, progress: Progress
) -> tuple[list[dict[str, object]], list[str]]:
    intact = accounts(staging.lake, staging.source) is None
    known = {str(row["file"]): row for row in before.iter_rows(named=True)}
    rows: list[dict[str, object]] = []
    again: list[str] = []
    taken = 0
    for declared, file in in_order(source, snapshot):
        left = None if limit is None else max(limit - taken, 0)
        old = known.get(file.path)
        left = extent(old, left)
        stated = snapshot.license or source.license
        if old is not None and intact and why_again(old, file, source.code, left, stated) is None:
            row = old
            staging.kept.add(file_key(file.path))
            if _measures_are_stale(staging, file_key(file.path)):
                progress(f"{staging.source}: {file.path}: signals and verification by new code")
                _measure_again(staging, file_key(file.path))
        elif left == 0:
            continue
        else:
            row = _stage_file(staging, source, snapshot, declared, file, left, progress)
            again.append(file.path)
        rows.append(row | {"position": len(rows)})
        taken += int(str(row["rows"]))
    return rows, again


def _measures_are_stale(staging: _Staging, tag: str) -> bool:
    """Whether an upstream file has committed records that were measured or verified by other code, or never."""
    lake, source = staging.lake, staging.source
    for table, families in _MEASURED_OF.items():
        made = lake.files(table, source, {tag})
        code = verifying.code() if table == "verification" else quality.code(staging.tools)
        current = pl.scan_parquet(made).select((pl.col("code") == code).all()).collect().item() if made else True
        if not current or (not made and any(lake.files(f"records_{name}", source, {tag}) for name in families)):
            return True
    return False


def _measure(
    staging: _Staging,
    writers: Mapping[str, Writer],
    records: pl.DataFrame,
    family: Family,
    stored: pl.DataFrame | None = None,
) -> None:
    """Stage the verification and the signals of records of a family; `stored`: their signals as they are."""
    if family.name in verifying.FAMILIES_VERIFIED:
        known = staging.lake.scan("verification").filter(pl.col("source") == staging.source)
        verified = verifying.verification(records, family, staging.workers, known)
        writers["verification"].write(verified)
        records = records.with_columns(verified["outcome"])
    writers[f"signals_{family.name}"].write(quality.signals(records, family, staging.tools, stored))


def _measure_again(staging: _Staging, tag: str) -> None:
    """Stage the signals and verification of an upstream file's records, in batches; the records stay as they are."""
    writers = staging.writers(tag)
    try:
        for name, family in FAMILIES.items():
            before = staging.lake.files(f"signals_{name}", staging.source, {tag})
            for path in staging.lake.files(f"records_{name}", staging.source, {tag}):
                for batch in pq.ParquetFile(path).iter_batches():
                    records = pl.DataFrame(batch).with_columns(source=pl.lit(staging.source))
                    _measure(staging, writers, records, family, _stored(before, records))
    except BaseException:
        for writer in writers.values():
            writer.discard()
        raise
    staging.close(writers)
    staging.measured.add(tag)


def _stored(paths: list[Path], records: pl.DataFrame) -> pl.DataFrame | None:
    """The committed signals of records, in their order; None where one has none."""
    if not paths:
        return None
    wanted = records.lazy().select("id")
    found = pl.scan_parquet(paths).join(wanted, on="id", how="semi").collect()
    if found.height != records.height:
        return None
    return records.select("id").join(found, on="id", how="left", maintain_order="left")


def _stage_file(
    staging: _Staging,
    source: Source,
    snapshot: Snapshot,
    declared: Read,
    file: UpstreamFile,
    left: int | None,
    progress: Progress,
) -> dict[str, object]:
    place = Place(
        source=staging.source,
        revision=snapshot.revision,
        config=file.config,
        split=file.split,
        file=file.path,
        number=file.number,
        license=snapshot.license or source.license,
        language=source.language,
    )
    counts = {"rows": 0, "yielding": 0, "rejected": 0, "not_selected": 0}
    records = dict.fromkeys(FAMILIES, 0)
    writers = staging.writers(file_key(file.path))
    try:

        def rows_read() -> Iterator[pl.DataFrame]:
            for batch in read(file.local, columns=declared.columns, any_of=declared.any_of, limit=left):
                counts["rows"] += batch.broken.height
                counts["rejected"] += batch.broken.height
                writers["rejects"].write(_broken_rows(batch.broken, staging.source, file.path))
                if batch.rows.height:
                    yield batch.rows

        for frame in batches(rows_read(), whole_file=declared.whole_file):
            done = without_forgotten(normalise(frame, declared, place), staging.forgotten)
            counts["rows"] += done.rows
            counts["yielding"] += done.yielding
            whole = done.rejects.filter(pl.col("family").is_null())
            counts["rejected"] += int(whole["selected"].sum())
            counts["not_selected"] += int((~whole["selected"]).sum())
            writers["rejects"].write(_located(done.rejects, staging.source, file.path))
            for family, table in done.records.items():
                records[family] += table.height
                writers[f"records_{family}"].write(table)
                _measure(staging, writers, table, FAMILIES[family])
            progress(f"{staging.source}: {file.path}: {counts['rows']:,} rows")
    except BaseException as error:
        for writer in writers.values():
            writer.discard()
        if isinstance(error, TamisError):
            raise TamisError(error.what, where=f"{staging.source}: {file.path}", cure=error.cure) from error
        raise
    staging.close(writers)
    return {
        "source": staging.source,
        "file": file.path,
        "number": file.number,
        "config": file.config,
        "split": file.split,
        "repo": snapshot.repo,
        "revision": snapshot.revision,
        "etag": file.etag,
        "reader": source.code,
        "limit": left if left is not None and counts["rows"] >= left else None,
        **counts,
        "records": records,
        "bytes": file.size,
        "license": place.license,
    }


def _broken_rows(broken: pl.DataFrame, source: str, file: str) -> pl.DataFrame:
    return _located(
        broken.select(
            "row", family=pl.lit(None, dtype=pl.String), selected=pl.lit(value=True), reason="reason", excerpt="excerpt"
        ),
        source,
        file,
    )


def _located(rejects: pl.DataFrame, source: str, file: str) -> pl.DataFrame:
    return rejects.with_columns(source=pl.lit(source), file=pl.lit(file))


def _replaced(table: str, tags: tuple[str, ...] | None, measured: tuple[str, ...]) -> tuple[str, ...] | None:
    """Tags of the files that leave a table; None where its whole partition does."""
    if table == "files" or tags is None:
        return None
    return tags + measured if table in MEASURED else tags


def _commit(
    lake: Lake,
    staging: _Staging,
    before: pl.DataFrame,
    files: pl.DataFrame,
    again: list[str],
    progress: Progress,
) -> None:
    left = set(before["file"]) - set(files["file"])
    measured = tuple(sorted(staging.measured))
    if not again and not left and not measured and files.equals(before.select(files.columns)):
        lake.discard(staging.staged["files"])
        return
    tags: tuple[str, ...] | None = tuple(file_key(path) for path in sorted({*again, *left}))
    if not staging.kept:
        tags = None  # files that somebody else wrote into the tables have no tag, and go too
    changes = [
        Change(
            t.name,
            tuple(staging.staged[t.name]),
            staging.source,
            _replaced(t.name, tags, measured),
        )
        for t in PER_SOURCE
        if staging.staged[t.name] or lake.exists(t.name)
    ]
    commit(lake, staging.source, changes, progress)


def check(lake: Lake, name: str, files: pl.DataFrame, staging: _Staging, settings: LakeSettings) -> None:
    """The gate of a source: the staged files and the kept ones together hold exactly what was counted while reading.

    TamisError names the source, and the file and numbers that differ.
    """
    total, rejected = int(files["rows"].sum()), int(files["rejected"].sum())
    if total and rejected / total > settings.rejects_at_most:
        raise TamisError(
            f"{rejected:,} of {total:,} rows are rejects, more than rejects_at_most ({settings.rejects_at_most:g})",
            where=name,
            cure="Look at the reasons; if they are right, raise rejects_at_most in lake.yaml.",
        )
    first = _held(lake, staging, "id").group_by("id").len().filter(pl.col("len") > 1).head(1).collect()
    if first.height:
        raise TamisError(f"the id {first['id'][0]} stands there twice", where=name, cure="This is a defect of Tamis.")
    unequal = accounting(
        files,
        _held(lake, staging, "origin").unnest("origin"),
        _scan(lake, staging, "rejects").filter(pl.col("family").is_null()),
    )
    if unequal:
        raise TamisError(unequal, where=name, cure="Materialise `records` of this source again.")
    for table, families in _MEASURED_OF.items():
        kept = _scan(lake, staging, table).select(pl.len()).collect().item()
        counted = sum(int(files["records"].struct.field(family).sum()) for family in families)
        if kept != counted:
            raise TamisError(
                f"{kept:,} rows of {table} for {counted:,} records of {', '.join(families)}",
                where=name,
                cure="Refresh the source.",
            )


def _scan(lake: Lake, staging: _Staging, table: str) -> pl.LazyFrame:
    """A table's partition as it will be: the staged files, and those of upstream files that were not read again."""
    kept = staging.kept - staging.measured if table in MEASURED else staging.kept
    paths = [lake.path(s) for s in staging.staged[table]] + lake.files(table, staging.source, kept)
    return pl.scan_parquet(paths) if paths else lake.scan(table, absent=True)


def _held(lake: Lake, staging: _Staging, column: str) -> pl.LazyFrame:
    """One column of all the source's records, and their family."""
    return pl.concat([_scan(lake, staging, f"records_{name}").select(column, family=pl.lit(name)) for name in FAMILIES])
