"""The set-up: what is missing is said in one line with the cure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.workspace import ROOT

MADE_FROM = (
    "Makefile",
    "requirements.lock",
    "requirements-argilla.lock",
    "pyproject.toml",
    ".gitignore",
    "scripts/environment.py",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone where nothing was set up."""
    for name in MADE_FROM:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(clone: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=clone, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_no_python_in_range_is_one_line_with_the_cure(clone: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("make", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    done = run(clone, "make", "environment", PATH=str(tools))
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "needs Python 3.11, 3.12 or 3.13" in line and "apt install python3" in line


def patched(clone: Path, old: str, new: str) -> None:
    script = clone / "scripts" / "environment.py"
    text = script.read_text(encoding="utf-8")
    assert old in text
    script.write_text(text.replace(old, new), encoding="utf-8")


def test_too_little_disk_is_said_before_anything_is_written(clone: Path) -> None:
    patched(clone, "4 * 10**9, editable=True", "10**18, editable=True")
    done = run(clone, sys.executable, "scripts/environment.py")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "GB are free in" in line and "Free some" in line
    assert not (clone / ".venv").exists()


def test_what_pip_cannot_install_is_named_and_the_next_try_goes_on(clone: Path) -> None:
    (clone / "requirements.lock").write_text("no-such-package-of-tamis==1.0\n")
    done = run(clone, sys.executable, "scripts/environment.py", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(clone))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "no-such-package-of-tamis" in line and "run again" in line
    assert not (clone / ".venv" / "tamis").exists()


SET_UP = """
import sys
sys.path.insert(0, "scripts")
import environment as e
e.MAIN.folder.mkdir(exist_ok=True)
e.MAIN.stamp.write_text(e.MAIN.identity())  # this one is there
sys.exit(e.main())
"""


def test_argillas_own_environment_is_made_unless_a_server_is_named(clone: Path) -> None:
    named = run(clone, sys.executable, "-c", SET_UP, ARGILLA_API_URL="http://127.0.0.1:1")
    assert (named.returncode, named.stderr) == (0, "")
    assert not (clone / ".venv-argilla").exists()
    (clone / "requirements-argilla.lock").write_text("")  # pip has nothing to install, and no Redis to find
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(clone), "ARGILLA_API_URL": ""}
    done = run(clone, sys.executable, "-c", SET_UP, PATH=str(clone), ARGILLA_REDIS_URL="", **offline)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "no Redis for this machine" in line and "apt install redis-server" in line and "ARGILLA_REDIS_URL" in line
    assert not (clone / ".venv-argilla" / "tamis").exists()
    done = run(clone, sys.executable, "-c", SET_UP, ARGILLA_REDIS_URL="redis://127.0.0.1:1", **offline)
    assert (done.returncode, done.stderr) == (0, "")
    assert (clone / ".venv-argilla" / "tamis").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-argilla.lock"])
def test_a_lock_holds_exact_versions_and_no_address(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert lines and all(line.count("==") == 1 and "+" not in line and "/" not in line for line in lines)


def test_the_argilla_lock_has_the_server_and_a_click_that_works_with_it() -> None:
    lines = (ROOT / "requirements-argilla.lock").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.lower().split("==") for line in lines)
    assert pinned["argilla-server"] == "2.8.0"
    assert tuple(map(int, pinned["click"].split(".")[:2])) < (8, 2)


def test_the_lock_holds_exact_versions_and_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert all(line.count("==") == 1 and "+" not in line and "/" not in line for line in lines)
    pinned = dict(line.lower().split("==") for line in lines)
    assert (pinned["torch"], pinned["dagster"], pinned["argilla"]) == ("2.13.0", "1.13.27", "2.8.0")
    assert pinned["dagster-webserver"] == pinned["dagster"]
    assert "litellm" not in pinned
