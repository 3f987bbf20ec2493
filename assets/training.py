"""Per run: what it trains on, the model, and how it compares with the same run of the recipe `raw`."""

import dagster as dg

from assets.failures import told
from assets.partitions import RUNS, RUNS_OF_RECIPES
from assets.recipes import exports
from assets.resources import Tamis
from pipelines.catalogue import recipe_now
from pipelines.training.launch import command, prepare

GPU = "gpu"


@dg.asset(
    partitions_def=RUNS,
    deps=[dg.AssetDep(exports, partition_mapping=RUNS_OF_RECIPES)],
    group_name="training",
    kinds={"parquet"},
)
def training_set(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """The order of one run: which exports it trains on, and the state's test set that its losses are measured on."""
    recipe, run = context.partition_key.split(".", 1)
    with told():
        prepared = prepare(tamis.workspace, tamis.lake, recipe, run)
    return dg.MaterializeResult(
        metadata={
            "train_rows": prepared.train_rows,
            "test_rows": prepared.test_rows,
            "order": dg.MetadataValue.path(str(prepared.order)),
        }
    )


@dg.asset(partitions_def=RUNS, deps=[training_set], group_name="training", kinds={"pytorch", "trl"}, pool=GPU)
def model(context: dg.AssetExecutionContext, tamis: Tamis, pipes: dg.PipesSubprocessClient) -> dg.MaterializeResult:
    """One fine-tuning run on a GPU if there is one, else on the CPU, in a process of its own."""
    recipe, run = context.partition_key.split(".", 1)
    with told():
        recipe_now(recipe)
    result = pipes.run(context=context, command=command(tamis.workspace, recipe, run)).get_materialize_result()
    # Pipes reports success also when the child never connected.
    if "tokens" not in (result.metadata or {}):
        raise dg.Failure("the training process ended without reporting a token trained", allow_retries=False)
    return result
