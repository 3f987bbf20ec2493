"""Files of a commit brought to the cache, several at once, each checked against what the Hub lists.

`huggingface_hub` lays the cache out and makes its links, but starts a download anew that another process had begun.
So the bytes come by its `http_get` into a file of their own, named for the content, which the next run goes on with.
"""

import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

from huggingface_hub import hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.utils._headers import build_hf_headers

from pipelines.errors import TamisError, no_space
from pipelines.hub.cache import Cache, Verified
from pipelines.hub.commits import Commit
from pipelines.hub.connection import Connection
from pipelines.hub.errors import STOP, check_wanted
from pipelines.locks import Tell, hold
from pipelines.wanted import Progress

_AT_ONCE = 4


def fetch(
    connection: Connection,
    cache: Cache,
    repo: str,
    commit: Commit,
    paths: Sequence[str],
    progress: Progress | None,
    tell: Tell | None,
) -> None:
    """Fetch what is missing and check the content of all; the first failure, or Ctrl-C, ends the other downloads.

    Another process that fetches from this repository is waited for; `tell` hears of it.
    """
    with hold(cache.lock(commit.repo), f"a download of {repo}", tell):
        needed = cache.to_fetch(commit, paths)
        _check_space(cache.root, needed)
        same: dict[str, list[str]] = {}
        for path in paths:
            same.setdefault(commit.files[path][1], []).append(path)
        job = _Job(connection, cache, repo, commit, cache.verified(commit.repo), _Meter(needed, progress))
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hub")
        try:
            done, _ = wait([pool.submit(job.bring, *named) for named in same.values()], return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:
            job.meter.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            job.verified.save()


@dataclass(frozen=True)
class _Job:
    """What the threads of one `fetch` share."""

    connection: Connection
    cache: Cache
    repo: str
    commit: Commit
    verified: Verified
    meter: "_Meter"

    def bring(self, path: str, *others: str) -> None:
        """Have the files at these paths, which have one content, in the cache and right."""
        STOP.set(self.meter.stop)
        etag = self.commit.files[path][1]
        for _ in range(2):
            self.connection.ask(self.repo, partial(self._complete, path))
            for name in (path, *others):
                self.connection.ask(self.repo, partial(self._link, name))
            if self.verified.holds(self.cache.local(self.commit, path), etag):
                return
            for name in (path, *others):
                self.cache.local(self.commit, name).unlink()
            self.cache.blob(self.commit, path).unlink(missing_ok=True)
        raise TamisError(
            f"{path} came damaged twice: its content is not {etag}.",
            where=self.connection.where(self.repo),
            cure="Run again; if it stays, the Hub serves something else than it lists.",
        )

    def _complete(self, path: str) -> None:
        """Fetch the rest of a file's content."""
        blob, part = self.cache.blob(self.commit, path), self.cache.part(self.commit, path)
        if blob.exists() or self.cache.local(self.commit, path).exists():
            return
        part.parent.mkdir(parents=True, exist_ok=True)
        where = {"repo_type": "dataset", "revision": self.commit.revision, "endpoint": self.connection.endpoint}
        bar: Any = partial(_Bar, self.meter, path)
        with part.open("ab") as file:
            http_get(
                hf_hub_url(self.commit.repo, path, **where),
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(token=self.connection.token),
                expected_size=self.commit.files[path][0],
                tqdm_class=bar,
            )
        part.replace(blob)

    def _link(self, path: str) -> None:
        """Show the content that is there under its path in the snapshot."""
        self.connection.api.hf_hub_download(
            self.commit.repo,
            path,
            repo_type="dataset",
            revision=self.commit.revision,
            cache_dir=self.cache.root,
        )


def _check_space(root: Path, needed: int) -> None:
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    if needed > shutil.disk_usage(there).free:
        raise no_space(root, needed)


class _Meter:
    """Bytes fetched of a snapshot, over all threads; and whether they are to stop."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.stop = Event()
        self._total, self._progress = total, progress
        self._done, self._lock = 0, Lock()

    def add(self, path: str, size: int) -> None:
        check_wanted()
        with self._lock:
            self._done = max(self._done + size, 0)
            if self._progress:
                self._progress(path, min(self._done, self._total), self._total)


class _Bar:
    """What `huggingface_hub` takes for a tqdm bar."""

    def __init__(self, meter: _Meter, path: str, **_: object) -> None:
        self._meter, self._path = meter, path

    def update(self, size: int) -> None:
        self._meter.add(self._path, size)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        return None
