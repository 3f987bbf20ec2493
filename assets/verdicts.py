"""What people's verdicts become, and what they are asked next: corrections, the review queue, and its measures."""

from collections.abc import Iterator

import dagster as dg

from assets.failures import told
from assets.lake import EAGER
from assets.partitions import RECIPE_NAMES
from assets.resources import Tamis
from pipelines.catalogue import recipe_now
from pipelines.ledger import last_published
from pipelines.report.markdown import queue_markdown, review_markdown
from pipelines.report.review import advice, headline, reviewed
from pipelines.review.corrections import refresh_corrections
from pipelines.review.queue import refresh_queue


@dg.asset(deps=["verdicts"], group_name="review", kinds={"polars", "deltalake"}, automation_condition=EAGER)
def corrections(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """What people wrote in review, as records of the source `argilla`, which pass every stage like any other."""
    with told():
        done = refresh_corrections(tamis.workspace, tamis.lake, tamis.settings, context.log.info)
    if done.orphans:
        context.log.warning(f"{done.orphans:,} corrections are of content that no source has any more")
    refreshed = done.refreshed
    records = refreshed.records if refreshed else {}
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(tamis.lake.version("files"))) if refreshed else dg.DataVersion("none"),
        metadata={
            "dagster/row_count": sum(records.values()),
            "fixes": refreshed.rows if refreshed else 0,
            "of_content_that_is_gone": done.orphans,
            **{f"records_{family}": count for family, count in records.items()},
        },
    )


@dg.asset(
    deps=["publication"],
    partitions_def=RECIPE_NAMES,
    group_name="review",
    kinds={"polars", "deltalake"},
    automation_condition=EAGER,
)
def review_queue(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """The records about which a verdict changes most, and controls; what was decided is not asked again."""
    name = context.partition_key
    with told(), tamis.workspace.lock("review", f"the review queue of {name}", context.log.info):
        queued = refresh_queue(tamis.lake, last_published(tamis.lake, name), recipe_now(name))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(tamis.lake.version("review_queue"))),
        metadata={
            "dagster/partition_row_count": queued.height,
            "queue": dg.MetadataValue.md(queue_markdown(queued)),
        },
    )


@dg.asset(
    deps=["publication"],
    partitions_def=RECIPE_NAMES,
    group_name="review",
    kinds={"polars"},
    automation_condition=EAGER,
    check_specs=[
        dg.AssetCheckSpec(
            "rules_are_precise",
            asset="review_measures",
            description="no rule that drops is less precise, by the controls that people judged, than the recipe asks",
        )
    ],
)
def review_measures(
    context: dg.AssetExecutionContext, tamis: Tamis
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """How far people agree, how good the rules are, and what an hour of review brings."""
    name = context.partition_key
    with told():
        recipe = recipe_now(name)
        found = reviewed(tamis.lake, last_published(tamis.lake, name), recipe)
    measures, floor = found.measures, recipe.review.precision
    yield dg.MaterializeResult(
        metadata={"review": headline(found)}
        | (
            {
                "answers": measures.answers,
                "conflicts": measures.conflicts.height,
                "records_gained": measures.gains.gained,
                "records_removed": measures.gains.removed,
                "hours": measures.gains.hours,
                "measures": dg.MetadataValue.md(review_markdown(measures, floor)),
            }
            if measures
            else {}
        )
    )
    low = measures is not None and measures.below.height > 0
    yield dg.AssetCheckResult(
        check_name="rules_are_precise",
        passed=not low,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(advice(measures, floor))
        if measures and low
        else "no rule is known to be below the floor",
    )
