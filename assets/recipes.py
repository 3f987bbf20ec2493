"""Per recipe: what its file says, the ledger that follows, the pass that publishes it, and the exports."""

from collections.abc import Iterator

import dagster as dg

from assets.failures import told
from assets.lake import EAGER, sides
from assets.partitions import RECIPE_NAMES, RECIPES
from assets.resources import Tamis
from pipelines.catalogue import recipe_now
from pipelines.exports import export
from pipelines.ledger import funnel, last_published, publish_ledger, verified
from pipelines.recipe import Recipe
from pipelines.report.markdown import funnel_markdown, funnel_picture, kept_and_dropped_markdown
from pipelines.report.summary import record_stages
from pipelines.sources import sources
from pipelines.states import ready_state


@dg.observable_source_asset(
    partitions_def=RECIPE_NAMES,
    group_name="recipes",
    description="What each recipe's file says; comments and description do not count.",
)
def recipe() -> dg.DataVersionsByPartition:
    hashes = {}
    for name in RECIPES:
        with told():
            hashes[name] = recipe_now(name).hash
    return dg.DataVersionsByPartition(hashes)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "ledger",
            deps=[sides, recipe, "verdicts"],
            group_name="recipes",
            kinds={"polars", "deltalake"},
            description="The one fate of every record in the recipe, with rule and value, survivor and similarity.",
            automation_condition=EAGER,
        ),
        dg.AssetSpec(
            "publication",
            deps=["ledger"],
            group_name="recipes",
            kinds={"deltalake"},
            description="The pass that publishes the ledger once its gates hold; what no pass names is invisible.",
            automation_condition=EAGER,
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "one_fate_each", asset="ledger", description="records = kept + dropped, by source and family"
        ),
        dg.AssetCheckSpec("survivors_are_kept", asset="ledger", description="every survivor named is kept"),
        dg.AssetCheckSpec("no_tie_crosses", asset="ledger", description="no tie crosses sides among kept rows"),
        dg.AssetCheckSpec(
            "replaced_live_on", asset="ledger", description="what is replaced has a correction that stands"
        ),
        dg.AssetCheckSpec("no_item_is_kept", asset="ledger", description="no kept row repeats a benchmark's item"),
    ],
    partitions_def=RECIPE_NAMES,
)
def ledger_and_publication(
    context: dg.AssetExecutionContext, tamis: Tamis
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """The ledger is checked, committed and published in one step."""
    name = context.partition_key
    with told(), tamis.workspace.lock("lake", f"the ledger of {name}", context.log.info):
        said = recipe_now(name)
        done = publish_ledger(ready_state(tamis.lake), name, said, sources())
    made, published = done.ledger, done.published
    counts = funnel(made)
    kept = int((made["fate"] == "kept").sum())
    yield dg.MaterializeResult(
        asset_key="ledger",
        metadata={
            "dagster/partition_row_count": made.height,
            "kept": kept,
            "dropped": made.height - kept,
            "picture": dg.MetadataValue.md(funnel_picture(record_stages(counts))),
            "funnel": dg.MetadataValue.md(funnel_markdown(counts)),
            "sample": dg.MetadataValue.md(kept_and_dropped_markdown(published)),
        },
    )
    yield dg.MaterializeResult(
        asset_key="publication",
        metadata={"pass": published.number, "state": published.state.number, "recipe_hash": published.recipe_hash},
        data_version=dg.DataVersion(str(published.number)),
    )
    for check, wrong in verified(last_published(tamis.lake, name), said).items():
        yield dg.AssetCheckResult(
            asset_key="ledger",
            check_name=check,
            passed=wrong is None,
            severity=dg.AssetCheckSeverity.ERROR,
            description=wrong or "holds",
        )


@dg.asset(
    deps=["publication"],
    partitions_def=RECIPE_NAMES,
    group_name="recipes",
    kinds={"parquet", "trl"},
    automation_condition=EAGER,
)
def exports(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """Parquet files by family and side, in the columns that TRL's trainers take."""
    name = context.partition_key
    with told():
        written = export(tamis.workspace, last_published(tamis.lake, name), recipe_now(name))
    rows = {f"{path.parent.name}_{path.stem}": count for path, count in written.items()}
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": sum(written.values()),
            "folder": dg.MetadataValue.path(str(tamis.workspace.exports / name)),
            **rows,
        }
    )


def readable(name: str) -> bool:
    """Whether the recipe could be read when the definitions loaded."""
    return isinstance(RECIPES[name], Recipe)
