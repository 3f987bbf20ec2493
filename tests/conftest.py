"""What all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import hub_switch  # noqa: F401  # isort: skip -- before any import of a Hub library
import pytest

from pipelines.argilla.place import ENVIRONMENT
from pipelines.argilla.server import Server, running
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
    """A folder with real rows of the Hub, laid out as repositories; the test is skipped where there is none."""
    folder = Path(os.environ.get("TAMIS_REAL_HUB") or ROOT.parent / "shared" / "real-hub")
    if not folder.is_dir():
        pytest.skip(f"real rows are not at {folder}; TAMIS_REAL_HUB names another place")
    return folder


@pytest.fixture(scope="session")
def argilla_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Server]:
    """One embedded Argilla for all tests of this session, in whichever process they are; name data sets apart."""
    if not ENVIRONMENT.exists():
        pytest.skip(f"Argilla's environment is not at {ENVIRONMENT}: make environment")
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    with pytest.MonkeyPatch.context() as patched:
        for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY", "ARGILLA_REDIS_URL"):
            patched.delenv(name, raising=False)
        with running(Workspace(shared / "argilla", "sample")) as server:
            yield server
