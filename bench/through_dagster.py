"""The graph from snapshot to exports as Dagster's runs, one a partition."""

from assets.graph import Graph
from bench.data import SEVEN
from pipelines.lake import Lake
from pipelines.workspace import Workspace


def curate(workspace: Workspace) -> dict[str, int]:
    """Run it; upstream rows and bytes that were read."""
    Graph(workspace, only=SEVEN, limit=None).curate()
    files = Lake(workspace.lake).scan("files").select("rows", "bytes").sum().collect()
    return {"rows": int(files["rows"][0]), "bytes": int(files["bytes"][0])}
