"""What makes a source's records stale: its own code, and all that is shared by sources."""

import ast
from pathlib import Path

from pipelines.sources import source as declared

PACKAGE = Path(declared.__file__).parent.parent
SHAPELESS = {"errors", "lake_settings", "sources", "wanted"}
"""What sources and their layouts import that shapes no record; what `lake.yaml` says of one is in its `entry`."""


def imported(path: Path) -> set[str]:
    """Modules of `pipelines` that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[1] for name in modules if name.startswith("pipelines.")}


def test_all_that_sources_share_is_a_part_of_their_code() -> None:
    shared = {pattern: list(PACKAGE.glob(pattern)) for pattern in declared.SHARED}
    assert all(shared.values())
    files = [*(PACKAGE / "sources").glob("*.py"), *(path for paths in shared.values() for path in paths)]
    counted = {pattern.split("/")[0].removesuffix(".py") for pattern in shared}
    assert set().union(*map(imported, files)) <= counted | SHAPELESS
