"""Locks between processes: `flock`s on small files, which say who holds them.

The kernel frees the lock of a process that dies, so that none is ever left behind.
"""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TextIO

from pipelines.errors import writing

Tell = Callable[[str], None]

_POLL_S: Final = 0.2


class _Held(threading.local):
    """The locks that this thread holds."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()


_HELD: Final = _Held()


@contextlib.contextmanager
def hold(path: Path, purpose: str, tell: Tell | None = None) -> Iterator[None]:
    """Hold the lock at `path`; waits while another process or thread does.

    `tell` hears once whom it waits for. Reentrant within a thread.
    """
    if path in _HELD.paths:
        yield
        return
    with _opened(path) as file:
        _acquire(file, path, tell)
        with _holding(file, path, purpose):
            yield


@contextlib.contextmanager
def hold_if_free(path: Path, purpose: str) -> Iterator[bool]:
    """Hold the lock at `path` if nobody else does, and say whether; waits for nobody."""
    if path in _HELD.paths:
        yield True
        return
    with _opened(path) as file:
        if not _try(file):
            yield False
            return
        with _holding(file, path, purpose):
            yield True


def _opened(path: Path) -> TextIO:
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")


def _try(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _acquire(file: TextIO, path: Path, tell: Tell | None) -> None:
    while not _try(file):
        holder = path.read_text(encoding="utf-8")
        if tell is not None and holder:  # who has just taken it may not have signed yet
            tell(f"waiting for {holder} to release {path.name}")
            tell = None
        time.sleep(_POLL_S)


@contextlib.contextmanager
def _holding(file: TextIO, path: Path, purpose: str) -> Iterator[None]:
    _HELD.paths.add(path)
    try:
        with writing(path):
            file.truncate(0)
            file.write(f"{purpose} (process {os.getpid()})")
            file.flush()
        yield
    finally:
        _HELD.paths.discard(path)
        file.truncate(0)
        fcntl.flock(file, fcntl.LOCK_UN)
