"""A Hub that refuses, breaks off, lies, or is not there."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from pathlib import Path

import pytest
from hub_faults import Requests, corrupting, refusing, stalling, truncating, unreachable
from hub_repositories import make, parquet, settings, write
from hub_switch import CACHE, ENVIRONMENT, serving
from huggingface_hub import constants

from pipelines.errors import TamisError
from pipelines.hub import Absent, Hub, Unreachable, Wanted, downloads, errors
from pipelines.workspace import ROOT

MAIN = Wanted("main", ("train", "test"))
FILES = Wanted("main", ("train",), {"train": "main/train-*.parquet"})
SECOND = "train-00001-of-00002.parquet"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.rmtree(CACHE, ignore_errors=True)
    return tmp_path / "hub"


@pytest.fixture
def repo() -> str:
    return f"org/set-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before each further attempt, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(errors, "_pause", waited.append)
    return waited


def hub() -> Hub:
    return Hub(None, CACHE, online=True)


def leftovers() -> list[Path]:
    return [path for path in CACHE.rglob("*") if path.is_file() and path.suffix in {".incomplete", ".tamis-part"}]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_gated_repository_names_the_page_where_to_ask(folder, repo):
    settings(make(folder, repo), gated=True)
    with serving(folder):
        assert hub().revision(repo)
        for wanted in (MAIN, FILES):
            with pytest.raises(TamisError, match=rf"is gated.*/datasets/{repo}.*HF_TOKEN"):
                hub().snapshot(repo, [wanted])


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (401, {"X-Error-Code": "RepoNotFound"}, r"is not there, or is private.*HF_TOKEN"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, r"refuses the token.*HF_TOKEN"),
        (403, {}, r"forbids access.*HF_TOKEN"),
        (418, {}, r"answers 418"),
    ],
)
def test_what_does_not_pass_is_told_at_once(folder, repo, waits, status, headers, error):
    make(folder, repo)
    with serving(folder, refusing(99, status, headers=headers)), pytest.raises(TamisError, match=error) as refused:
        hub().snapshot(repo, [MAIN])
    assert not isinstance(refused.value, Absent | Unreachable)
    assert repo in str(refused.value)
    assert waits == []


def test_429_waits_as_long_as_the_hub_asks(folder, repo, waits):
    make(folder, repo)
    with serving(folder, refusing(1, 429, headers={"Retry-After": "7"})):
        assert hub().revision(repo)
    assert waits == [7.0]


def test_a_wait_of_an_hour_is_told_instead(folder, repo, waits):
    make(folder, repo)
    limit = refusing(99, 429, headers={"Retry-After": "3600"})
    with serving(folder, limit), pytest.raises(Unreachable, match="limit of requests"):
        hub().revision(repo)
    assert waits == []


@pytest.mark.parametrize("where", ["/api/", "/tree/", "/resolve/"])
def test_503_then_success(folder, repo, waits, where):
    make(folder, repo)
    with serving(folder, refusing(2, 503, where=where)):
        assert len(hub().snapshot(repo, [FILES]).files) == 2


@pytest.mark.parametrize("where", ["/api/", "/resolve/"])
def test_503_for_ever_is_told_after_some_attempts(folder, repo, waits, where):
    make(folder, repo)
    with serving(folder, refusing(9999, 503, where=where)), pytest.raises(Unreachable, match=r"answers 503.*Run again"):
        hub().snapshot(repo, [FILES])
    assert set(waits) == set(errors.WAITS)
    assert len(waits) <= 5 * 2, "both downloads may have tried, but nobody tried beside them"


# --- downloads ------------------------------------------------------------------------------------------------------


def test_a_download_that_breaks_off_is_resumed(folder, repo, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1 << 14)
    root = make(folder, repo, rows=20_000)
    seen = Requests()
    with serving(folder, truncating(1, 100_000, where=SECOND), seen.wrap):
        pulled = hub().snapshot(repo, [FILES])
    assert pulled.files[1].local.read_bytes() == (root / pulled.files[1].path).read_bytes()
    bodies = [status for verb, path, status, _ in seen.seen if verb == "GET" and path.endswith(SECOND)]
    assert bodies == [200, 206], "the second request asks for the rest only"
    assert leftovers() == []


def test_what_a_killed_run_had_fetched_is_not_fetched_again(folder, repo):
    root = make(folder, repo, rows=200_000)
    size = (root / "main" / SECOND).stat().st_size
    script = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from pipelines.hub import Hub, Wanted
        def progress(path, done, total):
            if done > 1_000_000:
                os._exit(9)
        wanted = Wanted("main", ("train",), {"train": "main/train-00001*"})
        from huggingface_hub import constants
        constants.DOWNLOAD_CHUNK_SIZE = 1 << 16
        Hub(None, Path(os.environ["HF_HUB_CACHE"]), online=True).snapshot(sys.argv[1], [wanted], progress=progress)
        """)
    seen = Requests()
    with serving(folder, seen.wrap):
        killed = subprocess.run(
            [sys.executable, "-c", script, repo], env=os.environ | ENVIRONMENT, cwd=ROOT, check=False, timeout=60
        )
        assert killed.returncode == 9
        assert len(leftovers()) == 1
        fetched: list[int] = []
        pulled = hub().snapshot(repo, [FILES], progress=lambda path, done, total: fetched.append(done))
    statuses = [status for verb, path, status, _ in seen.seen if verb == "GET" and path.endswith(SECOND)]
    assert statuses == [200, 206]
    assert fetched[-1] < size * 2 - 900_000
    assert pulled.files[1].local.read_bytes() == (root / "main" / SECOND).read_bytes()
    assert leftovers() == []


def test_a_damaged_download_is_fetched_again(folder, repo):
    root = make(folder, repo)
    with serving(folder, corrupting(1, where=SECOND)):
        pulled = hub().snapshot(repo, [FILES])
    assert pulled.files[1].local.read_bytes() == (root / "main" / SECOND).read_bytes()


def test_a_hub_that_serves_other_content_than_it_lists_is_found_out(folder, repo):
    make(folder, repo)
    with (
        serving(folder, corrupting(99, where=SECOND)),
        pytest.raises(TamisError, match=rf"{SECOND} came damaged twice"),
    ):
        hub().snapshot(repo, [FILES])
    assert [path for path in CACHE.rglob(SECOND) if path.exists()] == []
    with serving(folder):
        assert len(hub().snapshot(repo, [FILES]).files) == 2


def test_a_file_that_was_damaged_on_this_disk_is_fetched_again(folder, repo):
    root = make(folder, repo)
    with serving(folder):
        pulled = hub().snapshot(repo, [FILES])
        pulled.files[0].local.resolve().write_bytes(b"damaged")
        assert hub().snapshot(repo, [FILES]) == pulled
    assert pulled.files[0].local.read_bytes() == (root / pulled.files[0].path).read_bytes()


def test_the_first_failure_ends_the_other_downloads(folder, repo, waits, monkeypatch):
    make(folder, repo, rows=2_000_000)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 2)
    started = time.monotonic()
    with (
        serving(folder, stalling(where="train-00000-of-00002", after=1 << 20), refusing(99, 418, where=SECOND)),
        pytest.raises(TamisError, match="answers 418"),
    ):
        hub().snapshot(repo, [FILES])
    assert time.monotonic() - started < 8, "one time-out of the library, and none of its attempts after it"
    assert [thread for thread in threading.enumerate() if thread.name.startswith("hub")] == []


def test_ctrl_c_stops_the_downloads(folder, repo):
    make(folder, repo, rows=2_000_000)
    script = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from pipelines.hub import Hub, Wanted
        wanted = Wanted("main", ("train",), {"train": "main/train-*"})
        try:
            Hub(None, Path(os.environ["HF_HUB_CACHE"]), online=True).snapshot(
                sys.argv[1], [wanted], progress=lambda *_: print("bytes", flush=True))
        except KeyboardInterrupt:
            print("stopped")
        """)
    with serving(folder, refusing(9999, 503, where="train-00000"), stalling(where=SECOND, after=11 << 20)):
        child = subprocess.Popen(
            [sys.executable, "-c", script, repo], cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env=os.environ | ENVIRONMENT | {"HF_HUB_DOWNLOAD_TIMEOUT": "2"},
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "bytes\n"
        started = time.monotonic()
        child.send_signal(signal.SIGINT)
        rest, _ = child.communicate(timeout=30)
    assert rest.split()[-1] == "stopped"
    assert time.monotonic() - started < 8


# --- disks ----------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(folder, repo, monkeypatch):
    make(folder, repo)
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage._replace(free=100))
    seen = Requests()
    needed = sum(path.stat().st_size for path in (folder / repo / "main").glob("train-*"))
    with serving(folder, seen.wrap), pytest.raises(TamisError, match=rf"no space.*{needed:,} bytes.*TAMIS_HOME"):
        hub().snapshot(repo, [FILES])
    assert not [path for path in seen.paths() if "/resolve/" in path]


def test_a_disk_that_runs_full_is_told_with_its_place(folder, repo, monkeypatch):
    make(folder, repo)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "http_get", full)
    told = rf"no space is left on the disk of {re.escape(str(CACHE))}.*TAMIS_HOME"
    with serving(folder), pytest.raises(TamisError, match=told):
        hub().snapshot(repo, [FILES])


# --- no Hub ---------------------------------------------------------------------------------------------------------


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        env=os.environ | ENVIRONMENT | environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_an_unreachable_hub_is_told_fast(tmp_path):
    script = """
        import os, time
        from pathlib import Path
        from pipelines.hub import Hub, Unreachable, Wanted
        hub = Hub(None, Path(os.environ["HF_HUB_CACHE"]), online=True)
        started = time.monotonic()
        for ask in (lambda: hub.revision("a/b"), lambda: hub.snapshot("a/b", [Wanted(None, ("train",))])):
            try:
                ask()
            except Unreachable as error:
                print(error)
        assert time.monotonic() - started < 8
        """
    done = run(script, HF_ENDPOINT=unreachable(), HF_HUB_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"a/b \(http://127.*cannot be reached.*Check the network", done.stdout)) == 2
    assert "Traceback" not in done.stderr


# --- the user's own token and caches --------------------------------------------------------------------------------


@pytest.mark.parametrize("online", [True, False])
def test_a_hub_on_loopback_never_sees_the_users_token(folder, repo, tmp_path, online):
    make(folder, repo)
    home = tmp_path / "home"
    write(home / ".cache/huggingface/token", "hf_of_the_user")
    write(home / ".netrc", "machine 127.0.0.1 login user password secret\n").chmod(0o600)
    script = """
        import os, sys
        from pathlib import Path
        from pipelines.hub import Hub, Wanted
        hub = Hub(None, Path(os.environ["HF_HUB_CACHE"]), online=sys.argv[2] == "True")
        print(len(hub.snapshot(sys.argv[1], [Wanted("main", ("train", "test"))]).files))
        """
    seen = Requests()
    with serving(folder, seen.wrap) as endpoint:
        done = run(
            script, repo, str(online), HOME=str(home), HF_HOME=str(home / ".cache/huggingface"),
            HF_TOKEN="hf_of_the_shell", HF_ENDPOINT=endpoint, HF_HUB_CACHE=str(tmp_path / "cache"),
        )  # fmt: skip
    assert done.stdout == "3\n", done.stderr
    assert {token for *_, token in seen.seen} == {None}


def test_no_row_of_a_loopback_hub_reaches_the_users_caches(folder, repo, tmp_path):
    """A snapshot and `load_dataset` in the environment of a workspace write nothing below the home folder."""
    make(folder, repo)
    home = tmp_path / "home"
    home.mkdir()
    script = """
        import os, sys
        from pathlib import Path
        from pipelines.workspace import workspace
        opened = workspace("sample")
        opened.activate(sys.argv[2])
        from huggingface_hub import constants
        from pipelines.hub import Hub, Wanted
        hub = Hub(None, Path(constants.HF_HUB_CACHE), online=False)
        pulled = hub.snapshot(sys.argv[1], [Wanted("main", ("train",))])
        import datasets
        rows = datasets.load_dataset(sys.argv[1], "main", split="train")
        print(len(pulled.files), len(rows))
        """
    clean = {name: "" for name in os.environ if name.startswith(("HF_", "XDG_"))}
    with serving(folder) as endpoint:
        environment = {name: value for name, value in os.environ.items() if name not in clean}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), repo, endpoint],
            env=environment | {"HOME": str(home), "TAMIS_HOME": str(tmp_path / "tamis")},
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.stdout == "2 200\n", done.stderr
    assert list(home.rglob("*")) == []
    assert len(list((tmp_path / "tamis").rglob(SECOND))) == 1


def test_repositories_are_parquet(tmp_path):
    """The files that the tests above break are large enough to be broken in the middle."""
    assert parquet(tmp_path / "x.parquet", 20_000).stat().st_size > 150_000
