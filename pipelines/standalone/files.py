"""Parquet and JSONL files of anybody: their columns as frames, and rows of them as a new file."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.errors import TamisError, writing

ROW: Final = "__row"
"""Number of a row in its file, from 0."""


def scanned(path: Path) -> pl.LazyFrame:
    """All rows of a file, with ROW. TamisError for one that is not there, is empty, or is neither parquet nor JSONL."""
    if not path.is_file():
        raise TamisError("there is no such file", where=str(path))
    if path.stat().st_size == 0:
        raise TamisError("the file is empty", where=str(path), cure="A parquet file of no rows has a schema at least.")
    if _is_parquet(path):
        rows = pl.scan_parquet(path)
    elif path.suffix == ".json":
        rows = _json(path)
    else:
        rows = pl.scan_ndjson(path, infer_schema_length=None)
    try:
        rows.collect_schema()
    except (pl.exceptions.ComputeError, pl.exceptions.PolarsError) as error:
        cure = "Files are parquet, or JSON with an object a line (.json: or an array of them)."
        raise TamisError(f"cannot be read: {_first_line(error)}", where=str(path), cure=cure) from error
    return rows.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))


def columns_of(paths: Sequence[Path], names: Sequence[str]) -> pl.DataFrame:
    """The columns of files, one file behind the other: `file` (number of the file), ROW, and each name as text.

    Lists and objects are no text: TamisError, as for a column that a file does not have.
    """
    frames = []
    for number, path in enumerate(paths):
        rows = scanned(path)
        schema = rows.collect_schema()
        for name in names:
            _check(name, schema, path)
        texts = [pl.col(name).cast(pl.String) for name in dict.fromkeys(names)]
        frames.append(collected(rows.select(pl.lit(number, dtype=pl.Int64).alias("file"), ROW, *texts), path))
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
        with writing(out):
            part = out.with_name(f"{out.name}.part")
            rows.sink_parquet(part, compression="zstd", mkdir=True)
            part.replace(out)
    except (pl.exceptions.SchemaError, pl.exceptions.ComputeError) as error:
        raise TamisError(f"the files do not fit together: {_first_line(error)}", where=str(out)) from error


def names_of(rows: pl.DataFrame, paths: Sequence[Path], id_: str | None) -> pl.Series:
    """What a row is called: its value of the column `id_`, else its number, with the file where there are several."""
    if id_ is not None:
        return rows[id_].alias("name")
    if len(paths) == 1:
        return rows[ROW].alias("name")
    path = pl.col("file").replace_strict(dict(enumerate(map(str, paths))), return_dtype=pl.String)
    return rows.select(name=pl.format("{}:{}", path, ROW)).to_series()


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _json(path: Path) -> pl.LazyFrame:
    with path.open("rb") as stream:
        array = stream.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    if not array:
        return pl.scan_ndjson(path, infer_schema_length=None)
    try:
        return pl.read_json(path, infer_schema_length=None).lazy()
    except pl.exceptions.ComputeError as error:
        raise TamisError(f"cannot be read: {_first_line(error)}", where=str(path)) from error


def collected(rows: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """The rows of `scanned`. TamisError where one of them cannot be read."""
    try:
        return rows.collect()
    except pl.exceptions.ComputeError as error:
        raise TamisError(f"cannot be read: {_first_line(error)}", where=str(path)) from error


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
