"""The graph in processes of its own, as a user starts it: a process belongs to one Hub."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.lake import Lake
from pipelines.workspace import ROOT, Workspace

_CURATE = """
import pathlib
import sys
import pipelines.lake_settings
import pipelines.recipe
if len(sys.argv) > 4:
    pipelines.lake_settings.LAKE_FILE = pathlib.Path(sys.argv[4])
    pipelines.recipe.RECIPES = pathlib.Path(sys.argv[5])
from pipelines import workspace
from pipelines.opening import served
opened = workspace.workspace(sys.argv[1])
with served(opened):
    from assets.graph import Graph
    graph = Graph(opened, sys.argv[2].split(","), int(sys.argv[3]) or None)
    graph.curate()
print(opened.path)
for failure in graph.failures:
    print("FAILURE", failure)
"""


def environment(home: Path) -> dict[str, str]:
    """Of a user whose workspaces and home folder are below `home`."""
    ours = {"TAMIS_HOME": str(home / "tamis"), "HOME": str(home), "OMP_NUM_THREADS": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING", "TAMIS_HUB"))}
    return kept | ours


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """`make run`, without make."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "assets.run", *arguments],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


SEVEN = "alpaca,countdown,dolly,gsm8k,hh_rlhf,oasst1,sky_t1"
"""Sources of every layout and trap that the graph cares about; the whole catalogue takes a minute."""


def curate(
    home: Path, hub: str = "sample", *, only: str = SEVEN, limit: int = 0, settings: tuple[Path, Path] | None = None
) -> tuple[Workspace, str]:
    """From snapshot to exports, without training; the workspace, and what was said.

    `settings`: a `lake.yaml` and a folder of recipes that stand in for the clone's.
    """
    done = subprocess.run(
        [sys.executable, "-c", _CURATE, hub, only, str(limit), *map(str, settings or ())],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    path = next(line for line in reversed(done.stdout.splitlines()) if line.startswith("/"))
    return Workspace(Path(path), hub), done.stdout


def lake_of(workspace: Workspace) -> Lake:
    return Lake(workspace.lake)
