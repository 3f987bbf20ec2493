"""The first rows of a file, whatever its columns: what a layout is recognised by."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import TamisError
from pipelines.layouts.known import LAYOUTS
from pipelines.reading.arrays import element_blocks
from pipelines.reading.csvs import rows_as_texts
from pipelines.reading.errors import damage
from pipelines.reading.lines import line_blocks
from pipelines.reading.streams import PARQUET, opened, recognised
from pipelines.reading.texts import rows_of
from pipelines.reading.types import in_words

ROWS: Final = 200
"""Rows that are looked at; a layout that none of them has is not claimed."""

_BYTES: Final = 1 << 20
_HOLDERS: Final = {"data", "items", "history", "task", "rows"}
"""Keys that hold all rows of a file at least as often as they are a column."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """`columns`: each one's type in words. `rows`: the first ones, as Python has them; `broken`: those among the first
    that cannot be read. `total`: rows of the file, None where only reading it would tell."""

    columns: dict[str, str]
    rows: list[Row]
    broken: int
    total: int | None

    def values(self, column: str) -> list[Any]:
        """Of a column, or of a path into one (`conversation.messages`), without nulls."""
        name, *path = column.split(".") if column not in self.columns else [column]
        found = []
        for row in self.rows:
            value = row.get(name)
            for key in path:
                value = parsed(value)
                value = value.get(key) if isinstance(value, dict) else None
            if value is not None:
                found.append(value)
        return found


def sampled(path: Path, rows: int = ROWS) -> Sample:
    """The first rows of a file. TamisError where it is damaged, of no known form, or has no row."""
    known = frozenset(name for layout in LAYOUTS.values() for role in layout.roles.values() for name in role.names)
    form = recognised(path, known - _HOLDERS)
    if form == PARQUET:
        return _of_parquet(path, rows)
    broken = 0
    found: list[Row] = []
    with opened(path) as stream, contextlib.suppress(StopIteration):
        if form.table:
            found, broken = rows_as_texts(path, stream, rows, _BYTES)
        else:
            blocks = (
                line_blocks(stream, _BYTES) if form.array is None else element_blocks(path, stream, _BYTES, form.array)
            )
            found, broken = _of_json(blocks, rows)
    if not found:
        raise TamisError(
            "has no row that can be read", where=str(path), cure="Its first rows are broken, or it is empty."
        )
    names = dict.fromkeys(name for row in found for name in row)
    return Sample({name: _type([row.get(name) for row in found]) for name in names}, found, broken, None)


def _of_parquet(path: Path, rows: int) -> Sample:
    with damage(path), pq.ParquetFile(path) as file:
        schema = pl.DataFrame(pl.from_arrow(file.schema_arrow.empty_table())).schema
        # Few rows at once, since they may be long.
        batches = file.iter_batches(min(rows, 50))
        found: list[Row] = []
        while len(found) < rows:
            batch = next(batches, None)
            if batch is None:
                break
            found += batch.to_pylist()
        total = int(file.metadata.num_rows)
    if not found:
        raise TamisError("has no rows", where=str(path))
    return Sample({name: in_words(type_) for name, type_ in schema.items()}, found[:rows], 0, total)


def _of_json(blocks: Iterator[pa.LargeBinaryArray], rows: int) -> tuple[list[Row], int]:
    found: list[Row] = []
    broken = 0
    for block in blocks:
        objects, bad = rows_of(block, 0, rows - len(found))
        found += [json.loads(text) for text in objects["text"]]
        broken += bad.height
        if len(found) >= rows or broken >= rows:
            break
    return found, broken


def parsed(value: Any) -> Any:  # noqa: ANN401 -- what JSON holds
    """A text that is a list or an object of JSON as that; all else as it is."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def _type(values: list[Any]) -> str:
    """The types of JSON values in words; several where rows differ."""
    kinds = dict.fromkeys(_kind(value) for value in values if value is not None)
    return " or ".join(kinds) or "null"


def _kind(value: Any) -> str:  # noqa: ANN401 -- as above
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return f"an object of {', '.join(value)}"
    return f"a list, each {_kind(value[0])}" if value else "a list"
