"""`tamis score`: every signal of the records of any file, and the records without personal data."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import TamisError
from pipelines.files import whole
from pipelines.normalise import Place, normalise
from pipelines.quality.redaction import Kind, redacted_columns
from pipelines.quality.signals import signals
from pipelines.reading import read
from pipelines.standalone.layouts import Layout, layout_of
from pipelines.standalone.progress import Step
from schemas.families import FAMILIES, Family

STEPS: Final = 1

_LEADING: Final = ("row", "family", "content_hash")


@dataclass(frozen=True)
class Scored:
    """What was scored. `rows`: upstream's; `records`: those that gave one, by family; `left_out`: the others, by why.

    `signals`: columns of signals in the file that was written.
    """

    layout: str
    rows: int
    records: Mapping[str, int]
    left_out: Mapping[str, int]
    signals: int
    out: Path

    def __str__(self) -> str:
        records = ", ".join(f"{count:,} {family}" for family, count in self.records.items()) or "no"
        lines = [
            f"{self.rows:,} rows of the layout {self.layout}: {records} records, {self.signals} signals in {self.out}"
        ]
        lines += [f"  left out: {count:,} rows: {reason}" for reason, count in self.left_out.items()]
        return "\n".join(lines)

    __repr__ = __str__


def score(
    path: Path,
    out: Path,
    *,
    layout: str | None = None,
    copy: Path | None = None,
    kinds: Sequence[Kind] = (),
    step: Step = lambda _: None,
) -> Scored:
    """Compute the signals of a parquet or JSON(L) file into `out` (parquet): a row a record, in the file's order.

    Columns `row` (of the file, from 0; broken rows count), `family`, `content_hash` (hex, as a score file may be keyed)
    and a column a signal, null where it does not apply. `layout`: one of `layouts.LAYOUTS`; recognised by the columns
    where it is None. Signals of verification are null, since nothing is verified. `copy` gets the records themselves
    (parquet: `row` and the families' columns), with what `kinds` name redacted. Batches of some MB are held at a time.

    TamisError for a file that cannot be read or has no known layout, where nothing in it is a record, and for an `out`
    that is the file itself; then nothing is written.
    """
    if any(target is not None and target.exists() and target.samefile(path) for target in (out, copy) if path.exists()):
        raise TamisError("is the file that is scored", where=str(path), cure="Write to another one.")
    name, known = layout_of(path, layout)
    step(f"scoring {path.name}")
    families = [FAMILIES[family] for family in known.read.families]
    scored, copied = _empty(families), _empty_records(families)
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    rows = 0
    with contextlib.ExitStack() as files:
        writer = files.enter_context(_writer(out, scored.schema))
        second = files.enter_context(_writer(copy, copied.schema)) if copy else None
        for read_rows, records, reasons in _records(path, known):
            rows += read_rows
            left_out.update(reasons)
            counts.update({family: table.height for family, table in records.items() if table.height})
            made = [_scored(table, FAMILIES[family]) for family, table in records.items() if table.height]
            writer.write_table(_together([scored, *made]))
            if second is not None:
                parts = [
                    _copied(table.with_columns(redacted_columns(FAMILIES[family], kinds)), family)
                    for family, table in records.items()
                ]
                second.write_table(_together([copied, *parts]))
        if not counts:
            reason = left_out.most_common(1)[0][0] if left_out else "it has no rows"
            raise TamisError(f"no row of it is a record: {reason}", where=str(path), cure="Name its --layout.")
    measured = [column for column in scored.columns if column not in _LEADING]
    return Scored(name, rows, dict(counts), dict(left_out.most_common()), len(measured), out)


def _records(path: Path, layout: Layout) -> Iterator[tuple[int, dict[str, pl.DataFrame], dict[str, int]]]:
    """Batches of a file: how many rows, the records by family, and why others gave none."""
    place = Place("file", "", "", "rows", path.name, 0, None, None)
    for batch in read(path, columns=layout.read.columns, any_of=layout.read.any_of):
        reasons: Counter[str] = Counter(dict(batch.broken.group_by("reason").len().iter_rows()))
        if batch.rows.height:
            done = normalise(batch.rows, layout.read, place)
            whole = done.rejects.filter(pl.col("family").is_null())
            reasons.update(dict(whole.group_by("reason").len().iter_rows()))
            yield batch.rows.height + batch.broken.height, done.records, reasons
        else:
            yield batch.broken.height, {}, reasons


def _scored(records: pl.DataFrame, family: Family) -> pl.DataFrame:
    found = signals(records, family).drop("id", "source", "code")
    return found.with_columns(
        row=records["origin"].struct.field("row"),
        family=pl.lit(family.name),
        content_hash=pl.col("content_hash").bin.encode("hex"),
    )


def _copied(records: pl.DataFrame, family: str) -> pl.DataFrame:
    columns = [*FAMILIES[family].parts, *(field.name for field in FAMILIES[family].own)]
    return records.select(
        pl.col("origin").struct.field("row").alias("row"), pl.lit(family).alias("family"), *dict.fromkeys(columns)
    )


def _empty(families: Sequence[Family]) -> pl.DataFrame:
    """No rows, but every column that records of these families can have."""
    frames = [_scored(_no_records(family), family) for family in families]
    return pl.concat(frames, how="diagonal").select(*_LEADING, pl.exclude(_LEADING))


def _empty_records(families: Sequence[Family]) -> pl.DataFrame:
    return pl.concat([_copied(_no_records(family), family.name) for family in families], how="diagonal")


def _no_records(family: Family) -> pl.DataFrame:
    frame = pl.from_arrow(family.schema.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def _together(frames: Sequence[pl.DataFrame]) -> pa.Table:
    """The frames in the columns of the first one, by row."""
    return pl.concat(frames, how="diagonal").select(frames[0].columns).sort("row").to_arrow()


@contextlib.contextmanager
def _writer(path: Path, schema: pl.Schema) -> Iterator[pq.ParquetWriter]:
    columns = pl.DataFrame(schema=schema).to_arrow().schema
    with whole(path) as part, pq.ParquetWriter(part, columns, compression="zstd") as writer:
        yield writer
