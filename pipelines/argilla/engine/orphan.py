"""Nothing is left behind where the supervisor was killed and could end nobody."""

import os
import signal
import threading
import time

_GRACE = 5.0
"""Seconds between asking and insisting."""


def end_with_parent() -> None:
    """End this process's group, which is the supervisor's and its own, when the supervisor is gone."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGTERM)
    time.sleep(_GRACE)
    os.killpg(0, signal.SIGKILL)
