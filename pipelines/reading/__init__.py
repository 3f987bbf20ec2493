"""Upstream's files as frames: parquet, JSON lines, JSON arrays and CSV, with whatever is broken in them set apart.

What a file is, its content says, not its name. Every upstream row comes out once: read, or broken with a reason.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipelines.columns import ColumnTypes, Groups
from pipelines.reading.arrays import element_blocks
from pipelines.reading.asked import Asked
from pipelines.reading.batch import Batch
from pipelines.reading.csvs import read_csv
from pipelines.reading.lines import line_blocks
from pipelines.reading.objects import decoded
from pipelines.reading.parquet import read_parquet
from pipelines.reading.streams import PARQUET, opened, recognised

__all__ = ["Batch", "read"]

BATCH_BYTES: Final = 16 << 20


def read(
    path: Path,
    *,
    columns: ColumnTypes,
    any_of: Groups = (),
    limit: int | None = None,
    batch_bytes: int = BATCH_BYTES,
) -> Iterator[Batch]:
    """The asked columns of a file in the asked types, in batches of about `batch_bytes` of it.

    `limit` counts upstream rows from the first, the broken ones among them. Where the batches end depends on
    `batch_bytes`; which rows they hold does not. TamisError for a file that is damaged as a whole or of no known
    form, a column that none of its rows has, a file with none of the groups of columns `any_of`, and a column that has
    another type in all of them.
    """
    asked = Asked.of(columns, any_of)
    if limit is not None and limit < 1:
        return
    form = recognised(path, asked.upstream)
    if form == PARQUET:
        yield from read_parquet(path, asked, limit, batch_bytes)
        return
    with opened(path) as stream:
        if form.table:
            yield from read_csv(path, stream, asked, limit, batch_bytes)
            return
        array = form.array
        texts = line_blocks(stream, batch_bytes) if array is None else element_blocks(path, stream, batch_bytes, array)
        yield from decoded(path, texts, asked, limit)
