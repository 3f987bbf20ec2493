"""`make up`: Dagster's page with its daemon, and Argilla, for daily work on the workspace of this clone's last
`make run`.

python -m assets.up
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

from pipelines import workspace as places
from pipelines.argilla.server import Server, running
from pipelines.errors import TamisError
from pipelines.opening import served
from pipelines.ports import HOST, answers, refuse_busy
from pipelines.workspace import ONLINE, ROOT, Workspace

DAGSTER_PORT: Final = 3000
ARGILLA_PORT: Final = 6900
_PATIENCE: Final = 15.0
"""Seconds that Dagster's processes get to end by themselves."""


def main() -> int:
    """Serve until Ctrl-C; the exit code is 0, or 1 where it could not start or ended by itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_once)
    try:
        opened = _opened()
        log = opened.path / "logs" / "dagster.log"
        with _alone(), served(opened), _dagster(log) as dagster, running(opened, ARGILLA_PORT, _say) as argilla:
            _introduce(argilla)
            said = False
            while True:
                if dagster.poll() is not None:
                    raise TamisError(f"Dagster ended by itself, with code {dagster.returncode}", cure=f"See {log}.")
                if not said and answers(DAGSTER_PORT):
                    _say(f"Dagster  http://{HOST}:{DAGSTER_PORT}  (log: {log}; Ctrl-C stops both)")
                    said = True
                time.sleep(0.5)
    except TamisError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("stopped")
    return 0


def _end_once(number: int, frame: FrameType | None) -> None:
    """Leave every block, wherever the signal came; another one does not disturb that."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, flush=True)


def _introduce(argilla: Server) -> None:
    """Where Argilla answers and who may enter: the password once, later where it is kept."""
    _say(f"Argilla  {argilla.url}  user {argilla.username}")
    if argilla.credentials is None or argilla.annotator is None:
        _say("  the server that ARGILLA_API_URL names")
        return
    password = argilla.password_once()
    if password is not None:
        _say(f"  password {password}  (shown this once)")
    _say(f"  passwords of {argilla.username} and {argilla.annotator.username}: {argilla.credentials}")


def _opened() -> Workspace:
    """The workspace of the last run, else the online Hub's; says which."""
    last = places.last()
    opened = last or places.workspace(ONLINE)
    which = "this clone's last run" if last else "the online Hub: nothing has been run in this clone yet"
    _say(f"workspace {opened.path} ({which})")
    return opened


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """The only `make up` of these workspaces, with its ports free."""
    with (places.home() / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TamisError("is running already", where="make up", cure="Use its pages, or stop it first.") from error
        refuse_busy(DAGSTER_PORT, "make up")
        yield


@contextlib.contextmanager
def _dagster(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's page and daemon, in a process group of their own, which ends with the block."""
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "dagster", "dev", "--host", HOST, "--port", str(DAGSTER_PORT)]
    # Dagster prefers `.env`, which asks for PWD, to what the environment says.
    environment = os.environ | {"PWD": str(ROOT)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, then insist."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            continue
        break
    with contextlib.suppress(ProcessLookupError):  # what the leader left behind
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
