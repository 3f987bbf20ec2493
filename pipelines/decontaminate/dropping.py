"""Which hits a recipe drops records by."""

import polars as pl

from pipelines.recipe import Contamination


def dropping(hits: pl.LazyFrame, recipe: Contamination) -> pl.LazyFrame:
    """The hits (rows of the table `contamination`) that a recipe drops by."""
    chosen = pl.col("rule").is_in(recipe.rules)
    if recipe.benchmarks != "all":
        chosen &= pl.col("benchmark").is_in(recipe.benchmarks)
    return hits.filter(chosen & ((pl.col("rule") != "coverage") | (pl.col("value") > recipe.coverage)))


def decisive(hits: pl.LazyFrame, recipe: Contamination) -> pl.LazyFrame:
    """For each content that is dropped the hit that says why: by the recipe's first rule, the strongest.

    Columns `content_hash`, `leak` (`coverage of GSM8K`), `leak_item`, `leak_value`, `leak_threshold`.
    """
    order = pl.col("rule").replace_strict({rule: n for n, rule in enumerate(recipe.rules)}, return_dtype=pl.Int64)
    threshold = pl.when(pl.col("rule") == "coverage").then(recipe.coverage).otherwise("threshold")
    ranked = dropping(hits, recipe).with_columns(order=order, threshold=threshold)
    by = ["content_hash", "order", "value", "benchmark", "item"]
    first = ranked.sort(by, descending=[name == "value" for name in by]).unique(
        "content_hash", keep="first", maintain_order=True
    )
    return first.select(
        "content_hash",
        leak=pl.format("{} of {}", "rule", "benchmark"),
        leak_item="item",
        leak_value="value",
        leak_threshold="threshold",
    )
