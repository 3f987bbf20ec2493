"""An interrupt is heard wherever it falls."""

import subprocess
import sys
from pathlib import Path

import graph_process

from pipelines.workspace import ROOT

_FALLS_INTO_A_CALLBACK = """
import signal, time, weakref
from assets import interruption

class Thing: ...

interruption.listen()
thing = Thing()
kept = weakref.ref(thing, lambda ref: signal.raise_signal(signal.SIGINT))
try:
    del thing
    print("thrown away", flush=True)
    time.sleep(20)
except KeyboardInterrupt:
    print("heard")
"""


_FALLS_BEHIND_THE_LAST_STEP = """
import signal, sys
from types import SimpleNamespace
from dagster._utils.interrupts import capture_interrupts
from assets import graph, interruption
from pipelines.workspace import workspace

def execute_in_process(**given):
    with capture_interrupts():  # as Dagster does for a whole run
        if sys.argv[1] == "asked":
            signal.raise_signal(signal.SIGINT)
    return SimpleNamespace(success=True, all_events=[], get_asset_check_evaluations=lambda: [])

job = SimpleNamespace(execute_in_process=execute_in_process)
graph.defs = SimpleNamespace(resolve_job_def=lambda name: job)
interruption.listen()
walk = graph.Graph(workspace("sample"), None, None)
walk._instance = None
try:
    print("went on", walk._execute("curate", "default", {}))
except KeyboardInterrupt:
    print("heard")
"""


def said(script: str, home: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=graph_process.environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


def test_an_interrupt_that_falls_into_a_collectors_callback_is_heard_all_the_same(tmp_path: Path) -> None:
    assert said(_FALLS_INTO_A_CALLBACK, tmp_path) == ["thrown away", "heard"]


def test_an_interrupt_that_dagster_forgets_ends_the_walk(tmp_path: Path) -> None:
    assert said(_FALLS_BEHIND_THE_LAST_STEP, tmp_path, "asked") == ["heard"]
    assert said(_FALLS_BEHIND_THE_LAST_STEP, tmp_path, "not asked") == ["went on None"]
