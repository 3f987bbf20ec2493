"""Ctrl-C that is always heard.

Python throws a KeyboardInterrupt away, with a line on the terminal, where it falls into a callback of the garbage
collector (`__del__`, a weak reference's): the run would go on as if nobody had asked.
"""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final, NoReturn

_AGAIN: Final = 0.1
"""Seconds after which an interrupt that was thrown away comes again, outside of that callback."""


def listen() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt in the main thread, again where one was thrown away."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    sys.unraisablehook = _heard


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _heard(thrown_away: "sys.UnraisableHookArgs") -> None:
    # Dagster's own interrupt, while one of its runs is under way, is no KeyboardInterrupt.
    if not issubclass(thrown_away.exc_type, (Exception, SystemExit, GeneratorExit)):
        again = threading.Timer(_AGAIN, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(thrown_away)
