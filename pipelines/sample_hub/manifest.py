"""What was planted in generated repositories and where: the known answers that a run's report is compared with.

The pipeline never reads it. It lies outside the folder that is served.
"""

from pathlib import Path
from typing import Final

import polars as pl

_COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "kind": pl.String,  # of defect, as the report names it
    "source": pl.String,  # name of the source
    "file": pl.String,  # path in the repository
    "row": pl.Int64,  # in that file, from 0, as the reader counts rows
    "family": pl.String,  # the only family whose record is meant; null: every record of the row
    "of_source": pl.String,  # for a copy: the row that it copies; else null
    "of_file": pl.String,
    "of_row": pl.Int64,
    "outcomes": pl.List(pl.String),  # "reject" and fates, each of which counts as caught
}
SCHEMA: Final = pl.Schema(_COLUMNS)
"""One row a planted defect.

It is caught if the row is a reject (where `outcomes` has "reject"), or if all its records, of `family` where that is
given, have one of the outcomes as their fate. Of a copy and what it copies either may be the one that goes. Where the
one outcome is "kept" (records that only look like duplicates), both must be kept.
"""


def write(manifest: pl.DataFrame, path: Path) -> None:
    """Write the manifest of a folder of repositories as parquet; it has the columns of `SCHEMA`."""
    manifest.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items()).write_parquet(path)


def read(path: Path) -> pl.DataFrame:
    """The manifest at `path`, with the columns of `SCHEMA`."""
    return pl.read_parquet(path)
