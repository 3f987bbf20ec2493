"""What people are asked in Argilla, and what they answer. Argilla is started for a step where nothing else runs it."""

import dagster as dg

from assets.failures import told
from assets.lake import EAGER
from assets.partitions import RECIPE_NAMES
from assets.resources import Tamis
from pipelines.argilla.server import running
from pipelines.catalogue import recipe_now
from pipelines.report.markdown import pushed_markdown
from pipelines.review import rounds


@dg.asset(
    deps=["review_queue"],
    partitions_def=RECIPE_NAMES,
    group_name="review",
    kinds={"argilla"},
    automation_condition=EAGER,
)
def argilla(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """The recipe's review queue as annotators see it: one dataset a family, whose answers are never touched."""
    name = context.partition_key
    with told(), running(tamis.workspace, tell=context.log.info) as server:
        done = rounds.push_queue(tamis.workspace, tamis.lake, server, name, recipe_now(name))
    families = done.families
    return dg.MaterializeResult(
        metadata={
            **{count: int(families[count].sum()) for count in ("sent", "unchanged", "answered", "withdrawn")},
            "verdicts_pulled": done.pulled.new,
            "argilla": dg.MetadataValue.url(server.url),
            "datasets": dg.MetadataValue.md(pushed_markdown(families)),
        }
    )


@dg.asset(group_name="review", kinds={"argilla", "deltalake"})
def verdicts(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """Every answer that Argilla has, who gave it and when; ledgers take them into account at their next run."""
    with told(), running(tamis.workspace, tell=context.log.info) as server:
        done = rounds.pull_answers(tamis.workspace, tamis.lake, server)
    if done.foreign:
        context.log.warning(f"{done.foreign:,} answers are to records that were not sent from here: left alone")
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(tamis.lake.version("verdicts") or 0)),
        metadata={
            "dagster/row_count": tamis.lake.rows("verdicts"),
            "new": done.new,
            "answers_in_argilla": done.responses,
            "to_records_not_sent_from_here": done.foreign,
            **done.by_dataset,
        },
    )
