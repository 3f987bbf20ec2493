"""Files that are there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import TamisError, writing


def write_whole(path: Path, content: str | bytes) -> None:
    """Put a file in the place of `path` in one step, with its folder; a full disk is a TamisError."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            scratch.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)


@contextlib.contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A file to write to, which takes the place of `out` once it is whole; an error leaves `out` as it was.

    TamisError where nothing can be written there.
    """
    with _beside(out) as part:
        yield part
        part.replace(out)


def check_writable(*outs: Path) -> None:
    """Raise what `whole` would, before the work is done whose result is to be written."""
    for out in outs:
        with _beside(out) as part:
            part.touch()


@contextlib.contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A file beside `out` that is gone at the end; errors of the disk become TamisError."""
    part = out.with_name(f"{out.name}.part")
    if out.is_dir():
        raise TamisError("is a folder, and a file would be written", where=str(out), cure="Name a file.")
    try:
        with writing(out), contextlib.ExitStack() as stack:
            out.parent.mkdir(parents=True, exist_ok=True)
            stack.callback(part.unlink, missing_ok=True)
            yield part
    except OSError as error:
        raise TamisError(f"cannot be written: {error.strerror or error}", where=str(out)) from error
