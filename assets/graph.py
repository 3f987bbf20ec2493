"""The whole graph as `make run` walks it: a Dagster run a partition, one after the other in this process."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from assets.definitions import defs
from assets.partitions import RECIPES
from pipelines import report
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.report.summary import RunOutcome, SourceStatus
from pipelines.sources import sources
from pipelines.workspace import SAMPLE, Workspace

_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Graph:
    """One walk. `only`: sources to refresh, all where it is None; `limit`: upstream rows to read of each."""

    workspace: Workspace
    only: Sequence[str] | None
    limit: int | None
    failures: list[str] = field(default_factory=list)
    _instance: dg.DagsterInstance = field(init=False)

    def run(self) -> int:
        """Refresh, curate, train, report; returns the exit code."""
        started = time.monotonic()
        chosen = self._chosen()
        lake = Lake(self.workspace.lake)
        self._instance = dg.DagsterInstance.get()
        self._say_what(chosen)
        statuses = {name: self._refresh(name, lake) for name in chosen}
        published = [name for name in RECIPES if self._step("curate", name, f"recipe {name}")]
        comparisons = self._train(published)
        outcome = RunOutcome(
            statuses=statuses,
            recipes=published,
            comparisons=comparisons,
            failures=self.failures,
            defects=self._defects(published, lake),
            seconds=time.monotonic() - started,
        )
        path = report.write_report(self.workspace, lake, outcome)
        print(report.terminal_summary(self.workspace, lake, outcome, path), flush=True)
        return 1 if self.failures else 0

    def _chosen(self) -> list[str]:
        names = list(sources())
        for name in self.only or []:
            if name not in names:
                near = get_close_matches(name, names, 1)
                cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}."
                raise TamisError("there is no such source", where=f"SOURCES={name}", cure=cure)
        return list(dict.fromkeys(self.only)) if self.only else names
