"""Workers end: on time, with their owner, and without leaving anything behind."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from pipelines.errors import TamisError
from pipelines.verify.workers import Workers
from pipelines.workspace import ROOT

HOSTILE = ("9^{9^{9^9}}", "\\boxed{9^{9^{9^8}}}")
TALL = [
    ("(" * 5_000 + "x" + ")" * 5_000, "\\boxed{x + 1}"),
    ("\\frac{" * 2_000 + "1", "\\boxed{x}"),
    ("5", "\\boxed{" + "7" * 1_000_000 + "}"),
    ("5", "$" * 1_000_000),
    ("5", "\\boxed{" * 20_000),
    ("", ""),
    ("\x00", "\\boxed{\x01}"),
    ("\\binom{10^9}{5*10^8}", "\\boxed{x}"),
]


def gone(pids: list[int], seconds: float = 10) -> bool:
    """Whether all of the processes end in time; a zombie is one that did not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(psutil.pid_exists(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def family_of(pool: Workers) -> list[int]:
    assert pool._process is not None
    first = psutil.Process(pool._process.pid)
    return [first.pid, *(child.pid for child in first.children(recursive=True))]


def test_outcomes_come_in_order_and_are_the_same_each_time(workers: Workers) -> None:
    pairs = [(str(n), f"\\boxed{{{n % 7}+0}}") for n in range(14)] + [("x", "no answer here")]
    expected = ["verified"] * 7 + ["refuted"] * 7 + ["unverifiable"]
    assert workers.outcomes(pairs) == expected
    assert workers.outcomes(pairs) == expected
    assert workers.outcomes([]) == []


@pytest.mark.parametrize(
    ("gold", "said", "outcome"),
    [
        ("2\\sqrt{3}", "Hence $\\boxed{\\sqrt{12}}$.", "verified"),
        ("x^2-1", "$\\boxed{(x-1)(x+1)}$", "verified"),
        ("x^2-1", "$\\boxed{x^2+1}$", "refuted"),
        ("$72$", "The answer is 72.", "verified"),
        ("the mitochondrion {", "\\boxed{5}", "unverifiable"),
        ("5", "\\boxed{\\frac{1}{}", "unverifiable"),
    ],
)
def test_math_verify_is_asked(workers: Workers, gold: str, said: str, outcome: str) -> None:
    assert workers.outcomes([(gold, said)]) == [outcome]


def test_a_hostile_pair_costs_its_limit_and_no_other_pair_its_outcome(workers: Workers) -> None:
    started = time.monotonic()
    found = workers.outcomes([("5", "\\boxed{5+0}"), HOSTILE, ("5", "\\boxed{6+0}"), HOSTILE])
    assert found == ["verified", "timed out", "refuted", "timed out"]
    assert time.monotonic() - started < 2 * 10 * workers.cpu  # the clock's limit is ten times the processor's


def test_hostile_input_never_passes(workers: Workers) -> None:
    assert set(workers.outcomes(TALL)) <= {"refuted", "unverifiable", "timed out"}


def test_several_workers_share_the_pairs() -> None:
    with Workers(2, cpu=1.0) as pool:
        found = pool.outcomes([(str(n), f"\\boxed{{{n}+0}}") for n in range(600)])
        assert found == ["verified"] * 600
        pids = family_of(pool)
        assert len(pids) >= 3
    assert gone(pids)


def test_closing_ends_a_pair_that_is_being_judged() -> None:
    pool = Workers(1, cpu=60)
    failures: list[BaseException] = []

    def judge() -> None:
        try:
            pool.outcomes([HOSTILE])
        except (TamisError, OSError, ValueError) as error:
            failures.append(error)

    thread = threading.Thread(target=judge)
    thread.start()
    until = time.monotonic() + 30
    while (pool._process is None or len(family_of(pool)) < 3) and time.monotonic() < until:
        time.sleep(0.05)
    pids = family_of(pool)
    pool._connections[0].shutdown(2)
    thread.join(timeout=20)
    pool.close()
    assert failures
    assert gone(pids)


def test_processes_that_were_killed_are_an_error() -> None:
    with Workers(1) as pool:
        pool.outcomes([("1", "\\boxed{1}")])
        pids = family_of(pool)
        for pid in reversed(pids):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(TamisError, match="ended from outside"):
            pool.outcomes([("1", "\\boxed{1}")])
    assert gone(pids[:1])


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_they_end_with_their_owner(ending: signal.Signals) -> None:
    code = (
        "import sys; from pipelines.verify.workers import Workers\n"
        "with Workers(1, cpu=60) as pool:\n"
        "    pool.outcomes([('1', r'\\boxed{1}')])\n"
        "    print(pool._process.pid, flush=True)\n"
        f"    pool.outcomes([{HOSTILE!r}])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as owner:
        assert owner.stdout is not None
        first = psutil.Process(int(owner.stdout.readline()))
        until = time.monotonic() + 20
        while len(first.children(recursive=True)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        pids = [first.pid, *(child.pid for child in first.children(recursive=True))]
        owner.send_signal(ending)
        owner.wait(timeout=20)
    assert len(pids) == 3
    assert all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie" for pid in pids) or gone(pids)
