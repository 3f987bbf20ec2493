"""When it is done: Dagster's assets, checks, jobs, schedules, sensors and resources, thin over `pipelines`."""
