import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.pool import wait_for_gpu
from assets.training import GPU
from pipelines.workspace import ROOT

TAGS = {"tamis/test": "walk"}

HOLDER = """
import sys, time, dagster as dg
from assets.training import GPU

@dg.asset(pool=GPU)
def holding():
    print("in", flush=True)
    sys.stdin.read()

with dg.DagsterInstance.get() as instance:
    dg.materialize([holding], instance=instance, tags={"tamis/test": sys.argv[1]})
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT))
    monkeypatch.setenv("TAMIS_INSTANCE", str(tmp_path))
    with dg.DagsterInstance.get() as made:
        yield made


def holder(kind: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, kind],
        cwd=ROOT,
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def test_a_killed_walks_place_is_freed_and_a_living_run_is_waited_for(instance: dg.DagsterInstance) -> None:
    wait_for_gpu(instance, TAGS, lambda text: pytest.fail(text))
    dead = holder("walk")
    dead.kill()
    dead.communicate()
    (run_id,) = instance.event_log_storage.get_concurrency_info(GPU).active_run_ids
    wait_for_gpu(instance, TAGS, lambda text: pytest.fail(text))
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE
    living = holder("page")
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        living.communicate()  # its input ends, and so does it

    wait_for_gpu(instance, TAGS, tell)
    (text,) = told
    assert text.startswith("waiting for the run ")
    assert run_id not in text
