"""The test set of a lake state: what runs of several recipes are compared on."""

from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.errors import TamisError
from pipelines.exports import trainer_columns
from pipelines.recipe import Recipe
from pipelines.states import Pass

_NOT_ADMITTED = ("forgotten", "source removed", "not in recipe", "split bridge")


def test_rows(
    recipe: str, passes: Mapping[str, Pass], recipes: Mapping[str, Recipe], families: Sequence[str]
) -> pl.DataFrame:
    """Records of side test that every compared recipe admits, whatever their later fates.

    `passes`: the compared recipes' last passes, `recipe` among them. Columns `id`, `family`, `prompt`,
    `completion` (messages, as the recipe exports them) and `kept` (by `recipe`), sorted by id. TamisError where
    the passes are of different states, since a test set belongs to one.
    """
    states = {published.state.number for published in passes.values()}
    if len(states) > 1:
        numbers = ", ".join(f"{name}: {p.state.number}" for name, p in sorted(passes.items()))
        raise TamisError(
            f"the recipes that are compared were published over different lake states ({numbers})",
            where=f"recipe {recipe}",
            cure="Materialise `ledger` of each of them again.",
        )
    mine = passes[recipe]
    admitted = mine.ledger().select("id", "family", kept=pl.col("fate") == "kept")
    for published in passes.values():
        in_test = published.ledger().filter((pl.col("side") == "test") & ~pl.col("fate").is_in(_NOT_ADMITTED))
        admitted = admitted.join(in_test.select("id"), on="id", how="semi")
    parts = []
    for family in families:
        columns = trainer_columns(family, recipes[recipe].reasoning)
        records = mine.state.scan(f"records_{family}")
        parts.append(
            records.join(admitted.filter(pl.col("family") == family), on="id", how="inner").select(
                "id", "family", columns["prompt"].alias("prompt"), columns["completion"].alias("completion"), "kept"
            )
        )
    return pl.concat(parts).sort("id").collect()
