import subprocess
import sys
import tomllib
from collections.abc import Callable

import pytest
from lakes import FILE, Lakes, instructions, known, reject

from pipelines.cli import main
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.recipe import Recipe
from pipelines.workspace import ROOT, Workspace, remember

Tamis = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tamis(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tamis:
    """The command as the package installs it; its exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tamis", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture
def published(place: Workspace, lake: Lake) -> None:
    lakes = Lakes(lake)
    lakes.source("aa", instructions("aa", [("Who sings?", "A bird.")]), reject("aa", 1, "broken line", '{"text'))
    publish_ledger(lakes.state(), "default", Recipe(sources={"aa": None}), known("aa"))
    remember(place)


def test_help_groups_the_commands_and_says_what_each_touches(tamis: Tamis) -> None:
    text = tamis("--help")[1]
    for said in ("reads the lake; changes nothing", "fetches no data", "why", "find", "plan", "doctor", "--version"):
        assert said in " ".join(text.split())
    assert tamis()[1].strip() == text.strip(), "alone it tells what it can do"
    for command in ("why", "find", "plan"):
        told = tamis(command, "--help")[1]
        assert "Examples:" in told
        assert f"tamis {command}" in told


def test_the_version_is_the_projects(tamis: Tamis) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert tamis("--version") == (0, f"tamis {project['version']}\n", "")
    assert project["scripts"]["tamis"] == "pipelines.cli:main"


def test_why_and_find_answer_from_the_last_runs_workspace(published: None, tamis: Tamis) -> None:
    code, story, error = tamis("why", "aa/instruction/default.train.0.0")
    assert (code, error) == (0, "")
    assert story.startswith("aa/instruction/default.train.0.0\n")
    assert "\ndefault: kept\n" in story
    assert "why: broken line" in tamis("why", f"aa:{FILE}:1")[1]
    found = tamis("find", "BIRD", "--family", "instruction", "--source", "aa", "--limit", "1")[1]
    assert "completion: ... A bird. ..." in found


@pytest.mark.parametrize(
    "arguments",
    [("why", "aa/instruction/nope"), ("why", "aa/instruction/default.train.0.0", "--pass", "9"), ("find", " ")],
)
def test_an_error_is_one_line_without_a_stack_trace(published: None, tamis: Tamis, arguments: tuple[str, ...]) -> None:
    code, told, error = tamis(*arguments)
    assert (code, told) == (1, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_a_wrong_option_is_told_with_the_usage(place: Workspace, tamis: Tamis) -> None:
    code, _, error = tamis("find", "a", "--limit", "0")
    assert code == 2
    assert "--limit" in error


def test_it_starts_without_what_takes_long_to_import() -> None:
    script = (
        "import sys, pipelines.cli; slow = ('polars', 'huggingface_hub', 'torch', 'dagster', 'numba');"
        "print([name for name in slow if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
