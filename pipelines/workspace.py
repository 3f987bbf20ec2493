"""Where things lie: one folder for each Hub, with its lake, snapshots, instance, exports, models and locks.

A workspace belongs to one Hub and refuses another, because caches, sides and verdicts of sample rows must
never meet real ones. A process works in one workspace: the Hub's libraries freeze their endpoint and caches
at import, so `activate` comes first.
"""

import hashlib
import json
import os
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pipelines.errors import TamisError
from pipelines.files import write_whole
from pipelines.locks import Tell, hold, hold_if_free

ROOT: Final = Path(__file__).resolve().parent.parent
"""The clone: recipes, `lake.yaml` and `dagster.yaml` lie here."""

SAMPLE: Final = "sample"
ONLINE: Final = "online"

_HIDDEN: Final = "TAMIS_HIDDEN"
_OF_THE_HUB: Final = ("HF_", "HUGGING_FACE_")

_LAYOUT: Final = 1


@dataclass(frozen=True)
class Workspace:
    """One workspace. `hub` is "sample", "online" or the absolute path of a folder laid out as repositories."""

    path: Path
    hub: str

    @property
    def lake(self) -> Path:
        return self.path / "lake"

    @property
    def exports(self) -> Path:
        return self.path / "exports"

    @property
    def training(self) -> Path:
        return self.path / "training"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def snapshots(self) -> Path:
        return self.path / "snapshots"

    @property
    def timings(self) -> Path:
        """How long the steps of past runs took."""
        return self.path / "timings.jsonl"

    @property
    def sample_repositories(self) -> Path:
        """The generated repositories of the sample Hub."""
        return self.path / "sample-hub"

    @property
    def planted(self) -> Path:
        """What was planted in them, and where: read by the report only."""
        return self.path / "planted.parquet"

    @property
    def instance(self) -> Path:
        """Storage of Dagster's instance."""
        return self.path / "dagster"

    @property
    def argilla(self) -> Path:
        """Data, logs and passwords of the embedded Argilla."""
        return self.path / "argilla"

    @property
    def online(self) -> bool:
        return self.hub == ONLINE

    @property
    def served(self) -> Path | None:
        """The folder that a loopback Hub serves; None for the online Hub."""
        if self.online:
            return None
        return self.sample_repositories if self.hub == SAMPLE else Path(self.hub)

    def environment(self, endpoint: str | None) -> dict[str, str | None]:
        """Variables for this process and its children; None means that the variable must not be set.

        A loopback Hub (`endpoint` given) gets caches of its own and never the user's token.
        """
        common: dict[str, str | None] = {
            "DAGSTER_HOME": str(ROOT),
            "TAMIS_INSTANCE": str(self.instance),
            "TAMIS_HUB": self.hub,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        if self.online:
            return common
        home = self.path / "huggingface"
        return common | {
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(home),
            "HF_HUB_CACHE": str(home / "hub"),
            "HF_DATASETS_CACHE": str(home / "datasets"),
            "HF_TOKEN_PATH": str(home / "no-token"),
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": None,
            "HUGGING_FACE_HUB_TOKEN": None,
        }

    def activate(self, endpoint: str | None) -> None:
        """Set the environment of this process; call it before the first import of a Hub library.

        TamisError if a Hub library was imported before with another endpoint.
        """
        environment = self.environment(endpoint)
        hidden = {name: os.environ[name] for name in environment if name.startswith(_OF_THE_HUB) and name in os.environ}
        os.environ.setdefault(_HIDDEN, json.dumps(hidden))
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        frozen = getattr(sys.modules.get("huggingface_hub.constants"), "ENDPOINT", None)
        if frozen is not None and endpoint is not None and frozen.rstrip("/") != endpoint.rstrip("/"):
            raise TamisError(
                f"this process already works with the Hub at {frozen}, not with {endpoint}",
                where=str(self.path),
                cure="Open each workspace in a process of its own.",
            )

    def lock(self, name: str, purpose: str, tell: Tell | None = None) -> AbstractContextManager[None]:
        """Hold the lock `name` (see `source_lock`, or "lake"); waits while another process holds it.

        `tell` hears once whom it waits for. A holder that dies leaves no lock. Reentrant within a thread.
        """
        return hold(self._lock(name), purpose, tell)

    def lock_if_free(self, name: str, purpose: str) -> AbstractContextManager[bool]:
        """Hold the lock `name` if nobody else does, and say whether."""
        return hold_if_free(self._lock(name), purpose)

    def _lock(self, name: str) -> Path:
        return self.path / "locks" / name


def source_lock(source: str) -> str:
    """Name of the lock under which a source's tables are staged."""
    return f"source-{quote(source, safe='')}"


def users_hub() -> dict[str, str | None]:
    """The Hub's variables as they were before a loopback Hub's workspace was activated; None: not set.

    For a child process that fetches a model: those come from the user's own Hub and caches, whichever Hub the data
    sets come from.
    """
    if os.environ.get("TAMIS_HUB", ONLINE) == ONLINE:
        return {}
    hidden: dict[str, str] = json.loads(os.environ.get(_HIDDEN, "{}"))
    changed = [name for name in Workspace(Path(), SAMPLE).environment(None) if name.startswith(_OF_THE_HUB)]
    return {name: hidden.get(name) for name in changed}


def home() -> Path:
    """The folder of all workspaces: `TAMIS_HOME`, else `.tamis` in the clone."""
    return Path(os.environ.get("TAMIS_HOME") or ROOT / ".tamis").expanduser().absolute()


def workspace(hub: str, at: Path | None = None) -> Workspace:
    """The workspace of a Hub, made if it is not there.

    `hub` is "sample", "online" or a folder. TamisError if the folder is missing, or if the place is
    another Hub's.
    """
    if hub not in (SAMPLE, ONLINE):
        folder = Path(hub).expanduser().absolute()
        if not folder.is_dir():
            raise TamisError(
                "there is no such folder",
                where=f"HUB={hub}",
                cure="Name a folder laid out as <organisation>/<repository>/..., or `sample`, or `online`.",
            )
        hub = str(folder.resolve())
    path = (at or home() / _folder_name(hub)).absolute()
    marker = path / "workspace.json"
    if marker.exists():
        _check(_note(marker), hub, path)
        return Workspace(path, hub)
    try:
        write_whole(marker, json.dumps({"hub": hub, "layout": _LAYOUT}))
    except OSError as error:
        cure = "Set TAMIS_HOME to a folder you own."
        raise TamisError(f"cannot be written: {error.strerror}", where=str(path), cure=cure) from error
    return Workspace(path, hub)


def _check(found: dict[str, object], hub: str, path: Path) -> None:
    if found["hub"] != hub:
        raise TamisError(
            f"this workspace belongs to the Hub {found['hub']!r}, not to {hub!r}",
            where=str(path),
            cure="Leave out TAMIS_HOME, or name another place in it.",
        )
    if found["layout"] != _LAYOUT:
        raise TamisError(
            f"this workspace has the layout {found['layout']}, and this version of Tamis works with {_LAYOUT}",
            where=str(path),
            cure="Use the version of Tamis that made it, or name another place in TAMIS_HOME.",
        )


def _note(path: Path) -> dict[str, object]:
    """What a workspace or the last run noted. TamisError if it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TamisError(f"is damaged: {error}", where=str(path), cure="Delete this file and run again.") from error
    assert isinstance(found, dict)
    return found


def _folder_name(hub: str) -> str:
    if hub in (SAMPLE, ONLINE):
        return hub
    return f"{Path(hub).name}-{hashlib.sha256(hub.encode()).hexdigest()[:6]}"


def remember(opened: Workspace) -> None:
    """Note that this is the workspace of the last run, for `last`."""
    write_whole(home() / "last.json", json.dumps({"hub": opened.hub, "path": str(opened.path)}))


def last() -> Workspace | None:
    """The workspace of the last run; None if there was none, or it is gone."""
    note = home() / "last.json"
    if not note.exists():
        return None
    found = _note(note)
    path = Path(str(found["path"]))
    return Workspace(path, str(found["hub"])) if (path / "workspace.json").exists() else None


def current() -> Workspace:
    """The workspace that this process is meant for: `TAMIS_HUB`, else the last run's, else the online Hub's."""
    named = os.environ.get("TAMIS_HUB")
    if named:
        return workspace(named)
    return last() or workspace(ONLINE)
