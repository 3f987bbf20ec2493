"""Builds `.venv` from `requirements.lock`, once: `make` calls this before everything else.

It runs on the system's Python with nothing installed, so it uses the standard library only.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "tamis"
LOG = VENV / "pip.log"
NEEDED = 4 * 10**9
"""Bytes: 2.6 GB were measured on Linux with the CPU build of torch, and pip unpacks beside it."""


def main() -> int:
    """Set up what is missing; 1 and one line on stderr where that cannot be done."""
    wanted = _identity()
    if _is_ready(wanted):
        return 0
    with (ROOT / ".gitignore").open("rb") as lock:  # any file that is always there
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_ready(wanted):
            return 0
        try:
            _build(wanted)
        except _ImpossibleError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nstopped; `make` goes on from here", file=sys.stderr)
            return 130
    return 0


class _ImpossibleError(Exception):
    """What is missing, with the cure."""


def _identity() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in ("requirements.lock", "pyproject.toml", "scripts/environment.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _is_ready(wanted: str) -> bool:
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted


def _build(wanted: str) -> None:
    started = time.monotonic()
    if not _works():
        shutil.rmtree(VENV, ignore_errors=True)
        _check_disk()
        print(f"setting up .venv with Python {sys.version.split()[0]}: once, some minutes", flush=True)
        if subprocess.run(
            [sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False
        ).returncode:
            raise _ImpossibleError(
                f"{sys.executable} cannot make virtual environments. Debian: apt install python3-venv; elsewhere name "
                "another Python: make PYTHON=/path/to/python3"
            )
        _run([sys.executable, "-m", "venv", str(VENV)])
    else:
        print("bringing .venv up to requirements.lock", flush=True)
    pip = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--no-warn-script-location",
    ]
    _run([*pip, "--requirement", "requirements.lock"])
    _run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."])
    STAMP.write_text(wanted, encoding="utf-8")
    print(f"set up in {time.monotonic() - started:.0f} s", flush=True)


def _works() -> bool:
    """Whether the environment is there and was made with this Python."""
    python = VENV / "bin" / "python"
    asked = [str(python), "-c", "import pip, sys; print(sys.version)"]
    if not python.exists():
        return False
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == sys.version.strip()


def _check_disk() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED:
        raise _ImpossibleError(
            f"{free / 1e9:.1f} GB are free in {ROOT}, and {NEEDED / 1e9:.0f} GB are needed. Free some, or clone to "
            "another disk."
        )


def _run(command: list[str]) -> None:
    """Run a step of the set-up; its output goes to the log, and to the error where it fails."""
    VENV.mkdir(exist_ok=True)
    with LOG.open("w", encoding="utf-8") as log:
        failed = subprocess.run(
            command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False, env=_environment()
        ).returncode
    if not failed:
        return
    said = LOG.read_text(encoding="utf-8", errors="replace")
    if "No space left" in said or "Disk quota exceeded" in said:
        raise _ImpossibleError(
            f"the disk is full. Free {NEEDED / 1e9:.0f} GB in {ROOT} (or set TMPDIR), and run again."
        )
    last = next((line for line in reversed(said.splitlines()) if line.startswith("ERROR:")), "pip failed")
    raise _ImpossibleError(
        f"{last.removeprefix('ERROR:').strip()} (all of it: {LOG}). Check the network and run again."
    )


def _environment() -> dict[str, str]:
    """Without what would send packages elsewhere than into `.venv`."""
    return {name: value for name, value in os.environ.items() if name not in ("PIP_TARGET", "PIP_USER", "PYTHONPATH")}


if __name__ == "__main__":
    sys.exit(main())
