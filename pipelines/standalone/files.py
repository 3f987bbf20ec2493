"""Parquet and JSONL files of anybody: their columns as frames, and rows of them as a new file."""

import glob
import io
import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.files import whole
from pipelines.reading.streams import opened

ROW: Final = "__row"
"""Number of a row in its file, from 0."""

ID: Final = "__id"
"""What a column of the file calls a row."""

_MARK: Final = b"\xef\xbb\xbf"


def scanned(path: Path) -> pl.LazyFrame:
    """All rows of a file, with ROW. TamisError for one that is not there, is empty, or is neither parquet nor JSONL."""
    if not path.is_file():
        raise TamisError("there is no such file", where=str(path))
    if path.stat().st_size == 0:
        raise TamisError("the file is empty", where=str(path), cure="A parquet file of no rows has a schema at least.")
    if _begins(path, b"PAR1"):
        rows = pl.scan_parquet(path, glob=False)
    elif path.suffix == ".json":
        rows = _json(path)
    else:
        rows = _lines(path)
    try:
        rows.collect_schema()
    except pl.exceptions.PolarsError as error:
        cure = "Files are parquet, or JSON with an object a line (.json: or an array of them)."
        raise _unreadable(path, error, cure) from error
    return rows.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))


def columns_of(paths: Sequence[Path], names: Sequence[str], id_: str | None = None) -> pl.DataFrame:
    """The columns of files, one file behind the other: `file` (number of the file), ROW, and each name as text.

    Where `id_` is named, ID is that column as the files have it, or as text where they have it otherwise. Lists and
    objects are no text: TamisError, as for a column that a file does not have.
    """
    frames = []
    for number, path in enumerate(paths):
        rows = scanned(path)
        schema = rows.collect_schema()
        for name in [*names, *([id_] if id_ else [])]:
            _check(name, schema, path)
        texts = [pl.col(name).cast(pl.String) for name in dict.fromkeys(names)]
        named = [pl.col(id_).alias(ID)] if id_ else []
        of_file = pl.lit(number, dtype=pl.Int64).alias("file")
        frames.append(collected(rows.select(of_file, ROW, *texts, *named), path))
    if id_ and len({frame.schema[ID] for frame in frames}) > 1:
        frames = [frame.with_columns(pl.col(ID).cast(pl.String)) for frame in frames]
    return pl.concat(frames)


def write_rows(paths: Sequence[Path], kept: pl.DataFrame, out: Path) -> None:
    """Write the rows of the files that `kept` (`file`, ROW) names, with all their columns, as parquet, in order.

    Columns that not all files have are null for the others. TamisError where the types of a column exclude each other.
    """
    parts = []
    for number, path in enumerate(paths):
        mine = kept.filter(pl.col("file") == number).select(ROW).lazy()
        parts.append(scanned(path).join(mine, on=ROW, how="semi", maintain_order="left").drop(ROW))
    try:
        rows = pl.concat(parts, how="diagonal_relaxed") if len(parts) > 1 else parts[0]
        with whole(out) as part:
            rows.sink_parquet(part, compression="zstd")
    except (pl.exceptions.SchemaError, pl.exceptions.ComputeError) as error:
        raise TamisError(f"the files do not fit together: {_first_line(error)}", where=str(out)) from error


def names_of(rows: pl.DataFrame, paths: Sequence[Path]) -> pl.Series:
    """What a row of `columns_of` is called: its ID, else its number, with the file where there are several."""
    if ID in rows.columns:
        return rows[ID].alias("name")
    if len(paths) == 1:
        return rows[ROW].alias("name")
    path = pl.col("file").replace_strict(dict(enumerate(map(str, paths))), return_dtype=pl.String)
    return rows.select(name=pl.format("{}:{}", path, ROW)).to_series()


def nameless(rows: pl.DataFrame) -> int:
    """Rows of `columns_of` that their ID does not tell from others, or that have none."""
    if ID not in rows.columns:
        return 0
    return int(rows.select((pl.col(ID).is_null() | pl.col(ID).is_duplicated()).sum()).item())


def _begins(path: Path, mark: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(mark)) == mark


def _lines(path: Path) -> pl.LazyFrame:
    """The objects of a file with one a line. Windows may have put a byte order mark before them, which polars takes
    for an error."""
    marked = _begins(path, _MARK)
    source = path.read_bytes().removeprefix(_MARK) if marked else glob.escape(str(path))
    return pl.scan_ndjson(source, infer_schema_length=None)


def _json(path: Path) -> pl.LazyFrame:
    with path.open("rb") as stream:
        array = stream.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    if not array:
        return _lines(path)
    try:
        return pl.read_json(path, infer_schema_length=None).lazy()
    except pl.exceptions.ComputeError as error:
        raise TamisError(f"cannot be read: {_first_line(error)}", where=str(path)) from error


def collected(rows: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """The rows of `scanned`. TamisError where one of them cannot be read."""
    try:
        return rows.collect()
    except pl.exceptions.PolarsError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception, cure: str = "") -> TamisError:
    """The error for a file that polars cannot read, with the first line of it that is not a JSON object."""
    where = str(path)
    if not _begins(path, b"PAR1") and path.suffix != ".json":
        with opened(path) as stream:
            for number, line in enumerate(io.BufferedReader(stream), 1):
                if line.strip() and not _is_object(line.removeprefix(_MARK)):
                    return TamisError(f"cannot be read: line {number} is no JSON object", where=where, cure=cure)
    return TamisError(f"cannot be read: {_first_line(error)}", where=where, cure=cure)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _check(name: str, schema: pl.Schema, path: Path) -> None:
    if name not in schema:
        known = [column for column in schema.names() if column != ROW]
        near = get_close_matches(name, known, 1)
        cure = f"Did you mean {near[0]}?" if near else f"It has {', '.join(known)}."
        raise TamisError(f"has no column {name!r}", where=str(path), cure=cure)
    if schema[name].is_nested():
        raise TamisError(f"the column {name!r} is {schema[name]}, no text", where=str(path), cure="Name one of text.")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
