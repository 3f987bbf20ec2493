"""Rows of sources as records, for tests: upstream's rows through the source's own declaration."""

import gzip
import json
import re
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from pipelines.normalise import Normalised, Place, batches, normalise
from pipelines.parts import compared
from pipelines.reading import read as read_file
from pipelines.sample_hub.files import encoded
from pipelines.sample_hub.generators.samples import File, Sample
from pipelines.sample_hub.layouts import LAYOUTS
from pipelines.sample_hub.rows import Rows
from pipelines.sources import sources
from pipelines.sources.source import Read
from schemas.families import FAMILIES


def normalised(rows: Rows) -> Normalised:
    """What becomes of all rows of a file."""
    read = read_of(rows)
    split = next((name for name in ("validation", "test") if name in rows.file.rpartition("/")[2]), "train")
    frame = rows.frame.with_row_index("row").select(
        pl.col("row").cast(pl.Int64), *[pl.col(name).cast(kind) for name, kind in read.columns.items()]
    )
    license_, language = sources()[rows.source].license, sources()[rows.source].language
    return normalise(frame, read, Place(rows.source, "0" * 40, "c", split, rows.file, 0, license_, language))


def catalogued(sample: Sample, file: File) -> Normalised:
    """What becomes of a file of a repository without defects, read as the source reads it."""
    source = sources()[sample.source]
    read = next(
        r
        for r in source.reads
        if any(fnmatchcase(file.split, split) for split in r.splits) and r.config in (None, file.config)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.path.rpartition("/")[2]
        path.write_bytes(encoded(file.path, file.frame))
        found = list(read_file(path, columns=read.columns, any_of=read.any_of))
    assert all(batch.broken.is_empty() for batch in found)
    frame = next(batches((batch.rows for batch in found), whole_file=True))
    config = file.config or "default"
    place = Place(sample.source, "0" * 40, config, file.split, file.path, 0, source.license, source.language)
    return normalise(frame, read, place)


def with_text(made: pl.DataFrame, family: str) -> pl.DataFrame:
    """Records with `row` and `text` (what duplicates are judged by)."""
    return made.with_columns(
        row=pl.col("origin").struct.field("row"), text=made.select(compared(FAMILIES[family])).to_series()
    )


def read_of(rows: Rows) -> Read:
    reads = sources()[rows.source].reads
    return next((read for read in reads if read.config == rows.file.partition("/")[0]), reads[0])


def records(rows: Rows, family: str) -> pl.DataFrame:
    """Records of a family: `row`, `text` (what duplicates are judged by) and all their columns."""
    return with_text(normalised(rows).records[family], family)


def said(text: bytes) -> dict[str, object] | None:
    """A line of JSON as the reader takes it; None where it is broken."""
    try:
        row = json.loads(text)
        json.dumps(row, ensure_ascii=False).encode()  # a lone surrogate fails here
    except ValueError:
        return None
    return row


def lines(path: Path) -> list[bytes]:
    """The rows of a file of JSON, each as its bytes."""
    content = path.read_bytes()
    if path.suffix == ".json":
        return re.split(rb"(?<=\n \}),\n (?=\{)", content.removeprefix(b"[\n ").removesuffix(b"\n]"))
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return [line for line in content.split(b"\n") if line.strip()]


def load(folder: Path, source: str, file: str) -> Rows:
    """The rows of a file under a folder of repositories; a broken line is a row of nulls."""
    path = folder / sources()[source].repo / file
    schema = LAYOUTS[source].schema
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        return Rows(source, file, frame.select(pl.col(name).cast(kind) for name, kind in schema.items()))
    found = [said(line) or {} for line in lines(path)]
    return Rows(source, file, pl.DataFrame([{name: row.get(name) for name in schema} for row in found], schema))
