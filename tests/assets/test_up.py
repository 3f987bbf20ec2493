"""`make up` as a process: the pages answer, a busy port is named with its holder, and Ctrl-C ends everything."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from assets.up import ARGILLA_PORT, DAGSTER_PORT
from pipelines.argilla.server import Server
from pipelines.errors import TamisError
from pipelines.ports import HOST, answers, refuse_busy
from pipelines.workspace import ROOT, remember, workspace

COMMAND = [sys.executable, "-u", "-m", "assets.up"]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of a clone whose last run was on a folder's Hub."""
    if answers(DAGSTER_PORT):
        pytest.skip(f"port {DAGSTER_PORT} is in use on this machine, and `make up` has no other")
    monkeypatch.setenv("TAMIS_HOME", str(tmp_path / "tamis"))
    hub = tmp_path / "hub"
    (hub / "org" / "name").mkdir(parents=True)
    (hub / "org" / "name" / "data.jsonl").write_text("{}\n")
    remember(workspace(str(hub)))
    return dict(os.environ)


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_busy_port_is_named_with_its_holder(listener: int) -> None:
    with pytest.raises(TamisError, match=rf"port {listener} is in use by .*\(process {os.getpid()}\)"):
        refuse_busy(listener, "make up")


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def end(process: subprocess.Popen[str]) -> None:
    """Ask first: only then does it end what it started."""
    process.terminate()
    try:
        process.wait(60)
    finally:
        process.kill()


def wait_for_page(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not answers(DAGSTER_PORT):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)


def test_the_page_is_served_and_ctrl_c_ends_all_of_it(environment: dict[str, str], argilla_server: Server) -> None:
    """With a named Argilla, since to start one takes long."""
    environment |= {"ARGILLA_API_URL": argilla_server.url, "ARGILLA_API_KEY": argilla_server.api_key}
    process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        wait_for_page(process)
        with urllib.request.urlopen(f"http://{HOST}:{DAGSTER_PORT}/server_info") as answer:
            assert answer.status == 200
        second = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert (second.returncode, "is running already" in second.stderr) == (1, True)
        children = descendants(process)
        assert children
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        end(process)
    assert process.returncode == 0
    assert said.splitlines()[0].endswith("(this clone's last run)")
    assert f"Argilla  {argilla_server.url}  user owner" in said and "that ARGILLA_API_URL names" in said
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert not answers(DAGSTER_PORT)


@pytest.mark.slow
def test_argilla_is_started_with_it_and_ends_with_it(environment: dict[str, str]) -> None:
    for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY", "ARGILLA_REDIS_URL"):
        environment.pop(name, None)
    passwords = []
    for _ in range(2):
        process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            said = ""
            while "Dagster" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            assert f"Argilla  http://{HOST}:{ARGILLA_PORT}  user owner" in said
            passwords += re.findall(r"password (\S+)", said)
            with urllib.request.urlopen(f"http://{HOST}:{ARGILLA_PORT}/") as answer:
                assert b"<title>Argilla</title>" in answer.read()
            children = descendants(process)
            with pytest.raises(TamisError, match=rf"port {ARGILLA_PORT} is in use by"):
                refuse_busy(ARGILLA_PORT, "make up")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=90)
        finally:
            end(process)
        assert process.returncode == 0
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []
        assert not answers(ARGILLA_PORT)
    assert len(passwords) == 1
