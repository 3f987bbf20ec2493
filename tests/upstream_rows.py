"""Rows in upstream's layout through the real reader and a source's own declaration, for tests."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.normalise import Normalised, Place, batches, normalise
from pipelines.reading import read
from pipelines.sources import sources
from pipelines.sources.source import Read

Row = dict[str, Any]


def read_of(name: str, config: str | None = None) -> Read:
    """What a source declares for a config; for its first where None is given."""
    return next(read for read in sources()[name].reads if config is None or read.config == config)


def written(rows: Sequence[Row], folder: Path, form: str = "jsonl") -> Path:
    """A file of JSON lines, a JSON array or parquet (its types inferred) with these rows."""
    path = folder / f"rows.{form}"
    if form == "parquet":
        pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(path)
    elif form == "json":
        path.write_text(json.dumps(list(rows)), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def made(
    name: str, rows: Sequence[Row], folder: Path, config: str | None = None, form: str = "jsonl", split: str = "train"
) -> Normalised:
    """Rows of a training file, read and normalised; broken ones are among the rejects. The accounting is checked."""
    declared, source = read_of(name, config), sources()[name]
    parts = list(read(written(rows, folder, form), columns=declared.columns, any_of=declared.any_of))
    broken = pl.concat(part.broken for part in parts)
    frame = next(batches((part.rows for part in parts), whole_file=True))
    place = Place(name, "0" * 40, declared.config or "default", split, "f", 0, source.license, source.language)
    done = normalise(frame, declared, place)
    rejects = pl.concat(
        [
            done.rejects,
            broken.select(
                "row", family=pl.lit(None, pl.String), selected=pl.lit(value=True), reason="reason", excerpt="excerpt"
            ),
        ]
    )
    whole = rejects.filter(pl.col("family").is_null())
    assert whole["row"].is_unique().all()
    assert len(rows) == done.yielding + whole.height, "each row ends in exactly one of three"
    return Normalised(done.rows + broken.height, done.yielding, done.records, rejects)


def said(messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    """Messages as pairs of role and content."""
    return [(message["role"], message["content"]) for message in messages]


def reasons(done: Normalised) -> list[tuple[int, str]]:
    """Row and reason of what is rejected, in order."""
    return done.rejects.filter("selected").sort("row", "family").select("row", "reason").rows()
