"""A part of a benchmark in a process of its own, with one thread: nothing of one corpus weighs on the next."""

import os
import subprocess
import sys


def child(module: str, *arguments: str) -> str:
    """What `python -m MODULE ARGUMENTS` prints; CalledProcessError where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=os.environ | {"POLARS_MAX_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout
