"""Where upstream is now: the commit of each source's repository, or what its files hold; and a copy of that."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipelines import local_files
from pipelines.errors import TamisError
from pipelines.hub import Absent, Hub
from pipelines.locks import Tell
from pipelines.sources.source import Source
from pipelines.wanted import Snapshot
from pipelines.workspace import Workspace

_AT_ONCE = 4


@dataclass(frozen=True)
class Upstream:
    """What a look at the Hub found, by source: the commit, or why there is none.

    `absent`: a folder's Hub does not have the repository. `failed`: gated, gone, or the Hub could not be reached.
    """

    commits: Mapping[str, str]
    absent: Mapping[str, Absent]
    failed: Mapping[str, TamisError]


def snapshot(hub: Hub, workspace: Workspace, source: Source, tell: Tell | None = None) -> Snapshot:
    """Our copy of what the source reads; raises as `Hub.snapshot` and `local_files.snapshot` do."""
    if source.files is not None:
        return local_files.snapshot(workspace, source)
    return hub.snapshot(source.repo, source.wanted, revision=source.revision, tell=tell)


def planned(hub: Hub, workspace: Workspace, source: Source) -> tuple[Snapshot, int]:
    """What `snapshot` would give now, and the bytes that it would fetch or copy."""
    if source.files is not None:
        return local_files.look(workspace, source)
    return hub.look(source.repo, source.wanted, revision=source.revision)


def look(hub: Hub, workspace: Workspace, sources: Mapping[str, Source]) -> Upstream:
    """Ask for each source's commit; one that cannot be had hides no other."""

    def ask(source: Source) -> str | TamisError:
        try:
            if source.files is not None:
                return local_files.revision(workspace, source)
            return hub.revision(source.repo, source.revision or "main")
        except TamisError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upstream") as pool:
        found = dict(zip(sources, pool.map(ask, sources.values()), strict=True))
    return Upstream(
        commits={name: commit for name, commit in found.items() if isinstance(commit, str)},
        absent={name: error for name, error in found.items() if isinstance(error, Absent)},
        failed={
            name: error
            for name, error in found.items()
            if isinstance(error, TamisError) and not isinstance(error, Absent)
        },
    )
