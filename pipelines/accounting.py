"""The first accounting equation: upstream rows = yielding + rejected + not selected, for each file of a source.

What was counted while reading (the table `files`) is compared with what the other tables hold.
"""

import polars as pl

from pipelines.lake import Lake
from schemas.families import FAMILIES


def accounts(lake: Lake, name: str) -> str | None:
    """What is wrong with the source's committed tables, None if they hold what was counted while reading."""
    mine = pl.col("source") == name
    held = [
        lake.scan(f"records_{f}").filter(mine).select("origin", family=pl.lit(f)).unnest("origin") for f in FAMILIES
    ]
    rejects = lake.scan("rejects").filter(mine & pl.col("family").is_null())
    return accounting(lake.scan("files").filter(mine).collect(), pl.concat(held), rejects)


def accounting(files: pl.DataFrame, held: pl.LazyFrame, rejects: pl.LazyFrame) -> str | None:
    """Whether what was counted while reading (`files`) is what the tables hold; else what differs.

    `held`: columns `family`, `file`, `row`, one row a record. `rejects`: `file`, `selected`, one row an upstream
    row that yields nothing. `upstream rows = yielding + rejected + not selected` is checked for each file.
    """
    counted = files.lazy().unnest("records").select("file", "rows", "yielding", "rejected", "not_selected", *FAMILIES)
    families = [(pl.col("family") == name).sum().cast(pl.Int64).alias(f"{name}_held") for name in FAMILIES]
    records = held.group_by("file").agg(*families, yielding_held=pl.col("row").n_unique().cast(pl.Int64))
    left_out = rejects.group_by("file").agg(
        rejected_held=pl.col("selected").sum().cast(pl.Int64),
        not_selected_held=(~pl.col("selected")).sum().cast(pl.Int64),
    )
    names = ["yielding", "rejected", "not_selected", *FAMILIES]
    joined = (
        counted.join(records, on="file", how="full", coalesce=True)
        .join(left_out, on="file", how="full", coalesce=True)
        .with_columns(pl.exclude("file").fill_null(0))
        .sort("file")
        .collect()
    )
    wrong = joined.filter(
        (pl.col("rows") != pl.col("yielding") + pl.col("rejected") + pl.col("not_selected"))
        | pl.any_horizontal(pl.col(name) != pl.col(f"{name}_held") for name in names)
    )
    if wrong.is_empty():
        return None
    row = wrong.row(0, named=True)
    differing = [
        f"{name} {row[name]:,} counted, {row[f'{name}_held']:,} held"
        for name in names
        if row[name] != row[f"{name}_held"]
    ]
    if not differing:
        parts = " + ".join(f"{row[name]:,}" for name in ("yielding", "rejected", "not_selected"))
        differing = [f"{row['rows']:,} rows, but {parts} accounted for"]
    return f"{row['file']}: {'; '.join(differing)}"
