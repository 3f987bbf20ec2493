"""The whole graph as `make run` walks it: a Dagster run a partition, one after the other in this process."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import dagster as dg
import polars as pl
from dagster._core.errors import DagsterExecutionInterruptedError

from assets.definitions import defs
from assets.partitions import RECIPES
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.report.html import write_report
from pipelines.report.summary import RunOutcome, SourceStatus
from pipelines.report.terminal import terminal_summary
from pipelines.snapshots import noted
from pipelines.sources import sources
from pipelines.training.launch import compare
from pipelines.workspace import SAMPLE, Workspace
from schemas.families import FAMILIES

_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Graph:
    """One walk. `only`: sources to refresh, all where it is None; `limit`: upstream rows to read of each."""

    workspace: Workspace
    only: Sequence[str] | None
    limit: int | None
    failures: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> int:
        """Refresh, curate, train, report; returns the exit code."""
        started = time.monotonic()
        chosen = self._chosen()
        lake = Lake(self.workspace.lake)
        say(self._plan(chosen))
        with dg.DagsterInstance.get() as instance:
            self._instance = instance
            statuses = {name: self._refresh(name, lake, n, len(chosen)) for n, name in enumerate(chosen, 1)}
            with self.workspace.lock("lake", "make run", say):
                published = [name for name in RECIPES if self._curate(name)]
            runs = [f"{name}.{run}" for name in published for run in _recipe(name).training]
            trained = [name for name in runs if self._train(name)]
        outcome = RunOutcome(
            statuses=statuses,
            recipes=tuple(published),
            comparisons=tuple(compare(self.workspace, trained)),
            failures=tuple(self.failures),
            planted=None,
            seconds=time.monotonic() - started,
        )
        report = write_report(self.workspace, lake, outcome)
        say(terminal_summary(self.workspace, lake, outcome, report))
        return 1 if self.failures else 0

    def _chosen(self) -> list[str]:
        names = list(sources())
        for name in self.only or []:
            if name not in names:
                near = get_close_matches(name, names, 1)
                cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}."
                raise TamisError("there is no such source", where=f"SOURCES={name}", cure=cure)
        return list(dict.fromkeys(self.only)) if self.only else names

    def _plan(self, chosen: list[str]) -> str:
        hub = {SAMPLE: "the sample Hub"}.get(self.workspace.hub, self.workspace.hub)
        rows = f", the first {self.limit:,} rows of each" if self.limit else ""
        return (
            f"Tamis on {hub}, in {self.workspace.path}\n"
            f"refreshes {len(chosen)} of {len(sources())} sources{rows}; recipes: {', '.join(RECIPES)}"
        )

    def _refresh(self, name: str, lake: Lake, position: int, total: int) -> SourceStatus:
        config = {"ops": {"records_and_signals": {"config": {"limit": self.limit}}}}
        started = time.monotonic()
        before = lake.version("files")
        error = self._execute("refresh_source", name, config)
        files = lake.scan("files").filter(_is(name)).collect()
        rows = int(files["rows"].sum())
        records = sum(int(counts) for counts in files.unnest("records").select(_FAMILY_COLUMNS).sum().row(0))
        if error is not None:
            status = SourceStatus("FAILED", error) if files.is_empty() else SourceStatus("STALE", error)
            self.failures.append(error)
        elif not noted(self.workspace, name):
            status = SourceStatus("ABSENT", "this Hub does not have it")
        else:
            status = SourceStatus("OK", "" if lake.version("files") != before else "unchanged")
        took = time.monotonic() - started
        done = f"{rows:>9,} rows {records:>9,} records" if status.word == "OK" else status.message
        say(f"[{position:>2}/{total}] {name:<12} {status.word:<6} {done} {status.message if status.word == 'OK' else ''} {took:.1f} s")
        return status

    def _curate(self, name: str) -> bool:
        return self._told("curate", name, f"recipe {name}")

    def _train(self, name: str) -> bool:
        return self._told("train", name, f"run {name}")

    def _told(self, job: str, partition: str, what: str) -> bool:
        started = time.monotonic()
        say(f"{what} ...")
        error = self._execute(job, partition, {})
        if error is not None:
            self.failures.append(error)
            say(f"{what}: FAILED: {error}")
            return False
        say(f"{what}: {time.monotonic() - started:.1f} s")
        return True

    def _execute(self, job: str, partition: str, config: dict[str, Any]) -> str | None:
        """Run a job's partition in this process; what failed, None if nothing did."""
        try:
            result = defs.resolve_job_def(job).execute_in_process(
                partition_key=partition, instance=self._instance, raise_on_error=False, run_config=_QUIET | config
            )
        except DagsterExecutionInterruptedError as error:
            raise KeyboardInterrupt from error
        failed = [check.asset_key.to_user_string() + "." + check.check_name for check in _failed_checks(result)]
        if failed:
            return f"{partition}: the checks {', '.join(failed)} do not hold"
        if result.success:
            return None
        return next((_reason(event) for event in result.all_events if event.is_step_failure), f"{job} failed")


_FAMILY_COLUMNS: Final = list(FAMILIES)


def _is(source: str) -> pl.Expr:
    return pl.col("source") == source


def _reason(event: dg.DagsterEvent) -> str:
    """What a failed step says to a user: its own words where it failed on purpose, else the error and its type."""
    failed = event.step_failure_data
    if failed.user_failure_data is not None and failed.user_failure_data.description:
        return str(failed.user_failure_data.description)
    cause = failed.error.cause if failed.error is not None and failed.error.cause is not None else failed.error
    return f"{event.step_key}: {cause.message.strip() if cause is not None else 'failed'}"


def _failed_checks(result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
    """Checks of severity ERROR that do not hold."""
    return [
        check
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    ]


def _recipe(name: str) -> Recipe:
    found = RECIPES[name]
    assert isinstance(found, Recipe), f"{name} was published, so it could be read"
    return found


def say(text: str) -> None:
    """Print at once, whatever stdout is."""
    print(text, flush=True)
