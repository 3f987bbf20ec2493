"""What a step says while it runs, as lines on the terminal of `make run`."""

import logging
import time
from typing import Final

import dagster as dg

_EVERY: Final = 5.0
"""Seconds between two lines: what is quick says nothing."""


class _Lines(logging.Handler):
    """Prints what steps say, now and then; what Dagster says of itself is in its page."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._printed = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record if it is a step's own, and the last one is some time ago."""
        own = getattr(record, "dagster_meta", {}).get("dagster_event") is None
        now = time.monotonic()
        if record.levelno < logging.INFO or not own or now - self._printed < _EVERY:
            return
        self._printed = now
        said = getattr(record, "dagster_meta", {}).get("orig_message", record.getMessage())
        print(f"    {said}", flush=True)


@dg.logger(None, "A line now and then for what steps say of their progress.")
def progress(context: dg.InitLoggerContext) -> logging.Logger:
    """The logger of `make run`: progress only."""
    logger = logging.Logger("tamis", logging.INFO)
    logger.addHandler(_Lines())
    return logger
