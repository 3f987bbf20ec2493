"""The Hub as sources see it: which commit a repository is at, and a verified copy of what they want of it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from huggingface_hub.hf_api import DatasetInfo

from pipelines.errors import writing
from pipelines.hub.cache import Cache
from pipelines.hub.commits import Commit
from pipelines.hub.configs import choose, resolve
from pipelines.hub.connection import Connection
from pipelines.hub.downloads import fetch
from pipelines.hub.errors import NoRevision
from pipelines.hub.sight import config_names, first_rows
from pipelines.locks import Tell
from pipelines.wanted import Progress, Snapshot, UpstreamFile, Wanted

_PINNED: Final = re.compile(r"[0-9a-f]{7,40}")


class Hub:
    """A Hub and the cache of what was fetched from it.

    `endpoint` is its address, None the one that `HF_ENDPOINT` names. `cache` is the folder in `HF_HUB_CACHE`. On the
    `online` Hub a missing repository, config or split is an error; a folder's Hub may hold a part of what there is: a
    repository raises Absent, a config or split is listed as absent. It holds one state of a repository, which stands
    for a pinned commit that it does not know. A Hub on loopback never gets the user's token.
    Raises TamisError where this process already belongs to another Hub or cache.
    """

    def __init__(self, endpoint: str | None, cache: Path, *, online: bool) -> None:
        self._connection = Connection(endpoint, cache, online=online)
        self._cache = Cache(cache)

    @property
    def endpoint(self) -> str:
        return self._connection.endpoint

    @property
    def online(self) -> bool:
        return self._connection.online

    def revision(self, repo: str, at: str = "main") -> str:
        """The commit that `at` (a branch, a tag, `refs/convert/parquet`, a commit) stands for: 40 hex digits.

        Raises TamisError: Absent where a folder's Hub has no such repository, Unreachable where trying later may help.
        """
        return str(self._info(repo, at).sha)

    def snapshot(
        self,
        repo: str,
        wanted: Sequence[Wanted],
        *,
        revision: str | None = None,
        progress: Progress | None = None,
        tell: Tell | None = None,
    ) -> Snapshot:
        """Fetch what is wanted of a commit (the newest of `main` by default) and check every file's content.

        Files that are there are not fetched again; a download that breaks off is resumed, by this run or the next.
        `tell` hears of another process that is waited for. Raises as `revision` does.
        """
        with writing(self._cache.root):
            commit, chosen = self._choose(repo, wanted, revision)
            paths = list(dict.fromkeys(file.path for file in chosen.files))
            fetch(self._connection, self._cache, repo, commit, paths, progress, tell)
        return chosen

    def look(self, repo: str, wanted: Sequence[Wanted], *, revision: str | None = None) -> tuple[Snapshot, int]:
        """What `snapshot` would give now, and the bytes that it would fetch for it; nothing but the card is fetched.

        Files that are not here yet have the place where they will be as `local`. Raises as `snapshot` does.
        """
        with writing(self._cache.root):
            commit, chosen = self._choose(repo, wanted, revision)
        return chosen, self._cache.to_fetch(commit, [file.path for file in chosen.files])

    def configs(self, repo: str, *, revision: str | None = None) -> list[str]:
        """Names of a repository's configs; none where it has no files that the Hub's own rules find. Raises as
        `revision` does."""
        info = self._info(repo, revision or "main")
        return config_names(self._connection, Commit(info.id, str(info.sha)))

    def paths(self, repo: str, *, revision: str | None = None) -> dict[str, int]:
        """Every file of a commit and its size in bytes. Raises as `revision` does."""
        with writing(self._cache.root):
            commit, _ = self._choose(repo, (), revision)
        return {path: size for path, (size, _) in commit.files.items()}

    def first_rows(self, repo: str, path: str, into: Path, *, rows: int, revision: str | None = None) -> None:
        """Write the first rows of a file to another one, without fetching all of it. Raises as `revision` does."""
        info = self._info(repo, revision or "main")
        first_rows(self._connection, Commit(info.id, str(info.sha)), path, into, rows)

    def _choose(self, repo: str, wanted: Sequence[Wanted], revision: str | None) -> tuple[Commit, Snapshot]:
        info = self._info(repo, revision or "main")
        commit = self._commit(repo, info, wanted)
        chosen, absent = choose(self._connection, repo, commit, wanted)
        files = tuple(
            UpstreamFile(*file, self._cache.local(commit, file.path), *commit.files[file.path]) for file in chosen
        )
        return commit, Snapshot(commit.repo, repo, commit.revision, _license(info), files, absent)

    def _info(self, repo: str, at: str) -> DatasetInfo:
        try:
            return self._connection.info(repo, at)
        except NoRevision:
            if self.online or not _PINNED.fullmatch(at):
                raise
        return self._connection.info(repo, "main")

    def _commit(self, repo: str, info: DatasetInfo, wanted: Sequence[Wanted]) -> Commit:
        """The files of a commit and the configs that are wanted, from disk where the Hub was asked before."""
        answers = self._cache.answers(info.id, str(info.sha))
        commit = Commit.kept(answers) or Commit(info.id, str(info.sha))
        known = len(commit.files), len(commit.configs)
        if not commit.files:
            commit.files = self._connection.tree(repo, commit)
        if info.gated:
            self._connection.check_access(repo, commit)
        resolve(self._connection, repo, commit, info, wanted)
        if (len(commit.files), len(commit.configs)) != known:
            commit.keep(answers)
        return commit


def _license(info: DatasetInfo) -> str | None:
    stated = info.card_data.get("license") if info.card_data else None
    return " AND ".join(stated) if isinstance(stated, list) else stated
