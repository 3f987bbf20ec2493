"""When it is done: Dagster's assets, checks, jobs, schedules, sensors and resources. What is done is in `pipelines`."""

import warnings

import dagster as dg

# Dagster is pinned to one version, so what it may change in a later one is no news to a user.
for category in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning):
    warnings.filterwarnings("ignore", category=category)
