"""How kernels are made: in one way, whose cache knows all of their code."""

import re

from pipelines.kernels import kernel
from pipelines.workspace import ROOT


def test_all_kernels_are_made_in_one_place() -> None:
    """Numba alone would keep machine code into which an old version of another file was compiled."""
    files = [path for path in (ROOT / "pipelines").rglob("*.py") if path.name != "kernel.py"]
    assert [path.name for path in files if re.search(r"\bnjit\b|nb\.jit|numba\.jit", path.read_text())] == []
    makers = [path for path in files if re.search(r"^@(kernel|inlined|step)$", path.read_text(), re.MULTILINE)]
    assert len(makers) > 10
    assert [path.name for path in makers if kernel.__name__ not in path.read_text()] == []
