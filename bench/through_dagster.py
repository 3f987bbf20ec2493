"""The graph from snapshot to exports as Dagster's runs, one a partition."""

import dagster as dg

from assets.graph import Graph
from pipelines.lake import Lake
from pipelines.workspace import Workspace


def curate(workspace: Workspace) -> dict[str, int]:
    """Run it; upstream rows and bytes that were read."""
    graph = Graph(workspace, only=None, limit=None)
    with dg.DagsterInstance.get() as instance:
        graph.curate(instance)
    files = Lake(workspace.lake).scan("files").select("rows", "bytes").sum().collect()
    return {"rows": int(files["rows"][0]), "bytes": int(files["bytes"][0])}
