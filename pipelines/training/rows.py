"""The rows of exports: looked at without their text, drawn by lot, and read a batch at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow.parquet as pq

from pipelines.errors import TamisError
from pipelines.exports import ids_of

_BATCH: Final = 1024
"""Rows whose text is held at a time: some MB."""


def offered(exports: Sequence[Path], part: str | None = None) -> pl.DataFrame:
    """Every row of the exports without its text: `id`, `file` (its place in `exports`), `row`, `bytes`.

    `bytes` are those of the messages of `part`, calls among them; of prompt, completion and definitions of tools
    together where it is None. TamisError where a file is gone, or its ids are not there.
    """
    return pl.concat([_of_file(number, path, part) for number, path in enumerate(exports)])


def read(exports: Sequence[Path], wanted: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The rows of `wanted` (with `file` and `row`) as they come, files from front to back.

    Pairs of as many rows: the rows of `wanted`, and `prompt` and `completion` of each, with `tools` where the file is
    one of rows with tools.
    """
    for number, path in enumerate(exports):
        mine = wanted.filter(pl.col("file") == number).sort("row")
        start = 0
        file = pq.ParquetFile(path)
        columns = [name for name in ("prompt", "completion", "tools") if name in file.schema_arrow.names]
        for batch in file.iter_batches(_BATCH, columns=columns):
            first, end = (mine["row"].search_sorted(edge) for edge in (start, start + len(batch)))
            if end > first:
                here = mine[first:end]
                yield here, pl.DataFrame(batch)[here["row"] - start]
            start += len(batch)


def _of_file(number: int, path: Path, part: str | None) -> pl.DataFrame:
    try:
        ids = pl.read_parquet(ids_of(path), columns=["id"])
        file = pl.scan_parquet(path)
        sizes = _sizes(part, tools="tools" in file.collect_schema())
        rows = file.select(bytes=pl.sum_horizontal(sizes)).collect()
    except FileNotFoundError as error:
        raise TamisError(
            "this export is gone",
            where=str(path),
            cure="Materialise the run's `training_set`, which finds the new ones.",
        ) from error
    if len(ids) != len(rows):
        raise TamisError(
            f"holds {len(rows):,} rows, its ids {len(ids):,}",
            where=str(path),
            cure="Materialise the exports of this recipe again.",
        )
    return pl.concat([ids, rows], how="horizontal").with_columns(
        file=pl.lit(number, pl.Int32), row=pl.int_range(pl.len(), dtype=pl.Int64)
    )


def _sizes(part: str | None, *, tools: bool) -> list[pl.Expr]:
    """Bytes of text in a part, or in all; `tools`: of a file of rows with tools."""
    message = pl.element().struct
    sizes = [message.field("content").str.len_bytes()]
    if tools:
        function = pl.element().struct.field("function").struct
        call = pl.sum_horizontal(function.field("name").str.len_bytes(), function.field("arguments").str.len_bytes())
        sizes.append(message.field("tool_calls").list.eval(call).list.sum())
    parts = [part] if part else ["prompt", "completion"]
    offered = [pl.col("tools").str.len_bytes()] if tools and part is None else []
    return [*(pl.col(part).list.eval(size).list.sum() for part in parts for size in sizes), *offered]
