"""Errors that a user can act on."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT}


class TamisError(Exception):
    """What was wrong, where, and what to do about it.

    `what` and `where` make the message; `cure` is the sentence that tells the reader what to do next.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what, self.where, self.cure = what, where, cure
        place = f"{where}: " if where else ""
        remedy = f". {cure}" if cure else ""
        super().__init__(f"{place}{what.rstrip('.')}{remedy}")


def is_full(error: BaseException) -> bool:
    """Whether a disk or a quota is full. deltalake gives no number, but says it in its text."""
    if not isinstance(error, OSError):
        return False
    return error.errno in _NO_SPACE or any(f"(os error {number})" in str(error) for number in _NO_SPACE)


def no_space(place: Path, needed: int | None = None) -> TamisError:
    """The error for a full disk. `needed`: bytes that were to be written, where that is known."""
    bytes_needed = f": {needed:,} bytes are needed" if needed else ""
    return TamisError(
        f"no space is left on the disk of {place}{bytes_needed}",  # the place stays when others say where they were
        cure="Free some, or choose another disk with TAMIS_HOME; what was committed before stands.",
    )


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Say of a disk that runs full below `place` where it is and what helps; other errors pass through."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise no_space(place) from error
        raise
