"""An environment for each peer, made once with venv and pip and kept in the user's cache."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = {
    "daft": ("daft==0.7.26", "pyarrow<26", "numpy"),
    "rensa": ("rensa==0.5.0", "pyarrow", "numpy"),
    "datatrove": ("datatrove[processing]==0.10.1", "spacy", "pyarrow", "numpy"),
}
"""Daft reads Arrow as it was before version 26; datatrove cuts words with spaCy."""

_MADE: Final = "made"


class MissingPeerError(Exception):
    """A peer that cannot be installed here; its text says why."""


def python_of(peer: str) -> Path:
    """The Python of a peer's environment, which is made where it is not there. Raises MissingPeerError."""
    wanted = REQUIREMENTS[peer]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tamis" / "peers"
    told = hashlib.sha256("\n".join((sys.version, *wanted)).encode()).hexdigest()[:8]
    folder = cache / f"{peer}-{told}"
    python = folder / "bin" / "python"
    if not (folder / _MADE).exists():
        print(f"making an environment for {peer} in {folder}", file=sys.stderr)
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise MissingPeerError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
        (folder / _MADE).touch()
    return python
