"""A folder as a Hub repository: its files with git's and LFS's content hashes, its commit, its card."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

SETTINGS = ".hub.json"  # not served: what the Hub knows of a repository beside its files
REFS = ".refs"  # not served under main: one folder a further revision, such as .refs/convert/parquet
_HIDDEN = {SETTINGS, REFS, ".git", ".cache"}
_LFS_SUFFIXES = {".parquet", ".arrow", ".gz", ".zst", ".bz2", ".xz", ".zip", ".tar", ".bin", ".npy", ".png", ".jpg"}
_LFS_BYTES = 10 << 20  # the Hub takes no larger file into git itself
_CHUNK = 1 << 20


@dataclass(frozen=True)
class HubFile:
    """One file of a repository.

    `oid` is the id of git's blob: of the content, or of the LFS pointer where `sha256` is given.
    """

    path: str
    local: Path
    size: int
    oid: str
    sha256: str | None

    @property
    def etag(self) -> str:
        return self.sha256 or self.oid


@dataclass(frozen=True)
class Repository:
    """The files of one revision, as they lie in `root` at the time of the request, in order of their paths."""

    id: str
    root: Path
    files: tuple[HubFile, ...]

    @cached_property
    def commit(self) -> str:
        """40 hex digits that change if and only if a path or a content does."""
        digest = hashlib.sha1(usedforsecurity=False)
        for file in self.files:
            digest.update(f"{file.path}\0{file.etag}\n".encode())
        return digest.hexdigest()

    @cached_property
    def folders(self) -> dict[str, str]:
        """Every folder that holds files, with a stable id of what is in it."""
        inside: dict[str, list[HubFile]] = {}
        for file in self.files:
            for parent in Path(file.path).parents[:-1]:
                inside.setdefault(parent.as_posix(), []).append(file)
        return {folder: Repository(self.id, self.root, tuple(files)).commit for folder, files in sorted(inside.items())}

    def file(self, path: str) -> HubFile | None:
        return next((file for file in self.files if file.path == path), None)

    def card(self) -> dict[str, Any]:
        """The YAML front matter of README.md; empty where there is none, or none that can be read."""
        readme = self.root / "README.md"
        if not readme.is_file():
            return {}
        lines = readme.read_text(encoding="utf-8", errors="replace").splitlines()
        if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
            return {}
        try:
            card = yaml.safe_load("\n".join(lines[1 : lines.index("---", 1)]))
        except yaml.YAMLError:
            return {}
        return card if isinstance(card, dict) else {}


@dataclass(frozen=True)
class Settings:
    """What `.hub.json` may say of a repository."""

    gated: bool = False
    renamed_to: str | None = None

    @classmethod
    def of(cls, root: Path) -> "Settings":
        path = root / SETTINGS
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else cls()


class Repositories:
    """The repositories under one folder, laid out as `<org>/<name>/files...`.

    Contents are hashed once for each path, size and time of change, so that a file that changes gives a new commit
    with the next request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hashes: dict[Path, tuple[int, int, str, str | None]] = {}
        self._lock = threading.Lock()

    def root(self, repo: str) -> Path | None:
        """The folder of a repository; None where there is none of that name."""
        org, _, name = repo.partition("/")
        if not org or not name or "/" in name or org.startswith(".") or name.startswith("."):
            return None
        root = self.folder / org / name
        return root if root.is_dir() else None

    def open(self, repo: str, revision: str) -> Repository | None:
        """One revision of a repository that is there: `main`, its commit, or a folder of `.refs`; else None."""
        base = self.folder / repo
        main = self._read(repo, base)
        if revision in ("main", main.commit):
            return main
        refs = base / REFS
        for head in sorted(folder for folder in refs.glob("*/*") if folder.is_dir()):
            other = self._read(repo, head)
            if revision in (f"refs/{head.relative_to(refs).as_posix()}", other.commit):
                return other
        return None

    def _read(self, repo: str, root: Path) -> Repository:
        return Repository(repo, root, tuple(self._file(root, path) for path in _walk(root)))

    def _file(self, root: Path, local: Path) -> HubFile:
        stat = local.stat()
        with self._lock:
            known = self._hashes.get(local)
        if known is None or known[:2] != (stat.st_size, stat.st_mtime_ns):
            known = (stat.st_size, stat.st_mtime_ns, *_hashes(local, stat.st_size))
            with self._lock:
                self._hashes[local] = known
        return HubFile(local.relative_to(root).as_posix(), local, stat.st_size, oid=known[2], sha256=known[3])


def _walk(root: Path) -> Iterator[Path]:
    """All files to be served under a folder, ordered by their paths as strings."""
    files = (path for path in root.rglob("*") if path.is_file())
    served = (path for path in files if _HIDDEN.isdisjoint(path.relative_to(root).parts))
    return iter(sorted(served, key=lambda path: path.relative_to(root).as_posix()))


def _hashes(local: Path, size: int) -> tuple[str, str | None]:
    """Git's id of the blob, and the SHA-256 of the content where the Hub would keep the file in LFS."""
    if local.suffix.lower() not in _LFS_SUFFIXES and size <= _LFS_BYTES:
        return _git_oid(local, size), None
    digest = hashlib.sha256()
    with local.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    pointer = lfs_pointer(digest.hexdigest(), size)
    oid = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer, usedforsecurity=False)
    return oid.hexdigest(), digest.hexdigest()


def _git_oid(local: Path, size: int) -> str:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with local.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The text that git keeps in place of a file in LFS."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
