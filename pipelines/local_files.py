"""A team's own files as a source: copied into the workspace, named by their content, split by their names.

A copy is what a source of the Hub has too: rows can be read again when the code that reads them changes, whatever
became of the file meanwhile; and no row is read out of a file that somebody is writing.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.errors import TamisError, no_space, writing
from pipelines.files import write_whole
from pipelines.sources.source import Source, pinned_side
from pipelines.wanted import Snapshot, UpstreamFile
from pipelines.workspace import Workspace

FORMS: Final = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")
ZIPPED: Final = (".gz", ".zst")
_NO_ROWS: Final = ("dataset_infos.json", "dataset_info.json", "state.json", "package.json")
_CHUNK: Final = 1 << 20
_WORDS: Final = re.compile(r"[^a-z0-9]+")
CONFIG: Final = "default"


@dataclass(frozen=True)
class Local:
    """A file of a source: its `path` below what was named (its name, where that was the file), and its `split`."""

    place: Path
    path: str
    split: str


def listed(place: Path) -> list[Local]:
    """The files of rows at a place, in order of their paths. TamisError where there are none.

    A folder is looked through with all below it; hidden files and those of other forms are left aside. A file belongs
    to the split that its name or a folder's has as a word (`test.jsonl`, `data/validation-00000.parquet`), else to
    `train`.
    """
    if place.is_file():
        if not _is_of_rows(place):
            raise TamisError("is no file of rows", where=str(place), cure=f"Files are {', '.join(FORMS)}, or zipped.")
        return [Local(place, place.name, split_of((place.name,)))]
    if not place.is_dir():
        raise TamisError(
            "there is no such file or folder",
            where=str(place),
            cure="Put it back, or mend `files` in lake.yaml; the rows that were read of it stay.",
        )
    found = sorted(path for path in place.rglob("*") if path.is_file() and _is_of_rows(path.relative_to(place)))
    if not found:
        cure = f"Files are {', '.join(FORMS)}, also with {' or '.join(ZIPPED)}."
        raise TamisError("no file of rows is in this folder", where=str(place), cure=cure)
    parts = [path.relative_to(place).parts for path in found]
    return [Local(path, "/".join(names), split_of(names)) for path, names in zip(found, parts, strict=True)]


def revision(workspace: Workspace, source: Source) -> str:
    """What the files are now, as 40 hex digits: of their paths and content. TamisError as `listed` says.

    A file whose size and time of change are as before is not read.
    """
    known = _Known(workspace)
    found = [(local, known.content(local.place)) for local in listed(_place(source))]
    known.save()
    return _revision(found)


def look(workspace: Workspace, source: Source) -> tuple[Snapshot, int]:
    """What `snapshot` would give now, and the bytes that it would copy."""
    known = _Known(workspace)
    found = [(local, known.content(local.place)) for local in listed(_place(source))]
    known.save()
    files = _upstream(workspace, source, found)
    missing = {file.local: file.size for file in files if not file.local.exists()}
    return _snapshot(source, found, files), sum(missing.values())


def snapshot(workspace: Workspace, source: Source) -> Snapshot:
    """Copies of the source's files as they are now, each under the name of its content.

    TamisError as `listed` says, where the disk has no room, and for a file that somebody writes meanwhile.
    """
    known = _Known(workspace)
    found = []
    for local in listed(_place(source)):
        etag = known.content(local.place)
        copied = _copy_of(workspace, local.place, etag)
        if not copied.exists():
            etag = _copy(workspace, local.place)
        found.append((local, etag))
    known.save()
    return _snapshot(source, found, _upstream(workspace, source, found))


def tidy(workspace: Workspace, before: Snapshot, noted: Iterable[Snapshot]) -> None:
    """Delete the copies of a former snapshot that none of the snapshots noted now names."""
    named = {file.local for one in noted for file in one.files}
    for file in before.files:
        if file.local.parent == _copies(workspace) and file.local not in named:
            file.local.unlink(missing_ok=True)


def _place(source: Source) -> Path:
    assert source.files is not None
    return source.files


def _is_of_rows(path: Path) -> bool:
    if any(part.startswith((".", "_")) for part in path.parts[-1:]) or path.name in _NO_ROWS:
        return False
    if any(part.startswith(".") for part in path.parts if part not in (".", "..")) and not path.is_absolute():
        return False
    return form_of(path.name) is not None


def form_of(name: str) -> str | None:
    """The form that a file's name states (`.csv` of `rows.csv.gz`); None for another."""
    bare = name.lower()
    for suffix in ZIPPED:
        bare = bare.removesuffix(suffix)
    return next((form for form in FORMS if bare.endswith(form)), None)


def split_of(names: Sequence[str]) -> str:
    """The split that a path's words name, the last one first: `train` where they name none."""
    for name in reversed(names):
        for word in _WORDS.split(name.lower()):
            if word and pinned_side(word) is not None:
                return word
    return "train"


def _revision(found: list[tuple[Local, str]]) -> str:
    said = "\n".join(f"{local.path} {etag}" for local, etag in found)
    return hashlib.sha256(said.encode()).hexdigest()[:40]


def _upstream(workspace: Workspace, source: Source, found: list[tuple[Local, str]]) -> tuple[UpstreamFile, ...]:
    numbers: dict[str, Iterator[int]] = {}
    return tuple(
        UpstreamFile(
            config=CONFIG,
            split=local.split,
            number=next(numbers.setdefault(local.split, iter(range(len(found))))),
            path=local.path,
            local=_copy_of(workspace, local.place, etag),
            size=local.place.stat().st_size,
            etag=etag,
        )
        for local, etag in found
    )


def _snapshot(source: Source, found: list[tuple[Local, str]], files: tuple[UpstreamFile, ...]) -> Snapshot:
    return Snapshot(
        repo=source.repo,
        asked=source.repo,
        revision=_revision(found),
        license=source.license,
        files=files,
        absent=(),
    )


def _copies(workspace: Workspace) -> Path:
    return workspace.snapshots / "files"


def _copy_of(workspace: Workspace, place: Path, etag: str) -> Path:
    """Where the copy of a content lies; its name ends as the file's, since forms are told by that too."""
    suffixes = "".join(place.suffixes[-2:]) if place.suffix in ZIPPED else place.suffix
    return _copies(workspace) / f"{etag}{suffixes.lower()}"


def _copy(workspace: Workspace, place: Path) -> str:
    """Copy a file; the SHA-256 of what was copied. TamisError where it changes meanwhile."""
    before = place.stat()
    folder = _copies(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    if before.st_size > shutil.disk_usage(folder).free:
        raise no_space(folder, before.st_size)
    scratch = folder / f".{os.getpid()}-{before.st_ino}"
    digest = hashlib.sha256()
    try:
        with writing(folder), _reading(place).open("rb") as source, scratch.open("wb") as target:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                target.write(chunk)
        after = place.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise TamisError("changes while it is read", where=str(place), cure="Run again when it is written.")
        scratch.replace(_copy_of(workspace, place, digest.hexdigest()))
    finally:
        scratch.unlink(missing_ok=True)
    return digest.hexdigest()


def _reading(place: Path) -> Path:
    if not os.access(place, os.R_OK):
        raise TamisError("may not be read", where=str(place), cure="Give this user the right to read it.")
    return place


class _Known:
    """Contents of files by place, size and time of change: what was hashed once is not read again."""

    def __init__(self, workspace: Workspace) -> None:
        self._path = _copies(workspace) / ".known.json"
        self._known: dict[str, list[str | int]] = {}
        if self._path.exists():
            self._known = json.loads(self._path.read_text(encoding="utf-8"))
        self._changed = False

    def content(self, place: Path) -> str:
        """SHA-256 of a file."""
        stat = place.stat()
        seen: list[str | int] = [stat.st_size, stat.st_mtime_ns]
        before = self._known.get(str(place), [""])
        if before[1:] != seen:
            digest = hashlib.sha256()
            with _reading(place).open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
            before = [digest.hexdigest(), *seen]
            self._known[str(place)] = before
            self._changed = True
        return str(before[0])

    def save(self) -> None:
        if self._changed:
            write_whole(self._path, json.dumps(self._known))
