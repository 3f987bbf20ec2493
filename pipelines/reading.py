from dataclasses import dataclass
import polars as pl


@dataclass(frozen=True)
class Batch:
    rows: pl.DataFrame
    broken: pl.DataFrame


def read(path, *, columns=None, limit=None, batch_bytes=1):
    p = str(path)
    f = pl.read_parquet(p) if p.endswith("parquet") else pl.read_json(p) if p.endswith(".json") else pl.read_ndjson(p)
    if limit:
        f = f.head(limit)
    f = (
        f.with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
        .select("row", *[pl.col(c).cast(t) for c, t in columns.items()])
    )
    yield Batch(f, pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String, "excerpt": pl.String}))
