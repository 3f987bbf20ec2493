import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hub_faults import unreachable

from pipelines import doctor
from pipelines.errors import TamisError
from pipelines.recipe import Unreadable
from pipelines.sample_hub.server import serve
from pipelines.workspace import ROOT, Workspace, workspace


@contextmanager
def answering(status: int, body: object) -> Iterator[int]:
    """A server on loopback that gives every request one answer; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_says_some_ten_lines_and_never_a_token(place: Workspace) -> None:
    secrets = {"HF_TOKEN": "hf_secret", "ARGILLA_API_KEY": "argilla_secret", "HF_ENDPOINT": unreachable()}
    # In a process of its own, since to ask for the token is to import a Hub library, which freezes the endpoint.
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "doctor", "--hub", "online"],
        cwd=ROOT,
        env=os.environ | secrets,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert 8 <= len(lines) <= 12
    assert all(line.split()[0] in ("OK", "WARN", "FAIL") for line in lines)
    assert "secret" not in done.stdout + done.stderr
    assert any(line.startswith("OK    token") for line in lines)
    assert any(line.startswith("FAIL  Hub") and "Check the network" in line for line in lines)
    assert (done.returncode, done.stderr) == (1, ""), "a line says FAIL"


def test_a_loopback_workspace_asks_for_no_token(place: Workspace) -> None:
    finding = doctor._token(place)
    assert (finding.word, finding.found) == ("OK", "not used: a Hub on loopback never gets yours")


@pytest.mark.parametrize(("free", "word"), [(10**8, "FAIL"), (5 * 10**9, "WARN"), (10**11, "OK")])
def test_a_disk_is_judged_by_what_is_free(free: int, word: str, tmp_path: Path) -> None:
    assert doctor.disk(free, tmp_path).word == word


def test_a_hub_is_asked(tmp_path: Path) -> None:
    with serve(tmp_path) as endpoint:
        assert doctor.reachable(endpoint).word == "OK"
    with answering(503, {}) as port:
        assert doctor.reachable(f"http://127.0.0.1:{port}").word == "WARN"
    assert doctor.reachable(unreachable()).word == "FAIL"


def test_a_folder_that_is_gone_is_told(place: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    opened = workspace(str(folder))
    assert doctor._hub(opened).word == "OK"
    folder.rmdir()
    opened.lake.mkdir()
    assert doctor._hub(opened).word == "FAIL"


def test_the_pages_port_is_free_or_its_holder_is_told() -> None:
    port = int(unreachable().rsplit(":", 1)[1])
    assert doctor.page(port).found.startswith(f"port {port} is free")
    with answering(200, {"dagster_version": "1.13.27"}) as port:
        assert doctor.page(port) == doctor.Finding("OK", "page", f"Dagster 1.13.27 is open at http://127.0.0.1:{port}")
    with answering(200, ["another"]) as port:
        assert doctor.page(port).word == "WARN"


def test_argilla_is_asked_where_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARGILLA_API_URL", raising=False)
    monkeypatch.setattr(doctor, "ENVIRONMENT", Path(sys.prefix))
    assert "embedded" in doctor._argilla().found
    monkeypatch.setattr(doctor, "ENVIRONMENT", Path("/nowhere"))
    assert doctor._argilla().cure == "Run `make environment`."
    with answering(200, {"version": "2.8.0"}) as port:
        monkeypatch.setenv("ARGILLA_API_URL", f"http://127.0.0.1:{port}/")
        monkeypatch.delenv("ARGILLA_API_KEY", raising=False)
        assert doctor._argilla().cure == "Set ARGILLA_API_KEY to a key of it."
        monkeypatch.setenv("ARGILLA_API_KEY", "secret")
        found = doctor._argilla()
        assert (found.word, "2.8.0" in found.found, "secret" in str(found)) == ("OK", True, False)
    monkeypatch.setenv("ARGILLA_API_URL", unreachable())
    assert doctor._argilla().word == "WARN"


def test_versions_are_compared_with_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    assert doctor._versions(lock).word == "WARN"
    installed = {name: doctor._installed(name) for name in doctor._MAIN}
    lines = [f"{name}=={(number or '').partition('+')[0]}" for name, number in installed.items()]
    lock.write_text("\n".join(lines), encoding="utf-8")
    assert doctor._versions(lock).word == "OK"
    lock.write_text("\n".join(lines).replace("polars==", "polars==9"), encoding="utf-8")
    found = doctor._versions(lock)
    assert found.word == "FAIL"
    assert found.found == f"polars {installed['polars']} (the lock has 9{installed['polars']})"


def test_an_unreadable_recipe_fails_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Unreadable(TamisError("rulez: is not a key here", where="recipes/mine.yaml:3"))
    monkeypatch.setattr(doctor, "recipes_now", lambda: {"mine": broken})
    found = doctor._files()
    assert (found.word, found.found) == ("FAIL", "recipes/mine.yaml:3: rulez: is not a key here")


def test_another_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Version(tuple[int, ...]):
        major, minor, micro = 3, 9, 1

    assert doctor._python().word == "OK"
    monkeypatch.setattr(sys, "version_info", Version((3, 9, 1)))
    assert doctor._python().word == "FAIL"
