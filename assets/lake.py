"""Over the whole lake: the benchmarks, its state, pairs of near-equal records, contamination, and sides."""

import dagster as dg
import polars as pl

from assets.failures import told
from assets.resources import Tamis
from pipelines.benchmarks.update import UNASKED, update
from pipelines.errors import TamisError
from pipelines.lake_wide import build_contamination, build_pairs, build_sides, built_with
from pipelines.report.benchmarks import benchmarks_markdown
from pipelines.report.markdown import funnel_picture
from pipelines.report.summary import part_stages, row_stages
from pipelines.states import State, last_state, open_state
from pipelines.transactions import clean
from schemas.families import FAMILIES

# One unbuilt source must not hold back the lake: eager() alone waits for every partition of its inputs.
EAGER = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())


@dg.asset(
    group_name="lake",
    kinds={"huggingface", "deltalake"},
    automation_condition=dg.AutomationCondition.on_cron("0 2 * * *"),
)
def benchmarks(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """The items that no record may repeat; those that the Hub cannot give are kept as they are, or NOT CHECKED."""
    with told(), tamis.workspace.lock("benchmarks", "the index of benchmarks", context.log.info):
        updated = update(tamis.lake, tamis.hub, tell=context.log.info, at_most=UNASKED)
    statuses = updated.statuses
    version = tamis.lake.versions(["benchmarks", "benchmark_status"])
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(sorted(version.items()))),
        metadata={
            "dagster/row_count": int(statuses["items"].sum()),
            "not_checked": ", ".join(statuses.filter(pl.col("status") == "NOT CHECKED")["benchmark"]) or "none",
            "statuses": dg.MetadataValue.md(benchmarks_markdown(updated)),
        },
    )


@dg.asset(
    deps=["records", "signals", "verification", "corrections", benchmarks],
    group_name="lake",
    kinds={"deltalake"},
    automation_condition=EAGER,
)
def state(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """The versions of all sources' tables that belong together; gates compare them with what was counted."""
    with told(), tamis.workspace.lock("lake", "a lake state", context.log.info):
        deleted = clean(tamis.workspace, tamis.lake)
        opened = open_state(tamis.workspace, tamis.lake, built_with(tamis.settings), context.log.info)
    files = opened.scan("files").collect()
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(opened.number)),
        metadata={
            "state": opened.number,
            "sources": files["source"].n_unique(),
            "files_of_killed_runs_deleted": deleted,
            "upstream_rows": int(files["rows"].sum()),
            "funnel": dg.MetadataValue.md(funnel_picture(row_stages(files))),
            "dagster/row_count": sum(int(files["records"].struct.field(name).sum()) for name in FAMILIES),
        },
    )


@dg.asset(deps=[state], group_name="lake", kinds={"numba", "deltalake"}, automation_condition=EAGER)
def pairs(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """Pairs of records, in each family, whose sets of 5 words reach the pair floor; each is verified."""
    with told(), tamis.workspace.lock("lake", "pairs", context.log.info):
        built, counts = build_pairs(_opened(tamis), tamis.settings)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(built.number)),
        metadata={"state": built.number, **{f"pairs_{family}": count for family, count in counts.items()}},
    )


@dg.asset(deps=[pairs], group_name="lake", kinds={"numba", "deltalake"}, automation_condition=EAGER)
def contamination(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """What records share with items of benchmarks, by each rule, with the shared text on both sides."""
    with told(), tamis.workspace.lock("lake", "contamination", context.log.info):
        compared = build_contamination(_opened(tamis))
    unseen = int(compared.unseen["no rule"].sum())
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(compared.state.number)),
        metadata={
            "state": compared.state.number,
            "items": int(compared.unseen["items"].sum()),
            "items_no_rule_sees": unseen,
            **{f"hit_by_{rule.replace(' ', '_')}": count for rule, count in compared.records.items()},
        },
    )


@dg.asset(deps=[contamination], group_name="lake", kinds={"deltalake"}, automation_condition=EAGER)
def sides(context: dg.AssetExecutionContext, tamis: Tamis) -> dg.MaterializeResult:
    """Train, validation or test for every record, independent of any recipe; old rows never move."""
    with told(), tamis.workspace.lock("lake", "sides", context.log.info):
        sided = build_sides(_opened(tamis), tamis.settings)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(str(sided.state.number)),
        metadata={
            "state": sided.state.number,
            **sided.records,
            "split_bridges": sided.bridges,
            "largest_component": sided.largest,
            "picture": dg.MetadataValue.md(funnel_picture(part_stages(sided.records, sum(sided.records.values())))),
        },
    )


def _opened(tamis: Tamis) -> State:
    found = last_state(tamis.lake)
    if found is None:
        raise TamisError("no lake state is open", cure="Materialise `state` first.")
    return found
