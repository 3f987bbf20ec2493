import polars as pl


def pairs(r, f, floor):
    return pl.DataFrame(schema={"left": pl.Binary, "right": pl.Binary, "similarity": pl.Float64, "kind": pl.String})
