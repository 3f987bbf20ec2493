"""Writes `requirements.lock`: exact versions of all that pyproject.toml asks for, resolved in one pass by pip.

No hashes, since two builds of torch exist, and no address of an index.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ("hatchling", "editables")
"""What builds the project itself: `environment.py` installs it without a build environment of pip's own."""


def main() -> int:
    """Resolve anew and write the file; pip's exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--report", str(report)]
        done = subprocess.run([*command, *BUILD, f"{ROOT}[dev]"], check=False)
        if done.returncode:
            return done.returncode
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    metadata = [item["metadata"] for item in found]
    pins = sorted(f"{m['name']}=={m['version'].split('+')[0]}" for m in metadata if m["name"] != "tamis")
    (ROOT / "requirements.lock").write_text("\n".join(pins) + "\n", encoding="utf-8")
    print(f"{len(pins)} packages pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main())
