"""What all tests share."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.lake import Lake
from pipelines.workspace import Workspace, workspace

os.environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace of the sample Hub, in a folder of its own."""
    monkeypatch.setenv("TAMIS_HOME", str(tmp_path / "tamis"))
    return workspace("sample")


@pytest.fixture
def lake(place: Workspace) -> Lake:
    return Lake(place.lake)


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 4 kB, which looks to a writer as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
