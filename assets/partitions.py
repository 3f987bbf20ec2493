"""The three kinds of partitions: sources, recipes, and the recipes' training runs. Read when definitions load."""

import dagster as dg

from pipelines.catalogue import recipes_now
from pipelines.recipe import Recipe
from pipelines.sources import sources

RECIPES = recipes_now()

SOURCES = dg.StaticPartitionsDefinition(list(sources()))
RECIPE_NAMES = dg.StaticPartitionsDefinition(list(RECIPES))
RUNS = dg.StaticPartitionsDefinition(
    [f"{name}.{run}" for name, recipe in RECIPES.items() if isinstance(recipe, Recipe) for run in recipe.training]
)
RUNS_OF_RECIPES = dg.StaticPartitionMapping(
    {
        name: {f"{name}.{run}" for run in recipe.training}
        for name, recipe in RECIPES.items()
        if isinstance(recipe, Recipe)
    }
)
