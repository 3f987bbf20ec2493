"""`make up`: Dagster's page with its daemon, for daily work on the workspace of this clone's last `make run`.

python -m assets.up
"""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

import psutil

from pipelines import workspace as places
from pipelines.errors import TamisError
from pipelines.opening import served
from pipelines.workspace import ONLINE, ROOT, Workspace

HOST: Final = "127.0.0.1"
DAGSTER_PORT: Final = 3000
_PATIENCE: Final = 15.0
"""Seconds that Dagster's processes get to end by themselves."""


def main() -> int:
    """Serve until Ctrl-C; the exit code is 0, or 1 where it could not start or ended by itself."""
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        opened = _opened()
        log = opened.path / "logs" / "dagster.log"
        with _alone(), served(opened), _dagster(log) as dagster:
            said = False
            while not stop.wait(0.5):
                if dagster.poll() is not None:
                    raise TamisError(f"Dagster ended by itself, with code {dagster.returncode}", cure=f"See {log}.")
                if not said and answers(DAGSTER_PORT):
                    print(f"Dagster  http://{HOST}:{DAGSTER_PORT}  (log: {log}; Ctrl-C stops it)", flush=True)
                    said = True
    except TamisError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("stopped", flush=True)
    return 0


def _opened() -> Workspace:
    """The workspace of the last run, else the online Hub's; says which."""
    last = places.last()
    opened = last or places.workspace(ONLINE)
    which = "this clone's last run" if last else "the online Hub: nothing has been run in this clone yet"
    print(f"workspace {opened.path} ({which})", flush=True)
    return opened


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """The only `make up` of these workspaces, with its port free."""
    with (places.home() / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TamisError("is running already", where="make up", cure="Use its pages, or stop it first.") from error
        refuse_busy(DAGSTER_PORT)
        yield


def refuse_busy(port: int) -> None:
    """Raise TamisError where somebody listens on the port, and say who."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise TamisError(
                f"port {port} is in use{_holder(port)}",
                where="make up",
                cure="Stop that process (an earlier `make up`?), then run again.",
            ) from error


def answers(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _holder(port: int) -> str:
    """` by NAME (process N)`, as far as this user may see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows other processes to root only
        return ""
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            if connection.pid is None:
                return " by another user's process"
            return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


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
