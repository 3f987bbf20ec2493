"""The code location: every asset, check, job, schedule and sensor, with its resources."""

import dagster as dg

from assets import argilla, jobs, lake, recipes, sources, training, verdicts
from assets.progress import progress
from assets.resources import Tamis


def build_definitions(**resources: object) -> dg.Definitions:
    """All definitions; tests bring their own resources."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules([sources, lake, recipes, verdicts, argilla, training]),
        jobs=[
            jobs.refresh_source,
            jobs.curate,
            jobs.push_to_argilla,
            jobs.pull_from_argilla,
            jobs.train,
            jobs.look_upstream,
            jobs.look_at_benchmarks,
            jobs.look_at_recipes,
        ],
        schedules=[jobs.nightly],
        sensors=[jobs.rebuild_what_moved, jobs.pull_when_answered],
        loggers={"console": dg.colored_console_logger, "progress": progress},
        resources={"tamis": Tamis(), "pipes": dg.PipesSubprocessClient()} | resources,
        # A run is one partition and a chain of steps, so a process a step would cost seconds and buy nothing.
        executor=dg.in_process_executor,
    )


defs = build_definitions()
