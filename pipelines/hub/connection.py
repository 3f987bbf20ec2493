"""A connection to one Hub: its address, whose token it gets, and how long it is waited for."""

import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlparse

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_url, set_client_factory
from huggingface_hub.hf_api import DatasetInfo, RepoFile
from huggingface_hub.utils._http import hf_raise_for_status, hf_request_event_hook

from pipelines.errors import TamisError
from pipelines.hub.commits import Commit
from pipelines.hub.errors import PASSING, Place, check_wanted, patiently

T = TypeVar("T")

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SECONDS = 30.0  # without a byte before a connection counts as broken


class Connection:
    """`endpoint` None is the one that `HF_ENDPOINT` names. Only the `online` Hub gets the user's token, and never one
    on loopback. Raises TamisError where this process already belongs to another Hub or cache."""

    def __init__(self, endpoint: str | None, cache: Path, *, online: bool) -> None:
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self.online = online
        loopback = (urlparse(self.endpoint).hostname or "") in {"127.0.0.1", "localhost", "::1"}
        if self.endpoint != constants.ENDPOINT or Path(constants.HF_HUB_CACHE) != cache:
            raise TamisError(
                f"this process belongs to the Hub {constants.ENDPOINT} with the cache {constants.HF_HUB_CACHE}, "
                f"not to {self.endpoint} with {cache}.",
                cure="Use a new process, and set HF_ENDPOINT and HF_HUB_CACHE before the first import.",
            )
        self.token = False if loopback or not online else None
        self.api = HfApi(endpoint=self.endpoint, token=self.token)
        _use_client(loopback)

    def info(self, repo: str, at: str) -> DatasetInfo:
        """Card and commit of a repository at a branch, tag, reference or commit."""
        revision = None if at == "main" else at
        info = self.ask(repo, lambda: self.api.dataset_info(repo, revision=revision, timeout=_SECONDS))
        if not _COMMIT.fullmatch(info.sha or ""):
            raise TamisError("the Hub names no commit.", where=self.where(repo), cure="Check HF_ENDPOINT.")
        return info

    def tree(self, repo: str, commit: Commit) -> dict[str, tuple[int, str]]:
        """Size and content id of every file of a commit, by path."""

        def entries() -> dict[str, tuple[int, str]]:
            listed = self.api.list_repo_tree(commit.repo, repo_type="dataset", revision=commit.revision, recursive=True)
            files = (entry for entry in listed if isinstance(entry, RepoFile))
            return {file.path: (file.size, file.lfs.sha256 if file.lfs else file.blob_id) for file in files}

        return self.ask(repo, entries)

    def check_access(self, repo: str, commit: Commit) -> None:
        """`datasets` hides why a gated repository cannot be read; a file's metadata says it."""
        path = next(iter(commit.files), None)
        if path is not None:
            url = hf_hub_url(commit.repo, path, repo_type="dataset", revision=commit.revision, endpoint=self.endpoint)
            self.ask(repo, lambda: get_hf_file_metadata(url, token=self.token, endpoint=self.endpoint))

    def where(self, repo: str) -> str:
        return f"{repo} ({self.endpoint})"

    def ask(self, repo: str, call: Callable[[], T]) -> T:
        """Call the Hub with patience; see `patiently`."""
        place = Place(self.where(repo), f"{self.endpoint}/datasets/{repo}", may_be_absent=not self.online)
        return patiently(call, place)


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
            event_hooks={"request": [_before, hf_request_event_hook], "response": [_after]},
        )
    )


def _before(_: httpx2.Request) -> None:
    check_wanted()


def _after(response: httpx2.Response) -> None:
    """Leave the patience to `patiently`: the clients have their own, which would multiply with it and cannot stop."""
    if response.status_code in PASSING:
        response.read()
        hf_raise_for_status(response)
