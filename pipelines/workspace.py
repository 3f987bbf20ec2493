"""Where things lie: one folder for each Hub, with its lake, snapshots, instance, exports, models and locks.

A workspace belongs to one Hub and refuses another, because caches, sides and verdicts of sample rows must
never meet real ones. A process works in one workspace: the Hub's libraries freeze their endpoint and caches
at import, so `activate` comes first.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.errors import TamisError

ROOT: Final = Path(__file__).resolve().parent.parent
"""The clone: recipes, `lake.yaml` and `dagster.yaml` lie here."""

SAMPLE: Final = "sample"
ONLINE: Final = "online"

_HIDDEN: Final = "TAMIS_HIDDEN"
_OF_THE_HUB: Final = ("HF_", "HUGGING_FACE_")

_LAYOUT: Final = 1
_POLL_S: Final = 0.2


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

    @contextlib.contextmanager
    def lock(self, name: str, purpose: str, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the lock `name` (a source, or "lake"); waits while another process holds it.

        `on_wait` is told once whom it waits for. A holder that dies leaves no lock, since the kernel frees it.
        Reentrant within a thread.
        """
        folder = self.path / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        held = _HELD.setdefault(threading.get_ident(), {})
        if path in held:
            held[path] += 1
            try:
                yield
            finally:
                held[path] -= 1
            return
        with path.open("a+", encoding="utf-8") as file:
            _acquire(file.fileno(), path, on_wait)
            file.truncate(0)
            file.write(f"{purpose} (process {os.getpid()})")
            file.flush()
            held[path] = 1
            try:
                yield
            finally:
                del held[path]
                file.truncate(0)
                fcntl.flock(file, fcntl.LOCK_UN)


_HELD: Final[dict[int, dict[Path, int]]] = {}


def _acquire(descriptor: int, path: Path, on_wait: Callable[[str], None] | None) -> None:
    told = on_wait is None
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = path.read_text(encoding="utf-8")
            if not told and on_wait is not None and holder:
                on_wait(f"waiting for {holder} to release {path.name}")
                told = True
            time.sleep(_POLL_S)


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
        found = json.loads(marker.read_text(encoding="utf-8"))
        if found["hub"] != hub:
            raise TamisError(
                f"this workspace belongs to the Hub {found['hub']!r}, not to {hub!r}",
                where=str(path),
                cure="Leave out TAMIS_HOME, or name another place in it.",
            )
    else:
        try:
            path.mkdir(parents=True, exist_ok=True)
            _replace(marker, json.dumps({"hub": hub, "layout": _LAYOUT}))
        except OSError as error:
            raise TamisError(
                f"cannot be written: {error.strerror}", where=str(path), cure="Set TAMIS_HOME to a folder you own."
            ) from error
    return Workspace(path, hub)


def _folder_name(hub: str) -> str:
    if hub in (SAMPLE, ONLINE):
        return hub
    return f"{Path(hub).name}-{hashlib.sha256(hub.encode()).hexdigest()[:6]}"


def remember(opened: Workspace) -> None:
    """Note that this is the workspace of the last run, for `last`."""
    _replace(home() / "last.json", json.dumps({"hub": opened.hub, "path": str(opened.path)}))


def last() -> Workspace | None:
    """The workspace of the last run; None if there was none, or it is gone."""
    note = home() / "last.json"
    if not note.exists():
        return None
    found: Mapping[str, str] = json.loads(note.read_text(encoding="utf-8"))
    path = Path(found["path"])
    return Workspace(path, found["hub"]) if (path / "workspace.json").exists() else None


def current() -> Workspace:
    """The workspace that this process is meant for: `TAMIS_HUB`, else the last run's, else the online Hub's."""
    named = os.environ.get("TAMIS_HUB")
    if named:
        return workspace(named)
    return last() or workspace(ONLINE)


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)
