"""The only module that talks to a Hub: what a source reads there, pinned to a commit, on this disk.

`huggingface_hub` fetches files, `datasets` says which files a config and its splits are made of. Both freeze endpoint
and cache when they are first imported: set `HF_ENDPOINT`, `HF_HUB_CACHE` and `HF_DATASETS_CACHE` before this module is
imported (`pipelines.workspace` does).
"""

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlparse

import httpx2
from fsspec.utils import glob_translate  # type: ignore[import-untyped]
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url, set_client_factory
from huggingface_hub.hf_api import DatasetInfo, RepoFile
from huggingface_hub.utils._http import hf_request_event_hook

from pipelines.errors import TamisError
from pipelines.hub_errors import Absent, is_full, patiently
from pipelines.wanted import Progress, Snapshot, UpstreamFile, Wanted

__all__ = ["Absent", "Hub", "Snapshot", "UpstreamFile", "Wanted"]

T = TypeVar("T")

_COMMIT = re.compile(r"[0-9a-f]{40}")
_DOWNLOADS = 4  # at once
_SECONDS = 60.0  # without a byte before a connection counts as broken
_ANSWERS = ".tamis-1"  # the form of what is kept; beside `blobs` and `snapshots` in a repository's folder of the cache
_CHUNK = 1 << 20


@dataclass
class _Commit:
    """What the Hub said of one commit: kept as JSON, since a commit never changes."""

    repo: str
    revision: str
    files: dict[str, tuple[int, str]] = field(default_factory=dict)  # path: (size, etag)
    configs: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # config: split: paths
    default: str | None = None  # the config that None stands for


class _Stopped(Exception):  # noqa: N818 -- ends the other downloads after a failure or Ctrl-C
    pass


class Hub:
    """A Hub and the cache of what was fetched from it.

    `endpoint` is its address, None the one that `HF_ENDPOINT` names. `cache` is the folder in `HF_HUB_CACHE`. On the
    `online` Hub a missing config or split is an error; in a folder's Hub it is listed as absent. A Hub on loopback
    never gets the user's token. Raises TamisError where this process already belongs to another Hub or cache.
    """

    def __init__(self, endpoint: str | None, cache: Path, *, online: bool) -> None:
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self.cache = cache
        self.online = online
        loopback = (urlparse(self.endpoint).hostname or "") in {"127.0.0.1", "localhost", "::1"}
        if self.endpoint != constants.ENDPOINT or Path(constants.HF_HUB_CACHE) != cache:
            raise TamisError(
                f"this process belongs to the Hub {constants.ENDPOINT} with the cache {constants.HF_HUB_CACHE}, "
                f"not to {self.endpoint} with {cache}.",
                cure="Use a new process, and set HF_ENDPOINT and HF_HUB_CACHE before the first import.",
            )
        self._token = False if loopback or not online else None
        self._api = HfApi(endpoint=self.endpoint, token=self._token)
        _use_client(loopback)

    def revision(self, repo: str, at: str = "main") -> str:
        """The commit that `at` (a branch, a tag, `refs/convert/parquet`, a commit) stands for: 40 hex digits.

        Raises TamisError; Absent where the Hub has no such repository.
        """
        return str(self._info(repo, at).sha)

    def snapshot(
        self,
        repo: str,
        wanted: Sequence[Wanted],
        *,
        revision: str | None = None,
        progress: Progress | None = None,
    ) -> Snapshot:
        """Fetch what is wanted of a commit (the newest of `main` by default) and check every file's content.

        Files that are there are not fetched again; a download that breaks off is resumed. `progress` gets the file's
        path, and the bytes fetched and to fetch of the whole snapshot. Raises TamisError; Absent where the Hub has no
        such repository. Nothing half-written is left behind.
        """
        info = self._info(repo, revision or "main")
        commit = self._commit(repo, info, wanted)
        chosen = self._chosen(repo, commit, info, wanted)
        self._fetch(repo, commit, list(dict.fromkeys(file.path for file in chosen.files)), progress)
        return chosen

    def look(self, repo: str, wanted: Sequence[Wanted], *, revision: str | None = None) -> tuple[Snapshot, int]:
        """What `snapshot` would give now, and the bytes that it would fetch for it; nothing but the card is fetched.

        Files that are not here yet have the place where they will be as `local`. Raises as `snapshot` does.
        """
        info = self._info(repo, revision or "main")
        commit = self._commit(repo, info, wanted)
        chosen = self._chosen(repo, commit, info, wanted)
        missing = self._missing(commit, {file.path for file in chosen.files})
        return chosen, sum(commit.files[path][0] for path in missing)

    def _chosen(self, repo: str, commit: _Commit, info: DatasetInfo, wanted: Sequence[Wanted]) -> Snapshot:
        chosen, absent = self._choose(repo, commit, wanted)
        files = tuple(
            UpstreamFile(config, split, number, path, self._local(commit, path), *commit.files[path])
            for config, split, number, path in chosen
        )
        return Snapshot(commit.repo, repo, commit.revision, _license(info), files, absent)

    def _info(self, repo: str, at: str) -> DatasetInfo:
        info = self._patiently(
            repo, lambda: self._api.dataset_info(repo, revision=None if at == "main" else at, timeout=_SECONDS)
        )
        if not _COMMIT.fullmatch(info.sha or ""):
            raise TamisError("the Hub names no commit.", where=self._where(repo), cure="Check HF_ENDPOINT.")
        return info

    def _commit(self, repo: str, info: DatasetInfo, wanted: Sequence[Wanted]) -> _Commit:
        """The files of a commit and the configs that are wanted, from disk where the Hub was asked before."""
        commit = _Commit(info.id, str(info.sha))
        kept = self._folder(commit) / _ANSWERS / f"{commit.revision}.json"
        if kept.exists():
            commit = _Commit(**json.loads(kept.read_text(encoding="utf-8")))
        before = len(commit.files), len(commit.configs)
        if not commit.files:
            commit.files = self._patiently(repo, lambda: self._tree(commit))
        if info.gated:
            self._check_access(repo, commit)
        for want in wanted:
            if want.data_files is None and (want.config or commit.default) not in commit.configs:
                self._resolve(repo, commit, want.config)
                if not self.online and want.config and want.config not in commit.configs:
                    _take_from_card(commit, info, want.config)
        if (len(commit.files), len(commit.configs)) != before:
            _write_whole(kept, json.dumps(commit.__dict__))
        return commit

    def _tree(self, commit: _Commit) -> dict[str, tuple[int, str]]:
        entries = self._api.list_repo_tree(commit.repo, repo_type="dataset", revision=commit.revision, recursive=True)
        files = (entry for entry in entries if isinstance(entry, RepoFile))
        return {file.path: (file.size, file.lfs.sha256 if file.lfs else file.blob_id) for file in files}

    def _check_access(self, repo: str, commit: _Commit) -> None:
        """`datasets` hides why a gated repository cannot be read; a file's metadata says it."""
        for path in list(commit.files)[:1]:
            url = hf_hub_url(commit.repo, path, repo_type="dataset", revision=commit.revision, endpoint=self.endpoint)
            self._patiently(repo, lambda: get_hf_file_metadata(url, token=self._token, endpoint=self.endpoint))  # noqa: B023

    def _resolve(self, repo: str, commit: _Commit, config: str | None) -> None:
        """Ask `datasets` which files a config has, and note its answer in `commit`.

        A config that is not there is noted nowhere. Some 8 requests.
        """
        import datasets  # type: ignore[import-untyped]

        if self.endpoint != datasets.config.HF_ENDPOINT:
            raise TamisError(f"`datasets` was imported for another Hub, {datasets.config.HF_ENDPOINT}.")
        where = self._where(repo)
        # the scheme keeps a folder of that name in the working directory from being taken for the repository
        name = f"hf://datasets/{commit.repo}"
        pinned = {"revision": commit.revision, "token": self._token}
        no_files = (datasets.data_files.EmptyDatasetError, datasets.exceptions.DataFilesNotFoundError)
        try:
            builder = self._patiently(repo, lambda: datasets.load_dataset_builder(name, config, **pinned))
        except no_files:
            return
        except FileNotFoundError as error:  # the card names a file that is not there
            if self.online:
                raise TamisError(f"cannot be resolved: {error}.", where=where, cure="Name its data_files.") from error
            return
        except ValueError as error:
            names = self._patiently(repo, lambda: datasets.get_dataset_config_names(name, **pinned))
            if config is None:
                cure = f"Name one of {', '.join(names)}."
                raise TamisError("has several configs and no default.", where=where, cure=cure) from error
            if config in names:
                raise TamisError(f"config {config} cannot be resolved: {error}", where=where) from error
            return
        except RuntimeError as error:  # a loading script
            cure = "Name its files in data_files, or read the revision refs/convert/parquet."
            raise TamisError(f"cannot be resolved: {error}.", where=where, cure=cure) from error
        if builder.hash != commit.revision:  # what `datasets` falls back to when it cannot ask
            raise TamisError("`datasets` answered for another commit from its cache.", where=where, cure="Run again.")
        root = f"hf://datasets/{commit.repo}@{commit.revision}/"
        splits = builder.config.data_files or {}
        commit.configs[builder.config.name] = {
            str(split): [path.removeprefix(root) for path in paths] for split, paths in splits.items()
        }
        if config is None:
            commit.default = builder.config.name

    def _choose(
        self, repo: str, commit: _Commit, wanted: Sequence[Wanted]
    ) -> tuple[list[tuple[str, str, int, str]], tuple[str, ...]]:
        """(config, split, number, path) of each wanted file in order; and what is absent."""
        chosen: list[tuple[str, str, int, str]] = []
        absent: list[str] = []
        for want in wanted:
            config = want.config or (commit.default if want.data_files is None else None) or "default"
            if want.data_files is None and config not in commit.configs:
                self._refuse_online(repo, f"config {config}", sorted(commit.configs))
                absent.append(config)
                continue
            for split in want.splits:
                paths = (
                    _matching(commit, want.data_files[split])
                    if want.data_files is not None
                    else commit.configs[config].get(split, [])
                )
                if not paths:
                    self._refuse_online(repo, f"split {split} of {config}", self._there(commit, want, config))
                    absent.append(f"{config}/{split}")
                chosen += [(config, split, number, path) for number, path in enumerate(paths)]
        return chosen, tuple(absent)

    def _there(self, commit: _Commit, want: Wanted, config: str) -> list[str]:
        return sorted(commit.files if want.data_files is not None else commit.configs[config])

    def _refuse_online(self, repo: str, what: str, there: Sequence[str]) -> None:
        if self.online:
            some = ", ".join(there[:20]) + (f" and {len(there) - 20} more" if len(there) > 20 else "")
            raise TamisError(f"has no {what}.", where=self._where(repo), cure=f"It has {some or 'no data files'}.")

    def _fetch(self, repo: str, commit: _Commit, paths: Sequence[str], progress: Progress | None) -> None:
        """Bring files to the cache and check their content; the first failure ends the others."""
        missing = self._missing(commit, paths)
        needed = sum(commit.files[path][0] for path in missing)
        self._check_space(repo, needed)
        verified = _Verified(self._folder(commit) / _ANSWERS / "verified.json")
        meter = _Meter(needed, progress)
        pool = ThreadPoolExecutor(_DOWNLOADS, thread_name_prefix="hub")
        try:
            for future in [pool.submit(self._fetch_one, repo, commit, path, verified, meter) for path in paths]:
                future.result()
        except OSError as error:
            if is_full(error):
                raise self._full(repo, needed) from error
            raise
        finally:
            meter.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            verified.save()

    def _fetch_one(self, repo: str, commit: _Commit, path: str, verified: "_Verified", meter: "_Meter") -> None:
        _, etag = commit.files[path]
        for force in (False, True):
            local = self._patiently(repo, lambda: self._download(commit, path, meter, force=force))  # noqa: B023
            if verified.holds(local, etag):
                return
        blob = local.resolve()
        local.unlink()
        blob.unlink(missing_ok=True)
        cure = "Run again; if it stays, the Hub serves something else than it lists."
        raise TamisError(f"{path} came damaged twice: its content is not {etag}.", where=self._where(repo), cure=cure)

    def _download(self, commit: _Commit, path: str, meter: "_Meter", *, force: bool) -> Path:
        bar: Any = partial(_Bar, meter, path)
        return Path(
            self._api.hf_hub_download(
                commit.repo,
                path,
                repo_type="dataset",
                revision=commit.revision,
                cache_dir=self.cache,
                force_download=force,
                tqdm_class=bar,
            )
        )

    def _check_space(self, repo: str, needed: int) -> None:
        there = next(folder for folder in (self.cache, *self.cache.parents) if folder.exists())
        if needed > shutil.disk_usage(there).free:
            raise self._full(repo, needed)

    def _full(self, repo: str, needed: int) -> TamisError:
        cure = f"Free {needed:,} bytes there, or choose another disk with TAMIS_HOME (online: HF_HUB_CACHE)."
        return TamisError(f"no space is left in {self.cache}: {needed:,} bytes are needed.", where=repo, cure=cure)

    def _missing(self, commit: _Commit, paths: Sequence[str] | set[str]) -> list[str]:
        blobs = self._folder(commit) / "blobs"
        return [
            path
            for path in paths
            if not (blobs / commit.files[path][1]).exists() and not self._local(commit, path).exists()
        ]

    def _folder(self, commit: _Commit) -> Path:
        return self.cache / f"datasets--{commit.repo.replace('/', '--')}"

    def _local(self, commit: _Commit, path: str) -> Path:
        return self._folder(commit) / "snapshots" / commit.revision / path

    def _where(self, repo: str) -> str:
        return f"{repo} ({self.endpoint})"

    def _patiently(self, repo: str, call: Callable[[], T]) -> T:
        return patiently(call, where=self._where(repo), page=f"{self.endpoint}/datasets/{repo}")


class _Meter:
    """Bytes fetched of a snapshot, over all threads."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._done, self._stopped, self._lock = 0, False, threading.Lock()

    def stop(self) -> None:
        self._stopped = True

    def add(self, path: str, size: int) -> None:
        if self._stopped:
            raise _Stopped
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


class _Verified:
    """Which files of a repository were found to be what the Hub lists, by content id, size and time of change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[int]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self._changed = False

    def holds(self, local: Path, etag: str) -> bool:
        stat = local.stat()
        seen = [stat.st_size, stat.st_mtime_ns]
        if self._known.get(etag) != seen:
            if _content_id(local, stat.st_size, sha256=len(etag) == hashlib.sha256().digest_size * 2) != etag:
                return False
            self._known[etag] = seen
            self._changed = True
        return True

    def save(self) -> None:
        if self._changed:
            _write_whole(self._path, json.dumps(self._known))


def _content_id(local: Path, size: int, *, sha256: bool) -> str:
    """SHA-256 of a file, or git's id of it as a blob."""
    digest = hashlib.sha256() if sha256 else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with local.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _matching(commit: _Commit, globs: str | tuple[str, ...]) -> list[str]:
    """Files that globs match, each glob's in order of their paths. A glob that is a file's path is that file."""
    found: dict[str, None] = {}
    for glob in (globs,) if isinstance(globs, str) else globs:
        pattern = re.compile(glob_translate(glob))
        found |= dict.fromkeys([glob] if glob in commit.files else sorted(filter(pattern.match, commit.files)))
    return list(found)


def _take_from_card(commit: _Commit, info: DatasetInfo, config: str) -> None:
    """A config of a folder that holds a part of its repository, where `datasets` gives up on the whole."""
    stated = info.card_data.get("configs") if info.card_data else None
    for described in stated or []:
        files = described.get("data_files")
        if described.get("config_name") == config and isinstance(files, list):
            splits = {part["split"]: part["path"] for part in files if isinstance(part, dict)}
            commit.configs[config] = {
                split: _matching(commit, path if isinstance(path, str) else tuple(path))
                for split, path in splits.items()
            }


def _license(info: DatasetInfo) -> str | None:
    stated = info.card_data.get("license") if info.card_data else None
    return " AND ".join(stated) if isinstance(stated, list) else stated


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


@cache
def _use_client(loopback: bool) -> None:
    """Bound how long the clients wait (they would for ever), and keep proxies and .netrc away from loopback.

    Once a process: a change closes the connections that other threads use.
    """
    set_client_factory(
        partial(
            httpx2.Client,
            follow_redirects=True,
            timeout=_SECONDS,
            trust_env=not loopback,
            event_hooks={"request": [hf_request_event_hook]},
        )
    )
