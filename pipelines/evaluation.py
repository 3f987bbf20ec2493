"""The test set of a lake state: what runs of several recipes are compared on."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipelines.exports import trainer_columns
from pipelines.lots import by_lot
from pipelines.quality.redaction import redacted_columns
from pipelines.recipe import Recipe
from pipelines.states import Pass
from pipelines.tool_calls import with_calls
from schemas.families import FAMILIES

_NOT_ADMITTED: Final = ("forgotten", "source removed", "not in recipe")
_MESSAGES: Final = ("prompt", "completion")


def admitted(passes: Sequence[Pass], families: Sequence[str]) -> pl.Series:
    """Ids of the records of side test that all of these passes of one state admit, whatever their later fates.

    Split bridges stand on neither side, and what is forgotten, of a source that is not in a recipe, or beyond its row
    limit is not admitted. Sorted.
    """
    state = passes[0].state
    placed = state.scan("placements").filter((pl.col("side") == "test") & ~pl.col("bridge")).select("content_hash")
    standing = passes[0].ledger().filter(pl.col("family").is_in(families)).join(placed, on="content_hash", how="semi")
    for published in passes:
        assert published.state.number == state.number, "a test set belongs to one state"
        let_in = published.ledger().filter(~pl.col("fate").is_in(_NOT_ADMITTED)).select("id")
        standing = standing.join(let_in, on="id", how="semi")
    return standing.select("id").collect()["id"].sort()


def chosen(ids: pl.Series, most: int, seed: int) -> pl.Series:
    """At most so many ids, by lot: the same ones whenever the ids are the same. Sorted."""
    return by_lot(ids.to_frame("id"), f"test {seed}").head(most)["id"].sort()


def evaluation_rows(published: Pass, recipe: Recipe, ids: pl.Series, families: Sequence[str]) -> pl.DataFrame:
    """The rows of these ids: `id`, `family`, `prompt`, `completion`, `tools` (as the recipe exports them), and `kept`.

    `kept`: whether the recipe keeps it. Messages are `tool_calls.MESSAGES`, whether or not a row has tools.
    """
    kept = published.ledger().filter(pl.col("id").is_in(ids.implode())).select("id", kept=pl.col("fate") == "kept")
    parts = []
    for family in families:
        columns = trainer_columns(family, recipe.reasoning, tools=True)
        records = published.state.scan(f"records_{family}").join(kept, on="id", how="inner")
        redacted = records.with_columns(redacted_columns(FAMILIES[family], recipe.redact))
        said = redacted.select("id", "tools", "kept", *FAMILIES[family].parts).collect()
        parts.append(
            with_calls(said, _MESSAGES).select(
                "id", pl.lit(family).alias("family"), *(column.alias(n) for n, column in columns.items()), "kept"
            )
        )
    return pl.concat(parts).sort("id")
