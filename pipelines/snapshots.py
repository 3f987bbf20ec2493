"""What was pulled of each source: the note that `snapshot` leaves for `records`."""

import json
from dataclasses import asdict
from pathlib import Path

from pipelines.errors import TamisError
from pipelines.files import write_whole
from pipelines.wanted import Snapshot, UpstreamFile
from pipelines.workspace import Workspace


def save(workspace: Workspace, source: str, snapshot: Snapshot) -> None:
    """Keep the note of a finished snapshot."""
    note = asdict(snapshot)
    for file in note["files"]:
        file["local"] = str(file["local"])
    write_whole(_path(workspace, source), json.dumps(note, indent=1))


def load(workspace: Workspace, source: str) -> Snapshot:
    """The source's last snapshot. TamisError if there is none, or its files are gone."""
    path = _path(workspace, source)
    if not path.exists():
        raise TamisError("there is no snapshot", where=source, cure="Materialise `snapshot` of this source first.")
    snapshot = _read(path)
    gone = [file.path for file in snapshot.files if not file.local.exists()]
    if gone:
        raise TamisError(
            f"files of the snapshot are gone: {', '.join(gone[:3])}",
            where=source,
            cure="Materialise `snapshot` of this source again.",
        )
    return snapshot


def noted_now(workspace: Workspace) -> dict[str, Snapshot]:
    """Every source's last snapshot, by source, whether its files are still there or not."""
    return {path.stem: _read(path) for path in sorted(workspace.snapshots.glob("*.json"))}


def noted(workspace: Workspace, source: str) -> bool:
    """Whether the source has a snapshot: it has none while it is absent."""
    return _path(workspace, source).exists()


def forget(workspace: Workspace, source: str) -> None:
    """Drop the note of a source that is absent now."""
    _path(workspace, source).unlink(missing_ok=True)


def _read(path: Path) -> Snapshot:
    note = json.loads(path.read_text(encoding="utf-8"))
    files = tuple(UpstreamFile(**(file | {"local": Path(file["local"])})) for file in note.pop("files"))
    return Snapshot(**(note | {"files": files, "absent": tuple(note["absent"])}))


def _path(workspace: Workspace, source: str) -> Path:
    return workspace.snapshots / f"{source}.json"
