"""Ctrl-C that is always heard.

Python throws a KeyboardInterrupt away, with a line on the terminal, where it falls into a callback of the garbage
collector (`__del__`, a weak reference's). Dagster forgets one that comes after the last step of a run, when it puts
the signals' handlers back. Either way the walk would go on as if nobody had asked.
"""

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Final, NoReturn

_AGAIN: Final = 0.1
"""Seconds after which an interrupt that was thrown away comes again, outside of that callback."""


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_arrived, _arrives = os.pipe()
"""Python writes the number of each signal that arrives here, whoever handles it."""


def listen() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt in the main thread, again where one was thrown away."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    sys.unraisablehook = _heard
    for end in (_arrived, _arrives):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(_arrives, warn_on_full_buffer=False)


def check() -> None:
    """Raise KeyboardInterrupt where somebody asked for one since `listen` and the walk goes on all the same."""
    if os.get_blocking(_arrived):  # nobody listens
        return
    with contextlib.suppress(BlockingIOError):
        if not set(_SIGNALS).isdisjoint(os.read(_arrived, 1024)):
            raise KeyboardInterrupt


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
