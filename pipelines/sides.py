import polars as pl
from dataclasses import dataclass


def ties(*a):
    return pl.DataFrame(schema={"left": pl.Binary, "right": pl.Binary, "kind": pl.String})


@dataclass
class P:
    placements: object
    newcomers: object


def place(nodes, ties, history, shares, state):
    h = pl.col("content_hash").bin.encode("hex").str.slice(0, 4).str.to_integer(base=16) % 100
    n = (
        nodes.join(history, on="content_hash", how="left")
        .with_columns(
            side=pl.coalesce(
                "side",
                "pinned",
                pl.when(h < 90).then(pl.lit("train")).when(h < 95).then(pl.lit("validation")).otherwise(pl.lit("test")),
            )
        )
        .with_row_index("component")
    )
    return P(
        n.select("content_hash", "side", bridge=pl.lit(False), component=pl.col("component").cast(pl.Int64)),
        n.join(history, on="content_hash", how="anti").select(
            "content_hash", "side", state=pl.lit(state, dtype=pl.Int64)
        ),
    )


def crossing(t, p, k):
    return t.head(0)
