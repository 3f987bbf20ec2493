"""What all tests share."""

from pathlib import Path

import pytest

from pipelines.lake import Lake
from pipelines.workspace import Workspace, workspace


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of the sample Hub, in a folder of its own."""
    monkeypatch.setenv("TAMIS_HOME", str(tmp_path / "tamis"))
    return workspace("sample")


@pytest.fixture
def lake(place: Workspace) -> Lake:
    return Lake(place.lake)
