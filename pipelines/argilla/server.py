"""Argilla for as long as it is needed: `with running(workspace) as server`.

The embedded one is shared by all processes that use a workspace, on this machine: the first starts it, the last ends
it, and one that is killed leaves nothing that the next start does not clear away.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

import psutil

from pipelines.argilla import credentials
from pipelines.argilla.credentials import Account, Credentials
from pipelines.argilla.http import is_up, user
from pipelines.argilla.place import Place, redis_server, server_python
from pipelines.errors import TamisError, writing
from pipelines.locks import Tell, hold, hold_if_free
from pipelines.ports import listening
from pipelines.workspace import ROOT, Workspace

START_LIMIT: Final = 180.0
"""Seconds in which it must answer, or write that it goes on: 6 were measured, most of them for imports."""
_END_LIMIT: Final = 40.0
_POLL: Final = 0.2
_TAIL: Final = 5
"""Lines of a log that an error tells."""


@dataclass(frozen=True)
class Server:
    """An Argilla that answers. `annotator` and `credentials` are the embedded one's, else None."""

    url: str
    api_key: str = field(repr=False)
    username: str
    annotator: Account | None = None
    credentials: Path | None = None

    def password_once(self) -> str | None:
        """The owner's password, the first time that anybody asks; None later, and for a server that was named."""
        if self.credentials is None:
            return None
        known = credentials.read(self.credentials)
        if known.shown:
            return None
        credentials.note_shown(self.credentials)
        return known.owner.password


@contextlib.contextmanager
def running(workspace: Workspace, port: int = 0, tell: Tell | None = None) -> Iterator[Server]:
    """The server of `ARGILLA_API_URL` with `ARGILLA_API_KEY`; where they are not set, the workspace's embedded one.

    The embedded one listens on loopback, on `port` (0: a free one) unless it runs already; then it is used where it
    is. It ends when nobody uses it any more. `tell` hears what is waited for. TamisError where the named server does
    not answer, the port is taken, the environment is not set up, or the server does not start.
    """
    named = os.environ.get("ARGILLA_API_URL")
    if named:
        yield _named(named.rstrip("/"))
        return
    place = Place(workspace.argilla)
    with _member(place) as users:
        try:
            with hold(place.start_lock, "who starts Argilla", tell):
                known = credentials.ensure(place.credentials)
                url = _joined(place, known) or _started(place, known, port, tell)
            yield Server(url, known.owner.api_key, known.owner.username, known.annotator, place.credentials)
        finally:
            _leave(place, users)


def found(workspace: Workspace) -> Server | None:
    """The server that `running` would use and not start; None where nobody runs the embedded one.

    TamisError where the named server does not answer.
    """
    named = os.environ.get("ARGILLA_API_URL")
    if named:
        return _named(named.rstrip("/"))
    place = Place(workspace.argilla)
    with contextlib.suppress(FileNotFoundError):
        url = str(json.loads(place.state.read_text(encoding="utf-8"))["url"])
        if is_up(url):
            known = credentials.read(place.credentials)
            return Server(url, known.owner.api_key, known.owner.username, known.annotator, place.credentials)
    return None


def _named(url: str) -> Server:
    key = os.environ.get("ARGILLA_API_KEY")
    if not key:
        raise TamisError(
            "ARGILLA_API_KEY is not set", where=f"Argilla at {url}", cure="Set it to a key of that server."
        )
    return Server(url, key, user(url, key))


@contextlib.contextmanager
def _member(place: Place) -> Iterator[TextIO]:
    """Be one of the server's users: while anybody is, it stays."""
    with writing(place.folder):
        place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.log("server").parent.mkdir(exist_ok=True)
    with place.users_lock.open("a", encoding="utf-8") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a server that is ending
        yield users


def _joined(place: Place, known: Credentials) -> str | None:
    """The address of the server that runs already; None where there is none, and nothing of it is left."""
    with hold_if_free(place.supervisor_lock, "who looks for Argilla") as free:
        if free:
            _clear(place)
            return None
    return _answering(place, known)


def _answering(place: Place, known: Credentials, supervisor: subprocess.Popen[bytes] | None = None) -> str:
    """Wait until the server answers to its owner, and say where: START_LIMIT after it last wrote to its log at most.

    TamisError if it does not, or if the supervisor, where it is ours, ended.
    """
    log, began = place.log("server"), time.time()
    while time.time() < max(began, log.stat().st_mtime) + START_LIMIT:
        url = _noted(place).url
        if url and is_up(url):
            user(url, known.owner.api_key)
            return url
        if supervisor is not None and supervisor.poll() is not None:
            raise TamisError(f"did not start: {_tail(place)}", where="Argilla", cure=f"See {log}.")
        time.sleep(_POLL)
    raise TamisError(
        f"has not answered for {START_LIMIT:.0f} s: {_tail(place)}",
        where="Argilla",
        cure=f"See {log}; stop whoever uses it (`make up`?), then run again.",
    )


@dataclass(frozen=True)
class _Note:
    """What the supervisor noted: where the server answers, and when its processes started, its own first."""

    url: str = ""
    processes: dict[int, float] = field(default_factory=dict)


def _noted(place: Place) -> _Note:
    """Empty where nothing runs."""
    try:
        found = json.loads(place.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _Note()
    return _Note(str(found["url"]), {int(pid): float(started) for pid, started in found["processes"].items()})


def _clear(place: Place) -> None:
    """End what a killed supervisor left, told from strangers by when they started."""
    for pid, started in _noted(place).processes.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if abs(process.create_time() - started) < 1:
                for one in [*process.children(recursive=True), process]:
                    one.kill()
                process.wait(_END_LIMIT)
    place.state.unlink(missing_ok=True)


def _started(place: Place, known: Credentials, port: int, tell: Tell | None) -> str:
    """Start the server, wait until it answers, and say where."""
    server_python()
    if not os.environ.get("ARGILLA_REDIS_URL"):
        redis_server()
    for name in ("redis", "server", "worker", "supervisor"):
        place.log(name).write_bytes(b"")
    if tell is not None:
        tell(f"starting Argilla (log: {place.log('server')})")
    with listening(port, "Argilla") as listener, place.log("supervisor").open("ab") as output:
        fd, bound = listener.fileno(), listener.getsockname()[1]
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "pipelines.argilla.supervisor", str(place.folder), str(fd), str(bound)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(fd,),
        )
    return _answering(place, known, supervisor)


def _leave(place: Place, users: TextIO) -> None:
    """Stop using the server; the last user ends it, and waits until it is gone."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    processes = list(_noted(place).processes)
    if not processes:
        return
    deadline = time.monotonic() + _END_LIMIT
    with contextlib.suppress(ProcessLookupError):
        os.kill(processes[0], signal.SIGTERM)  # the supervisor
    while time.monotonic() < deadline:
        with hold_if_free(place.supervisor_lock, "who ends Argilla") as free:
            if free:
                break
        time.sleep(_POLL)
    with hold_if_free(place.supervisor_lock, "who ends Argilla"):
        _clear(place)


def _tail(place: Place) -> str:
    """The last lines of the logs that say anything."""
    lines: list[str] = []
    for name in ("redis", "worker", "server", "supervisor"):
        said = place.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        lines.extend(line.strip() for line in said[-_TAIL:] if line.strip())
    return " / ".join(lines[-_TAIL:]) or "its logs are empty"
