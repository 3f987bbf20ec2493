"""The process over the embedded Argilla's processes: it starts them, and ends them with their last user.

Every user holds a shared lock on `users.lock`, which the kernel takes from a user that dies however it dies. So the
server of two users stays when one leaves, and none outlives its users.

python -m pipelines.argilla.supervisor FOLDER FD PORT
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import psutil

from pipelines.argilla.credentials import read
from pipelines.argilla.http import is_up
from pipelines.argilla.place import Place, redis_server, server_python
from pipelines.errors import TamisError
from pipelines.files import write_whole
from pipelines.locks import hold_if_free
from pipelines.ports import HOST
from pipelines.workspace import ROOT

_POLL: Final = 0.3
_PATIENCE: Final = 10.0
"""Seconds that a process gets to end by itself."""
_SOON: Final = 30.0
"""Seconds of life below which a process that ended is not started again: it would end again."""


@dataclass
class _Child:
    """One process, and how it is started."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    passed: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=self.passed,
            )
        self.started = time.monotonic()


def main() -> int:
    """Supervise until told to end, or until nobody uses the server; 1 where a process cannot be kept running."""
    folder, fd, port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    place = Place(folder)
    with hold_if_free(place.supervisor_lock, "Argilla's supervisor") as mine:
        if not mine:
            return 1
        with place.users_lock.open("a") as users, _redis_folder() as scratch:
            children = _children(place, fd, f"http://{HOST}:{port}", scratch)
            try:
                _supervise(place, children, f"http://{HOST}:{port}", lambda: stop.wait(_POLL) or _unused(users))
            except TamisError as error:
                print(f"error: {error}", file=sys.stderr)
                return 1
            finally:
                _end(children)
                place.state.unlink(missing_ok=True)
    return 0


@contextlib.contextmanager
def _redis_folder() -> Iterator[Path]:
    """A folder for Redis's socket, whose path may have 100 bytes only; nobody else may enter it."""
    with tempfile.TemporaryDirectory(prefix="tamis-argilla-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _unused(users: object) -> bool:
    """Whether nobody holds the users' lock; then it is held until this process ends, so that who comes waits."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except BlockingIOError:
        return False
    return True


def _children(place: Place, fd: int, url: str, scratch: Path) -> list[_Child]:
    """Redis unless one is named, the server, and its worker, in the order of their start."""
    python = str(server_python())
    named = os.environ.get("ARGILLA_REDIS_URL")
    socket = scratch / "redis.sock"
    environment = _environment(place, url, named or f"unix://{socket}")
    serve = ["-m", "pipelines.argilla.engine.serve", "--fd", str(fd), "--credentials", str(place.credentials)]
    children = [
        _Child("server", [python, *serve], environment, place.log("server"), (fd,)),
        _Child("worker", [python, "-m", "pipelines.argilla.engine.worker"], environment, place.log("worker")),
    ]
    if named:
        return children
    place.redis.mkdir(exist_ok=True)
    loopback = ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "600"]
    stored = ["--dir", str(place.redis), "--appendonly", "yes", "--save", ""]
    return [_Child("redis", [str(redis_server()), *loopback, *stored], environment, place.log("redis")), *children]


def _environment(place: Place, url: str, redis: str) -> dict[str, str]:
    """Of the server's processes: nothing of the user's that would send them elsewhere, and no word to the network."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ARGILLA_", "HF_", "HUGGING_FACE_", "PYTHON"))
    }
    return kept | {
        "ARGILLA_HOME_PATH": str(place.folder),
        "ARGILLA_SEARCH_ENGINE": "sqlite",
        "ARGILLA_REDIS_URL": redis,
        "ARGILLA_CORS_ORIGINS": json.dumps([url]),
        "ARGILLA_AUTH_SECRET_KEY": read(place.credentials).secret,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "OPENBLAS_NUM_THREADS": "1",  # similarity at 10,000 took a quarter of the time of two threads
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }


def _supervise(place: Place, children: list[_Child], url: str, over: Callable[[], bool | None]) -> None:
    """Start the children and keep them running until it is over. TamisError where one ends soon after its start."""
    waiting = children.copy()
    while True:
        if waiting and (waiting[0].name != "worker" or is_up(url)):  # the worker would only slow the server's start
            waiting.pop(0).start()
            _note(place, url, children)
            continue
        if over():
            return
        for child in children:
            if child.process is None or child.process.poll() is None:
                continue
            if time.monotonic() - child.started < _SOON:
                code = child.process.returncode
                raise TamisError(f"Argilla's {child.name} ended with code {code}", cure=f"See {child.log}.")
            child.start()
            _note(place, url, children)


def _note(place: Place, url: str, children: list[_Child]) -> None:
    """Where it answers, and which processes belong to it: for who comes later, and for who finds them orphaned."""
    pids = [os.getpid(), *(child.process.pid for child in children if child.process is not None)]
    known = {}
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            known[pid] = psutil.Process(pid).create_time()
    write_whole(place.state, json.dumps({"url": url, "processes": known}))


def _end(children: list[_Child]) -> None:
    """Ask the children to end, the last started first and Redis after those who use it; then insist."""
    below = psutil.Process().children(recursive=True)
    for child in reversed(children):
        if child.process is None:
            continue
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
        try:
            child.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
    for process in below:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


if __name__ == "__main__":
    sys.exit(main())
