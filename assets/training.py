"""Per run: what it trains on, the model, and how it compares with the same run of the recipe `raw`."""

import warnings

import dagster as dg
from dagster._core.errors import DagsterPipesExecutionError

from assets.failures import told
from assets.partitions import RUNS, RUNS_OF_RECIPES
from assets.recipes import exports
from assets.resources import Tamis
from pipelines.errors import TamisError
from pipelines.training.launch import command, prepare
from pipelines.workspace import ROOT

GPU = "gpu"

# Dagster's own code uses it whenever a pipe is opened.
warnings.filterwarnings("ignore", r".*PipesMessageReader\.expected_writer_count", dg.PreviewWarning)


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
    settings = prepared.order.run
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": sum(prepared.train_rows.values()),
            **{f"train_rows_{family}": rows for family, rows in prepared.train_rows.items()},
            "test_set": prepared.test_set,
            "test_rows": prepared.test_rows,
            "compared_with": ", ".join(prepared.compared) or "nothing",
            "model": settings.model,
            "tokens": settings.tokens,
            "steps": settings.steps,
            "order": dg.MetadataValue.path(str(prepared.path)),
        }
    )


@dg.asset(partitions_def=RUNS, deps=[training_set], group_name="training", kinds={"pytorch", "trl"}, pool=GPU)
def model(context: dg.AssetExecutionContext, tamis: Tamis, pipes: dg.PipesSubprocessClient) -> dg.MaterializeResult:
    """One fine-tuning run on a GPU if there is one, else on the CPU, in a process of its own."""
    recipe, run = context.partition_key.split(".", 1)
    with told():
        start = command(tamis.workspace, recipe, run)
        try:
            done = pipes.run(context=context, command=start, cwd=str(ROOT))
        except DagsterPipesExecutionError as error:
            raise TamisError(
                f"the training process ended too early ({error})",
                where=f"run {context.partition_key}",
                cure="Its last words stand in the step's output; code -9: it was killed, often for want of memory.",
            ) from error
        for message in done.get_custom_messages():
            raise TamisError(message["what"], where=message["where"], cure=message["cure"])
        result = done.get_materialize_result()
        # Pipes reports success also when the child never connected.
        if "tokens" not in (result.metadata or {}):
            raise TamisError(
                "the training process ended without reporting a token trained",
                where=f"run {context.partition_key}",
                cure="Its last words stand in the step's output.",
            )
    return result
