"""What all tests share."""

import os
from pathlib import Path

import hub_switch  # noqa: F401  # isort: skip -- before any import of a Hub library
import pytest

from pipelines.lake import Lake
from pipelines.workspace import ROOT, Workspace, workspace


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of the sample Hub, in a folder of its own."""
    monkeypatch.setenv("TAMIS_HOME", str(tmp_path / "tamis"))
    return workspace("sample")


@pytest.fixture
def lake(place: Workspace) -> Lake:
    return Lake(place.lake)


@pytest.fixture(scope="session")
def real_hub() -> Path:
    """A folder of real rows laid out as repositories: TAMIS_REAL_HUB, else ../shared/real-hub beside the clone."""
    folder = Path(os.environ.get("TAMIS_REAL_HUB", ROOT.parent / "shared" / "real-hub"))
    if not folder.is_dir():
        pytest.skip(f"no real rows at {folder}: set TAMIS_REAL_HUB to a folder of them")
    return folder
