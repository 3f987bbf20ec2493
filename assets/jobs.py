"""A job for each way of using Tamis, the nightly schedule, and the sensor that rebuilds what moved."""

import dagster as dg

from assets.failures import told
from assets.resources import Tamis
from assets.sources import NETWORK
from pipelines.argilla.server import found
from pipelines.review.rounds import last_activity

refresh_source = dg.define_asset_job(
    "refresh_source",
    selection=["snapshot", "records", "signals", "verification"],
    description="Pull one source (or a range of them) and read what is new in it.",
)
look_at_benchmarks = dg.define_asset_job(
    "look_at_benchmarks",
    selection=["benchmarks"],
    description="Bring the index of benchmarks, with which records are compared, up to the Hub's.",
)
curate = dg.define_asset_job(
    "curate",
    selection=[
        "corrections",
        "state",
        "pairs",
        "contamination",
        "sides",
        "ledger",
        "publication",
        "exports",
        "review_queue",
        "review_measures",
    ],
    description="Open a lake state over what has been read, and make and publish one recipe's corpus from it.",
)
train = dg.define_asset_job(
    "train",
    selection=["training_set", "model"],
    description="Train one run of a recipe on its published corpus.",
)
push_to_argilla = dg.define_asset_job(
    "push_to_argilla", selection=["argilla"], description="Send one recipe's review queue to Argilla."
)
pull_from_argilla = dg.define_asset_job(
    "pull_from_argilla", selection=["verdicts"], description="Fetch what people answered in Argilla."
)
look_upstream = dg.define_asset_job(
    "look_upstream",
    selection=["upstream"],
    description="Ask the Hub which repositories moved.",
    op_retry_policy=NETWORK,
)
look_at_recipes = dg.define_asset_job(
    "look_at_recipes", selection=["recipe"], description="See which recipes were edited."
)

nightly = dg.ScheduleDefinition(
    name="nightly",
    job=look_upstream,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Looks at the Hub every night; with the sensor `rebuild_what_moved` on, what moved is rebuilt.",
)
rebuild_what_moved = dg.AutomationConditionSensorDefinition(
    name="rebuild_what_moved",
    target=dg.AssetSelection.groups("sources", "lake", "recipes", "review"),
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=30,
    description="Rebuilds sources whose commit moved, then the lake and the recipes. Training never starts by itself.",
)


@dg.sensor(
    name="pull_when_answered",
    job=pull_from_argilla,
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=60,
    description="Fetches verdicts when something was answered in Argilla since they were fetched last.",
)
def pull_when_answered(context: dg.SensorEvaluationContext, tamis: Tamis) -> dg.SensorResult | dg.SkipReason:
    """Asks Argilla when anything was answered last; starts no server for it."""
    with told():
        server = found(tamis.workspace)
        if server is None:
            return dg.SkipReason("Argilla does not run")
        last = last_activity(tamis.workspace, server)
    if last == (context.cursor or ""):
        return dg.SkipReason(f"nothing was answered since {last}" if last else "nothing was ever sent to Argilla")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=last)], cursor=last)
