import polars as pl
from pipelines.parts import text


def signals(t, family):
    return t.select(
        "id",
        "source",
        "content_hash",
        code=pl.lit("x"),
        prompt_words=text(family, "prompt").str.count_matches(r"\w+").cast(pl.Int64),
    )
