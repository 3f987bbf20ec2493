"""Rows as upstream has them, through the reader and a source's own declaration, for tests."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.normalise import Normalised, Place, batches, normalise
from pipelines.reading import read
from pipelines.sources import sources
from pipelines.sources.source import Read

Row = dict[str, Any]
Rows = list[Row]


def read_of(name: str, split: str = "train", config: str | None = None) -> Read:
    """What a source declares for a split of a config."""
    return next(
        r
        for r in sources()[name].reads
        if config in (None, r.config) and any(re.fullmatch(s.replace("*", ".*"), split) for s in r.splits)
    )


def written(path: Path, rows: Rows, schema: pa.Schema | None = None) -> Path:
    """A file of these rows: parquet, a JSON array or JSON lines, by its name."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def made(name: str, path: Path, split: str = "train", config: str | None = None) -> Normalised:
    """What becomes of the rows of a file; asserts that each ends in exactly one of three. Broken ones are rejects."""
    declared, source = read_of(name, split, config), sources()[name]
    place = Place(name, "0" * 40, config or "default", split, path.name, 0, source.license, source.language)
    broken: list[pl.DataFrame] = []
    parts: list[Normalised] = []

    def rows() -> list[pl.DataFrame]:
        found = list(read(path, columns=declared.columns, any_of=declared.any_of))
        broken.extend(b.broken for b in found)
        return [b.rows for b in found]

    parts = [normalise(frame, declared, place) for frame in batches(iter(rows()), whole_file=declared.whole_file)]
    lost = pl.concat(broken).select(
        "row", family=pl.lit(None, dtype=pl.String), selected=pl.lit(value=True), reason="reason", excerpt="excerpt"
    )
    whole = Normalised(
        rows=sum(p.rows for p in parts) + lost.height,
        yielding=sum(p.yielding for p in parts),
        records={f: pl.concat([p.records[f] for p in parts]) for f in (parts[0].records if parts else ())},
        rejects=pl.concat([lost, *(p.rejects for p in parts)]),
    )
    nothing = whole.rejects.filter(pl.col("family").is_null())
    assert nothing["row"].is_unique().all()
    assert whole.rows == whole.yielding + nothing.height, "each row ends in exactly one of three"
    return whole


def made_of(name: str, rows: Rows, folder: Path, config: str | None = None, form: str = "jsonl") -> Normalised:
    """What becomes of rows of a config's first split, in a file of this form: jsonl, json or parquet."""
    declared = next(read for read in sources()[name].reads if config in (None, read.config))
    return made(name, written(folder / f"rows.{form}", rows), declared.splits[0], config)


def rejected(done: Normalised) -> list[tuple[int, str]]:
    """Row and reason of the rows that are rejects."""
    return [(row, reason) for row, selected, reason in reasons(done) if selected]


def said(messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(m["role"], m["content"]) for m in messages]


def reasons(done: Normalised) -> list[tuple[int, bool, str]]:
    """Row, whether it is a reject, and the reason, of rows that yield nothing."""
    found = done.rejects.filter(pl.col("family").is_null()).sort("row")
    return found.select("row", "selected", "reason").rows()
