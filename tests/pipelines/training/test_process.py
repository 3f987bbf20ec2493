"""The child process: started by Dagster through Pipes, ended by signals, and failing in every way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import TamisError
from pipelines.training.folder import appearing
from pipelines.training.report import Report
from pipelines.training.settings import Order
from pipelines.workspace import ROOT, Workspace

LONG = {"tokens": 300_000}
"""So long that no test sees its end."""


@pytest.fixture
def run(place: Workspace, order: Callable[..., Order], tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes the order of `default.sft` into a workspace that is this process's own."""
    monkeypatch.setenv("TAMIS_HUB", "sample")

    def made(**changes: Any) -> Order:
        folder = place.training / "default.sft"
        folder.mkdir(parents=True)
        ordered = order(**changes).model_copy(update={"out": folder / "result"})
        (folder / "order.json").write_text(ordered.model_dump_json(), encoding="utf-8")
        return ordered

    return made


def materialised() -> Any:
    import dagster as dg

    from assets.resources import Tamis
    from assets.training import model

    return dg.materialize(
        [model],
        partition_key="default.sft",
        resources={"tamis": Tamis(), "pipes": dg.PipesSubprocessClient()},
        raise_on_error=False,
    )


def failure(result: Any) -> str:
    failed = next(event for event in result.all_events if event.is_step_failure)
    return str(failed.step_failure_data.user_failure_data.description)


def test_dagster_gets_the_runs_numbers(run: Any) -> None:
    order = run()
    result = materialised()
    assert result.success
    (event,) = result.asset_materializations_for_node("model")
    report = Report.read(order.out)
    said = {name: value.value for name, value in event.metadata.items()}
    assert said["tokens"] == report.tokens == order.run.tokens
    assert said["test_loss"] == report.evaluation.all.loss
    assert said["test_rows"] == report.evaluation.all.rows
    assert said["folder"] == str(order.out)
    assert said["tokens_per_second"] == pytest.approx(report.tokens_read / report.seconds["training"])
    assert said.get("gpu_memory_bytes") == report.gpu_memory
    assert {"steps", "epochs", "rows", "rows_too_long", "training_loss_first", "training_loss_last"} <= said.keys()


def test_a_failed_step_says_the_childs_own_words(
    run: Any, place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that the user's own Hub does not have; the Hub of the workspace is not asked."""
    from pipelines.sample_hub.server import serve

    with serve(tmp_path) as endpoint:
        monkeypatch.setenv("TAMIS_HIDDEN", json.dumps({"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home")}))
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
        run(model="nobody/nothing")
        result = materialised()
    assert failure(result).startswith(f"model nobody/nothing: cannot be loaded: We couldn't connect to '{endpoint}'")
    assert "`hf download nobody/nothing`" in failure(result)
    assert not (place.training / "default.sft" / "result").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("pass", "run default.sft: the training process ended without reporting a token trained"),
        (
            "import os; os.kill(os.getpid(), 9)",
            "the training process ended too early .*code -9.* often for want of memory",
        ),
        ("raise KeyError('a defect')", "the training process ended too early .*code 1"),
    ],
)
def test_a_child_that_says_nothing_fails_its_step(
    run: Any, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    run()
    monkeypatch.setattr("assets.training.command", lambda *_: [sys.executable, "-c", code])
    result = materialised()
    assert not result.success
    with pytest.raises(TamisError, match=message):
        raise TamisError(failure(result))


def started(order: Order, arguments: list[str], **options: Any) -> "subprocess.Popen[str]":
    """Start a process, and wait until the training that it does has begun."""
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)
    assert process.stdout is not None
    for line in process.stdout:
        if f"{order.name}: step " in line:
            return process
    pytest.fail(f"it ended before it trained, with code {process.wait()}")


def wait_until_free(out: Path) -> None:
    """Until no process writes there any more."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with pytest.raises(KeyError), appearing(out):
                raise KeyError
            return
        except TamisError:
            assert time.monotonic() < deadline, "the child lives on"
            time.sleep(0.1)


PARENT = """
import dagster as dg
from assets.resources import Tamis
from assets import interruption
from assets.training import model
interruption.listen()
dg.materialize([model], partition_key="default.sft", resources={"tamis": Tamis(), "pipes": dg.PipesSubprocessClient()})
"""


@pytest.mark.parametrize("how", ["terminated", pytest.param("Ctrl-C", marks=pytest.mark.slow)])
def test_the_child_ends_with_its_parent_and_leaves_nothing(run: Any, how: str) -> None:
    order = run(**LONG)
    parent = started(order, [sys.executable, "-c", PARENT], stderr=subprocess.PIPE, start_new_session=True)
    assert (order.out.parent / ".result.partial").is_dir()
    if how == "Ctrl-C":
        os.killpg(parent.pid, signal.SIGINT)  # a terminal tells the whole group
    else:
        parent.terminate()
    parent.communicate(timeout=30)
    assert parent.returncode != 0
    assert sorted(path.name for path in order.out.parent.iterdir()) == [".result.lock", "order.json"]
    wait_until_free(order.out)


def test_a_killed_child_leaves_nothing_visible_and_the_next_run_works(run: Any) -> None:
    from pipelines.training.sft import train

    order = run(**LONG)
    child = started(order, [sys.executable, "-m", "pipelines.training", str(order.out.parent / "order.json")])
    child.kill()
    child.communicate()
    assert not order.out.exists()
    short = order.model_copy(update={"run": order.run.model_copy(update={"tokens": 1_000})})
    assert train(short).tokens == 1_000
    assert not (order.out.parent / ".result.partial").exists()
    assert order.out.is_dir()


def test_by_hand_an_error_is_one_line_and_the_exit_code(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.training import __main__ as child

    monkeypatch.setattr(child, "_prepare_environment", lambda _: None)
    order = run()
    path = order.out.parent / "order.json"
    path.write_text(order.model_copy(update={"exports": [order.out / "train.parquet"]}).model_dump_json())
    assert child._carried_out(str(path), None) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"error: {order.out / 'train.parquet'}: this export is gone. "
        "Materialise the run's `training_set`, which finds the new ones."
    ]


def test_a_model_comes_from_the_users_own_hub_whatever_the_workspace_is(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.workspace import users_hub

    monkeypatch.setattr(os, "environ", {"HF_TOKEN": "hf_mine", "HF_HOME": "/big/disk"})
    monkeypatch.delitem(sys.modules, "huggingface_hub.constants", raising=False)
    for _ in range(2):
        place.activate("http://127.0.0.1:1")
    assert os.environ["HF_ENDPOINT"] == "http://127.0.0.1:1"
    assert "HF_TOKEN" not in os.environ
    own = users_hub()
    assert (own["HF_TOKEN"], own["HF_HOME"], own["HF_ENDPOINT"]) == ("hf_mine", "/big/disk", None)
    assert own.keys() <= place.environment(None).keys()
    os.environ["TAMIS_HUB"] = "online"
    assert users_hub() == {}
