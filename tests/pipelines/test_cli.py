import os
import subprocess
import sys
import tomllib

import pytest
from lakes import FILE, Lakes, instructions, reject

from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.recipe import Recipe
from pipelines.workspace import ROOT, Workspace, remember


def tamis(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def published(place: Workspace, lake: Lake) -> None:
    lakes = Lakes(lake)
    lakes.source("aa", instructions("aa", [("Who sings?", "A bird.")]), reject("aa", 1, "broken line", '{"text'))
    publish_ledger(lakes.state(), "default", Recipe(sources={"aa": None}), ("aa",))
    remember(place)


def test_help_groups_the_commands_and_says_what_each_touches() -> None:
    text = " ".join(tamis("--help").stdout.split())
    for said in ("reads the lake; changes nothing", "fetches no data", "why", "find", "plan", "doctor", "--version"):
        assert said in text
    assert tamis().stdout.startswith(tamis("--help").stdout[:100]), "alone it tells what it can do"
    for command in ("why", "find", "plan"):
        told = tamis(command, "--help").stdout
        assert "Examples:" in told
        assert f"tamis {command}" in told


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert tamis("--version").stdout == f"tamis {project['version']}\n"
    assert project["scripts"]["tamis"] == "pipelines.cli:main"


def test_why_and_find_answer_from_the_last_runs_workspace(published: None) -> None:
    # `aa` is no source of this project, so the recipes of its own files know nothing of it; its fate is published.
    story = tamis("why", "aa/instruction/default.train.0.0")
    assert (story.returncode, story.stderr) == (0, "")
    assert story.stdout.startswith("aa/instruction/default.train.0.0\n")
    assert "\ndefault: kept\n" in story.stdout
    assert "why: broken line" in tamis("why", f"aa:{FILE}:1").stdout
    found = tamis("find", "BIRD", "--family", "instruction", "--source", "aa", "--limit", "1")
    assert "completion: ... A bird. ..." in found.stdout


@pytest.mark.parametrize(
    "arguments",
    [("why", "aa/instruction/nope"), ("why", "aa/instruction/default.train.0.0", "--pass", "9"), ("find", " ")],
)
def test_an_error_is_one_line_without_a_stack_trace(published: None, arguments: tuple[str, ...]) -> None:
    done = tamis(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_a_wrong_option_is_told_with_the_usage(place: Workspace) -> None:
    done = tamis("find", "a", "--limit", "0")
    assert done.returncode == 2
    assert "--limit" in done.stderr


def test_doctor_ends_with_one_where_a_line_fails(place: Workspace) -> None:
    os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"
    try:
        done = tamis("doctor", "--hub", "online")
    finally:
        del os.environ["HF_ENDPOINT"]
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert all(line.split()[0] in ("OK", "WARN", "FAIL") for line in lines)
    assert any(line.startswith("FAIL  Hub") for line in lines)
