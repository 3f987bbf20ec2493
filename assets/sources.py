"""Per source: what the Hub has, our pinned copy of it, and the records and signals made of that."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.failures import told, watched
from assets.partitions import SOURCES
from assets.resources import Tamis
from pipelines import local_files, snapshots
from pipelines import upstream as upstream_now
from pipelines.accounting import accounts
from pipelines.catalogue import redaction_now, row_limit
from pipelines.hub import Absent
from pipelines.quality.pairs import pair_facts
from pipelines.refresh import refresh
from pipelines.report.markdown import outcomes_markdown, rejects_markdown, rows_markdown, signals_markdown
from pipelines.sources import sources
from pipelines.upstream import look
from pipelines.verify.verification import outcome_counts, outcome_sums

NETWORK = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


class Reading(dg.Config):
    """`limit`: upstream rows to read, from the start; rows once read stay. Null: the largest limit of any recipe."""

    limit: int | None = None


@dg.observable_source_asset(
    partitions_def=SOURCES, group_name="sources", description="The commit that each source's repository is at."
)
def upstream(context: dg.OpExecutionContext, tamis: Tamis) -> dg.DataVersionsByPartition:
    """Repositories that cannot be had are in the run's log; where none can, the step fails."""
    seen = look(tamis.hub, tamis.workspace, sources())
    for name, absent in seen.absent.items():
        context.log.warning(f"ABSENT: {name}: {absent}")
    for name, error in seen.failed.items():
        context.log.error(f"FAILED: {name}: {error}")
    if seen.failed and not seen.commits:
        with told(retry=True):
            raise next(iter(seen.failed.values()))
    return dg.DataVersionsByPartition(dict(seen.commits))


@dg.asset(
    partitions_def=SOURCES,
    deps=[upstream],
    group_name="sources",
    kinds={"huggingface"},
    retry_policy=NETWORK,
    output_required=False,
    automation_condition=dg.AutomationCondition.eager(),
)
def snapshot(context: dg.AssetExecutionContext, tamis: Tamis) -> Iterator[dg.Output[None]]:
    """Our copy of the source's files, pinned to one commit and verified. Absent repositories make none."""
    name = context.partition_key
    source = sources()[name]
    with told(retry=not watched(context.run.tags)):
        try:
            pulled = upstream_now.snapshot(tamis.hub, tamis.workspace, source, context.log.info)
        except Absent as absent:
            snapshots.forget(tamis.workspace, name)
            context.log.warning(f"ABSENT: {absent}")
            return
    if not pulled.files:
        snapshots.forget(tamis.workspace, name)
        context.log.warning(f"ABSENT: {name}: of {pulled.repo} this Hub has no {', '.join(pulled.absent)}")
        return
    before = snapshots.noted_now(tamis.workspace).get(name)
    snapshots.save(tamis.workspace, name, pulled)
    if before is not None and source.files is not None:
        local_files.tidy(tamis.workspace, before, snapshots.noted_now(tamis.workspace).values())
    at = str(source.files) if source.files else f"https://huggingface.co/datasets/{pulled.repo}/tree/{pulled.revision}"
    yield dg.Output(
        None,
        metadata={
            "repository": dg.MetadataValue.path(at) if source.files else dg.MetadataValue.url(at),
            "revision": pulled.revision,
            "files": len(pulled.files),
            "bytes": sum(file.size for file in pulled.files),
            "licence": pulled.license or "none stated",
            "absent": ", ".join(pulled.absent) or "nothing",
        },
        data_version=dg.DataVersion(pulled.revision),
    )


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "records",
            deps=[snapshot],
            group_name="sources",
            kinds={"polars", "deltalake"},
            description="Every row of the source as records of the families it feeds, or a reject with its reason.",
            automation_condition=dg.AutomationCondition.eager(),
        ),
        dg.AssetSpec(
            "signals",
            deps=["records"],
            group_name="sources",
            kinds={"polars", "deltalake"},
            description="Every quality signal of every record of the source.",
            automation_condition=dg.AutomationCondition.eager(),
        ),
        dg.AssetSpec(
            "verification",
            deps=["records"],
            group_name="sources",
            kinds={"python", "deltalake"},
            description="Whether the answers of the source's records are right, as far as that can be known.",
            automation_condition=dg.AutomationCondition.eager(),
        ),
    ],
    check_specs=[
        dg.AssetCheckSpec("accounts", asset="records", description="upstream rows = yielding + rejected + left out"),
        dg.AssetCheckSpec("few_rejects", asset="records", description="under one row in fifty is a reject"),
    ],
    partitions_def=SOURCES,
)
def records_and_signals(
    context: dg.AssetExecutionContext, config: Reading, tamis: Tamis
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """One run of a source: staged, checked together, and committed together, `files` last."""
    name = context.partition_key
    source = sources()[name]
    with told():
        done = refresh(
            tamis.workspace,
            tamis.lake,
            name,
            source,
            snapshots.load(tamis.workspace, name),
            settings=tamis.settings,
            limit=config.limit or row_limit(name),
            progress=context.log.info,
        )
    files, kinds = done.files, redaction_now()
    rejected = int(files["rejected"].sum())
    yield dg.MaterializeResult(
        asset_key="records",
        metadata={
            "dagster/partition_row_count": sum(done.records.values()),
            "upstream_rows": done.rows,
            "yielding": int(files["yielding"].sum()),
            "rejected": rejected,
            "not_selected": int(files["not_selected"].sum()),
            **{f"records_{family}": count for family, count in done.records.items()},
            "files": files.height,
            "files_read_again": len(done.read_again),
            "bytes": int(files["bytes"].sum()),
            "reasons": dg.MetadataValue.md(rejects_markdown(tamis.lake, name, kinds)),
            "sample": dg.MetadataValue.md(rows_markdown(tamis.lake, name, tuple(done.records), kinds)),
        },
    )
    yield dg.MaterializeResult(
        asset_key="signals",
        metadata={
            "dagster/partition_row_count": sum(done.records.values()),
            "signals": dg.MetadataValue.md(signals_markdown(tamis.lake, name, tuple(done.records))),
            **_pairs(tamis, name, tuple(done.records)),
        },
    )
    found = outcome_counts(tamis.lake, name)
    yield dg.MaterializeResult(
        asset_key="verification",
        metadata={
            "dagster/partition_row_count": int(found["records"].sum()),
            **{outcome.replace(" ", "_"): count for outcome, count in outcome_sums(found).items()},
            "outcomes": dg.MetadataValue.md(outcomes_markdown(found)),
        },
    )
    wrong = accounts(tamis.lake, name)
    yield dg.AssetCheckResult(
        asset_key="records",
        check_name="accounts",
        passed=wrong is None,
        severity=dg.AssetCheckSeverity.ERROR,
        description=wrong or "the tables hold what was counted while reading",
        metadata={"upstream_rows": done.rows},
    )
    yield dg.AssetCheckResult(
        asset_key="records",
        check_name="few_rejects",
        passed=rejected * 50 <= done.rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rejected": rejected, "upstream_rows": done.rows},
    )


def _pairs(tamis: Tamis, name: str, families: tuple[str, ...]) -> dict[str, float]:
    """Length bias and pairs in both orders, of a source that has pairs."""
    if "preference" not in families:
        return {}
    records, signals = (
        tamis.lake.scan(f"{table}_preference").filter(pl.col("source") == name) for table in ("records", "signals")
    )
    facts = pair_facts(records, signals)
    bias = {} if facts.length_bias is None else {"longer_wins_auc": facts.length_bias}
    return bias | {"pairs_in_both_orders": facts.both_orders}
