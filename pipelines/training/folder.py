"""A folder that appears whole or not at all."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import TamisError


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes the place of `out` when the block ends well.

    Until then what `out` held stays; when the block raises, nothing new remains. What a killed process left
    behind (a hidden folder beside `out`) is cleared by the next. Raises TamisError while another process writes.
    """
    partial, old = out.with_name(f".{out.name}.partial"), out.with_name(f".{out.name}.old")
    partial.mkdir(parents=True, exist_ok=True)
    lock = os.open(partial, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TamisError(
                "another process is writing this run.", where=str(out), cure="Wait until it ends, or end it."
            ) from None
        try:
            for left in (*partial.iterdir(), old):
                _remove(left)
            yield partial
            if out.exists():
                out.rename(old)
            partial.rename(out)
            _remove(old)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
