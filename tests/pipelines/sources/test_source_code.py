"""What makes a source's records stale: its own code, and all that is shared by sources."""

import ast
from pathlib import Path

from pipelines.sources import source as declared

PACKAGE = Path(declared.__file__).parent.parent
SHAPELESS = {"errors", "reading", "sources", "wanted"}
"""What sources and their layouts import that shapes no record; the reader's code is counted by itself."""


def imported(path: Path) -> set[str]:
    """Modules of `pipelines` that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[1] for name in modules if name.startswith("pipelines.")}


def test_all_that_sources_share_is_a_part_of_their_code() -> None:
    files = [*(PACKAGE / "sources").glob("*.py"), *(PACKAGE / f"{name}.py" for name in declared.SHARED)]
    assert set().union(*map(imported, files)) <= {*declared.SHARED, *SHAPELESS}
    assert all((PACKAGE / f"{name}.py").is_file() for name in declared.SHARED)
