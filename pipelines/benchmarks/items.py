"""The items of one benchmark, read from its files."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from pipelines.benchmarks.benchmark import Place
from pipelines.errors import TamisError
from pipelines.reading import read
from pipelines.wanted import Snapshot, UpstreamFile

READ: Final = pl.Schema(
    {
        "item": pl.String(),
        "field": pl.String(),
        "file": pl.String(),
        "text": pl.String(),
        "answers": pl.List(pl.String),
        "choices": pl.List(pl.String),
    }
)
"""One row a text of an item, with the file that has it."""


def items(place: Place, snapshot: Snapshot) -> pl.DataFrame:
    """The texts of a benchmark's items in upstream's order, in the schema READ; of equal ones of a field the first.

    TamisError for a file that cannot be read, and where none of its items has a text.
    """
    found = pl.concat([pl.DataFrame(schema=READ), *_of_files(place, snapshot)])
    # Many questions of one text ("Which of these is true?") differ in their choices alone.
    given = [pl.col(name).list.join("\x1f").fill_null("") for name in ("choices", "answers")]
    once = found.filter(pl.struct("field", "text", *given).is_first_distinct())
    if once.is_empty():
        raise TamisError("none of its items has a text", where=snapshot.repo, cure="Its layout has probably changed.")
    return once


def _of_files(place: Place, snapshot: Snapshot) -> Iterator[pl.DataFrame]:
    several = len({file.path for file in snapshot.files if file.number > 0}) > 0
    for file in snapshot.files:
        for rows in _rows(place, file):
            number = pl.format("{}.", pl.lit(file.number)) if several else pl.lit("")
            by_place = pl.format("{}.{}{}", pl.lit(file.split), number, "row")
            item = by_place if place.item is None else pl.coalesce(place.item, by_place)
            for name, text in place.texts.items():
                told = rows.select(
                    item=item,
                    field=pl.lit(name),
                    file=pl.lit(file.path),
                    text=text,
                    answers=place.answers,
                    choices=place.choices,
                )
                yield told.filter(pl.col("text").str.strip_chars() != "").cast(READ)


def _rows(place: Place, file: UpstreamFile) -> Iterator[pl.DataFrame]:
    """The columns that the place reads, with `row`; rows that are broken are no items."""
    if file.path.endswith(".csv"):
        whole = pl.read_csv(file.local, infer_schema=False)
        lacking = sorted(set(place.columns) - set(whole.columns))
        if lacking:
            cure = f"It has {', '.join(whole.columns[:20])}."
            raise TamisError(f"has no column {lacking[0]}", where=file.path, cure=cure)
        yield whole.with_row_index("row").select("row", *(pl.col(name).cast(t) for name, t in place.columns.items()))
        return
    for batch in read(file.local, columns=place.columns):
        yield batch.rows
