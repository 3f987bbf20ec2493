"""The graph from snapshot to exports as plain calls."""

from pathlib import Path

from huggingface_hub import constants

from bench.data import SEVEN
from pipelines.benchmarks.update import update
from pipelines.catalogue import recipe_now, settings_now
from pipelines.exports import export
from pipelines.hub import Absent, Hub
from pipelines.lake import Lake
from pipelines.lake_wide import build_contamination, build_pairs, build_sides, built_with
from pipelines.ledger import publish_ledger
from pipelines.recipe import names
from pipelines.refresh import refresh
from pipelines.sources import sources
from pipelines.states import open_state, ready_state
from pipelines.workspace import Workspace


def curate(workspace: Workspace) -> dict[str, int]:
    """Run it; upstream rows and bytes that were read."""
    hub = Hub(None, Path(constants.HF_HUB_CACHE), online=workspace.online)
    lake, settings = Lake(workspace.lake), settings_now()
    rows = size = 0
    for name in SEVEN:
        source = sources()[name]
        try:
            snapshot = hub.snapshot(source.repo, source.wanted, revision=source.revision)
        except Absent:
            continue
        done = refresh(workspace, lake, name, source, snapshot, settings=settings)
        rows, size = rows + done.rows, size + int(done.files["bytes"].sum())
    update(lake, hub)
    state, _ = build_pairs(open_state(workspace, lake, built_with(settings)), settings)
    state = build_contamination(state).state
    build_sides(state, settings)
    for name in names():
        recipe = recipe_now(name)
        export(workspace, publish_ledger(ready_state(lake), name, recipe, sources()).published, recipe)
    return {"rows": rows, "bytes": size}
