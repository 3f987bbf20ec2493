import polars as pl


def survivors(c, pairs, threshold, exact=True):
    if not exact:
        return pl.DataFrame(
            schema={"id": pl.String, "fate": pl.String, "survivor": pl.String, "similarity": pl.Float64}
        )
    g = c.sort("rank").with_columns(survivor=pl.col("id").first().over("match_hash", "gold", "args"))
    return g.filter(pl.col("id") != pl.col("survivor")).select(
        "id", fate=pl.lit("exact duplicate"), survivor="survivor", similarity=pl.lit(1.0)
    )
