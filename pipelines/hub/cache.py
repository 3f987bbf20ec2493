"""The cache of what was fetched, laid out by `huggingface_hub`, and which of its files are known to be right."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pipelines.files import write_whole
from pipelines.hub.commits import Commit

_ANSWERS = ".tamis-1"  # the form of what is kept; beside `blobs` and `snapshots` in a repository's folder of the cache
_CHUNK = 1 << 20


class Cache:
    """The folder in `HF_HUB_CACHE`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def answers(self, repo: str, revision: str) -> Path:
        """Where it is kept what the Hub said of a commit."""
        return self._folder(repo) / _ANSWERS / f"{revision}.json"

    def local(self, commit: Commit, path: str) -> Path:
        return self._folder(commit.repo) / "snapshots" / commit.revision / path

    def blob(self, commit: Commit, path: str) -> Path:
        """Where the content of a file lies, whatever its path in a commit."""
        return self._folder(commit.repo) / "blobs" / commit.files[path][1]

    def part(self, commit: Commit, path: str) -> Path:
        """What was fetched of a content that is not complete yet."""
        return self.blob(commit, path).with_suffix(".tamis-part")

    def lock(self, repo: str) -> Path:
        """Held while files of the repository are fetched."""
        return self._folder(repo) / _ANSWERS / "fetching"

    def to_fetch(self, commit: Commit, paths: Iterable[str]) -> int:
        """Bytes that are not there of the files at these paths."""
        missing = {}
        for path in paths:
            size, etag = commit.files[path]
            if not self.blob(commit, path).exists() and not self.local(commit, path).exists():
                part = self.part(commit, path)
                missing[etag] = max(size - (part.stat().st_size if part.exists() else 0), 0)
        return sum(missing.values())

    def verified(self, repo: str) -> "Verified":
        return Verified(self._folder(repo) / _ANSWERS / "verified.json")

    def _folder(self, repo: str) -> Path:
        return self.root / f"datasets--{repo.replace('/', '--')}"


class Verified:
    """Which files of a repository were found to be what the Hub lists, by content id, size and time of change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[int]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self._changed = False

    def holds(self, local: Path, etag: str) -> bool:
        """Whether the file's content is what `etag` names; reads it unless it is known and unchanged."""
        stat = local.stat()
        seen = [stat.st_size, stat.st_mtime_ns]
        if self._known.get(etag) != seen:
            if content_id(local, stat.st_size, sha256=len(etag) == hashlib.sha256().digest_size * 2) != etag:
                return False
            self._known[etag] = seen
            self._changed = True
        return True

    def save(self) -> None:
        if self._changed:
            write_whole(self._path, json.dumps(self._known))


def content_id(local: Path, size: int, *, sha256: bool) -> str:
    """SHA-256 of a file of `size` bytes, or git's id of it as a blob."""
    digest = hashlib.sha256() if sha256 else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with local.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
