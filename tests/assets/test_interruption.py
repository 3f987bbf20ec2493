"""An interrupt is heard wherever it falls."""

import subprocess
import sys

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


def test_an_interrupt_that_falls_into_a_collectors_callback_is_heard_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FALLS_INTO_A_CALLBACK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=15,
        check=True,
    )
    assert done.stdout.split("\n") == ["thrown away", "heard", ""], done.stderr
