"""Small files that are there whole or not at all."""

import os
from pathlib import Path

from pipelines.errors import writing


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
