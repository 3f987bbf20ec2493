"""Writes the lock files: exact versions of all that is asked for, each resolved in one pass by pip.

`requirements.lock` holds what pyproject.toml asks for, `requirements-argilla.lock` the Argilla server. No
hashes, since two builds of torch exist, and no address of an index.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ("hatchling", "editables")
"""What builds the project itself: `environment.py` installs it without a build environment of pip's own."""
ARGILLA = ("argilla-server==2.8.0", "click<8.2")
"""A newer click breaks the server's command line ("Secondary flag is not valid for non-boolean flag")."""


def main() -> int:
    """Resolve anew and write the files; pip's exit code."""
    return _lock("requirements.lock", *BUILD, f"{ROOT}[dev]") or _lock("requirements-argilla.lock", *ARGILLA)


def _lock(name: str, *wanted: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--report", str(report)]
        done = subprocess.run([*command, *wanted], check=False)
        if done.returncode:
            return done.returncode
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    metadata = [item["metadata"] for item in found]
    pins = sorted(f"{m['name']}=={m['version'].split('+')[0]}" for m in metadata if m["name"] != "tamis")
    (ROOT / name).write_text("\n".join(pins) + "\n", encoding="utf-8")
    print(f"{name}: {len(pins)} packages pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main())
