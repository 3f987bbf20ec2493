"""The whole graph as `make run` walks it: a Dagster run a partition, one after the other in this process."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import dagster as dg
import polars as pl
from dagster._core.errors import DagsterExecutionInterruptedError

from assets import interruption
from assets.definitions import defs
from assets.failures import WATCHED
from assets.partitions import RECIPES
from assets.pool import wait_for_gpu
from pipelines import timings
from pipelines.argilla.server import running
from pipelines.benchmarks.held import held
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.report.html import write_report
from pipelines.report.summary import RunOutcome, SourceStatus, summarise
from pipelines.report.terminal import terminal_summary
from pipelines.snapshots import noted
from pipelines.sources import named, sources
from pipelines.training.launch import compare
from pipelines.workspace import ONLINE, SAMPLE, Workspace, source_lock
from schemas.families import FAMILIES

_PROGRESS: Final[dict[str, Any]] = {"loggers": {"progress": {}}}
_TRAINS: Final = {"tamis/trains": "true"}
"""Tag of a run made under the lock `training`: one that is open when the lock is free was killed."""


@dataclass
class Graph:
    """One walk. `only`: sources to refresh, all where it is None; `limit`: upstream rows to read of each; `review`:
    whether verdicts are fetched from Argilla and the review queue is sent there."""

    workspace: Workspace
    only: Sequence[str] | None
    limit: int | None
    review: bool = True
    failures: list[str] = field(default_factory=list)
    _instance: dg.DagsterInstance = field(init=False)

    def run(self) -> int:
        """Refresh, curate, train, report; returns the exit code."""
        started = time.monotonic()
        chosen = named(self.only)
        lake = Lake(self.workspace.lake)
        say(self._plan(chosen))
        with dg.DagsterInstance.get() as self._instance:
            statuses = self._refresh_all(chosen, lake)
            # From the curation on, so that no other run's exports take the place of those that this one trains on.
            with self.workspace.lock("training", "make run", say):
                with ExitStack() as argilla:
                    self._pull(argilla)
                    published = self._curate_all()
                    self._review_all(published, argilla)
                trained = self._train_all(published)
        outcome = RunOutcome(
            statuses=statuses,
            recipes=tuple(published),
            comparisons=tuple(compare(self.workspace, trained)),
            failures=tuple(self.failures),
            seconds=time.monotonic() - started,
        )
        summary = summarise(self.workspace, lake, outcome)
        say(terminal_summary(summary, write_report(summary)))
        return 1 if self.failures else 0

    def curate(self) -> list[str]:
        """Refresh and curate without training; the recipes that were published."""
        with dg.DagsterInstance.get() as self._instance:
            self._refresh_all(named(self.only), Lake(self.workspace.lake))
            return self._curate_all()

    def _refresh_all(self, chosen: Sequence[str], lake: Lake) -> dict[str, SourceStatus]:
        return {name: self._refresh(name, lake, n, len(chosen)) for n, name in enumerate(chosen, 1)}

    def _curate_all(self) -> list[str]:
        self._benchmarks()
        with self.workspace.lock("lake", "make run", say):
            return [name for name in RECIPES if self._curate(name)]

    def _pull(self, argilla: ExitStack) -> None:
        """Fetch the verdicts on what earlier runs sent, before the ledgers that they decide."""
        sent = bool(os.environ.get("ARGILLA_API_URL")) or self.workspace.argilla.exists()
        if self.review and sent:
            self._keep_argilla(argilla)
            self._told("pull_from_argilla", None, "verdicts from Argilla", 1)

    def _review_all(self, published: Sequence[str], argilla: ExitStack) -> None:
        names = [name for name in published if _recipe(name).review.budget]
        if self.review and names:
            self._keep_argilla(argilla)
            for name in names:
                self._told("push_to_argilla", name, f"review queue of {name} to Argilla", _recipe(name).review.budget)

    def _keep_argilla(self, argilla: ExitStack) -> None:
        """Keep Argilla running between the steps that use it. Where it cannot be, they say so."""
        with suppress(TamisError):
            argilla.enter_context(running(self.workspace, tell=say))

    def _train_all(self, published: Sequence[str]) -> list[str]:
        runs = [f"{name}.{run}" for name in published for run in _recipe(name).training]
        wait_for_gpu(self._instance, _TRAINS, say)
        return [name for name in runs if self._train(name)]

    def _plan(self, chosen: list[str]) -> str:
        hub = {SAMPLE: "the sample Hub", ONLINE: "the online Hub"}.get(self.workspace.hub, self.workspace.hub)
        rows = f", the first {self.limit:,} rows of each" if self.limit else ""
        return (
            f"Tamis on {hub}, in {self.workspace.path}\n"
            f"refreshes {len(chosen)} of {len(sources())} sources{rows}; recipes: {', '.join(RECIPES)}"
        )

    def _refresh(self, name: str, lake: Lake, position: int, total: int) -> SourceStatus:
        config = {"ops": {"records_and_signals": {"config": {"limit": self.limit}}}}
        started = time.monotonic()
        before = lake.version("files")
        known = lake.scan("files").filter(_is(name)).collect()
        with self.workspace.lock(source_lock(name), f"make run of {name}", say):
            error = self._execute("refresh_source", name, config)
        files = lake.scan("files").filter(_is(name)).collect()
        took = time.monotonic() - started
        rows = int(files["rows"].sum())
        records = sum(int(counts) for counts in files.unnest("records").select(_FAMILY_COLUMNS).sum().row(0))
        if error is not None:
            status = SourceStatus("FAILED", error) if files.is_empty() else SourceStatus("STALE", error)
            self.failures.append(error)
        elif not noted(self.workspace, name):
            status = SourceStatus("ABSENT", "this Hub does not have it")
        else:
            status = SourceStatus("OK", "" if lake.version("files") != before else "unchanged")
            read = files.join(known, on=["file", "etag", "reader", "limit"], how="anti", nulls_equal=True)
            timings.note(self.workspace, "refresh", name, took, int(read["bytes"].sum()))
        counts = f"{rows:>9,} rows {records:>9,} records " if status.word == "OK" else ""
        width = max(map(len, sources()))
        say(f"[{position:>2}/{total}] {name:<{width}}  {status.word:<6} {counts}{status.message} {took:.1f} s")
        return status

    def _benchmarks(self) -> None:
        """Bring the benchmarks up to the Hub's. One that cannot be had is NOT CHECKED, which is no failure."""
        started = time.monotonic()
        error = self._execute("look_at_benchmarks", None, {})
        if error is not None:
            self.failures.append(error)
            say(f"benchmarks: FAILED: {error}")
            return
        statuses = held(Lake(self.workspace.lake)).statuses
        missing = statuses.filter(pl.col("status") == "NOT CHECKED")["benchmark"]
        said = f"; NOT CHECKED: {', '.join(missing)}" if len(missing) else ""
        say(f"benchmarks: {int(statuses['items'].sum()):,} items{said} {time.monotonic() - started:.1f} s")

    def _curate(self, name: str) -> bool:
        read = Lake(self.workspace.lake).scan("files").select("bytes").sum().collect()
        return self._told("curate", name, f"recipe {name}", int(read["bytes"][0]))

    def _train(self, name: str) -> bool:
        recipe, run = name.split(".", 1)
        return self._told("train", name, f"run {name}", _recipe(recipe).training[run].tokens)

    def _told(self, job: str, partition: str | None, what: str, amount: int) -> bool:
        """Run a job and say how long it took. `amount`: what its time grows with (see `pipelines.timings`)."""
        started = time.monotonic()
        say(f"{what} ...")
        error = self._execute(job, partition, {}, _TRAINS if job == "train" else {})
        if error is not None:
            self.failures.append(error)
            say(f"{what}: FAILED: {error}")
            return False
        took = time.monotonic() - started
        timings.note(self.workspace, job, partition or job, took, amount)
        say(f"{what}: {took:.1f} s")
        return True

    def _execute(
        self,
        job: str,
        partition: str | None,
        config: Mapping[str, Any],
        tags: Mapping[str, str] = MappingProxyType({}),
    ) -> str | None:
        """Run a job's partition in this process; what failed, None if nothing did."""
        try:
            result = defs.resolve_job_def(job).execute_in_process(
                partition_key=partition,
                instance=self._instance,
                raise_on_error=False,
                run_config={**_PROGRESS, **config},
                tags={**WATCHED, **tags},
            )
        except DagsterExecutionInterruptedError as error:
            raise KeyboardInterrupt from error
        if any(_is_interruption(event) for event in result.all_events):
            raise KeyboardInterrupt
        interruption.check()
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


def _is_interruption(event: dg.DagsterEvent) -> bool:
    """Whether a step failed because of Ctrl-C: inside a step, Dagster makes a failure of it."""
    error = event.step_failure_data.error if event.is_step_failure else None
    while error is not None and error.cls_name not in (DagsterExecutionInterruptedError.__name__, "KeyboardInterrupt"):
        error = error.cause
    return error is not None


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
