"""The place in the pool of the GPU, before a run of this process needs it."""

import time
from collections.abc import Callable, Mapping
from typing import Final

import dagster as dg

from assets.training import GPU

_POLL_S: Final = 0.5
_OPEN: Final = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def wait_for_gpu(instance: dg.DagsterInstance, tags: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Come back when no run has the GPU. `tell` hears once which one has it.

    A step of a run in this process would wait by itself, but without a word, deaf to Ctrl-C, and for ever where the
    run that has the place was killed. `tags`: of the runs that are made under the lock that the caller holds, so that
    those among them that never ended are the dead's; their places are freed.
    """
    for run in instance.get_runs(dg.RunsFilter(tags=dict(tags), statuses=_OPEN)):
        instance.report_run_failed(run, "its process was killed")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    told: set[str] = set()
    while holders := instance.event_log_storage.get_concurrency_info(GPU).active_run_ids:
        if not told:
            tell(f"waiting for the run {', '.join(sorted(holders))} to release the GPU (see Runs in Dagster's page)")
            told = holders
        time.sleep(_POLL_S)
