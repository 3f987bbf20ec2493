"""A folder that appears whole or not at all."""

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from polars.exceptions import PolarsError
from safetensors import SafetensorError

from pipelines.errors import TamisError

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes the place of `out` when the block ends well.

    Until then what `out` held stays; when the block raises, nothing new remains. What a killed process left
    behind (hidden folders beside `out`) is cleared, or put back, by the next. TamisError while another process
    writes, or where the disk is full.
    """
    partial, old = out.with_name(f".{out.name}.partial"), out.with_name(f".{out.name}.old")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _alone(out):
            if old.exists() and not out.exists():  # it was killed between the two renames
                old.rename(out)
            for left in (partial, old):
                if left.exists():
                    shutil.rmtree(left)
            partial.mkdir()
            try:
                yield partial
                if out.exists():
                    out.rename(old)
                partial.rename(out)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            shutil.rmtree(old, ignore_errors=True)
    except (OSError, PolarsError, SafetensorError) as error:
        if not _is_full(error):
            raise
        raise TamisError(
            "no space is left on this disk", where=str(out), cure="Free some; what was there before stands."
        ) from error


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    lock = os.open(out.with_name(f".{out.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        cure = "Wait until it ends, or end it."
        raise TamisError("another process is writing here", where=str(out), cure=cure) from error
    finally:
        os.close(lock)


def _is_full(error: BaseException) -> bool:
    """Whether a disk or quota is full, or a file larger than may be. Libraries in Rust say the number in their text."""
    said = re.search(r"\(os error (\d+)\)", str(error))
    return getattr(error, "errno", None) in _FULL or (said is not None and int(said[1]) in _FULL)
