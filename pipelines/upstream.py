"""Where upstream is now: the commit of each source's repository."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipelines.errors import TamisError
from pipelines.hub import Absent, Hub
from pipelines.sources.source import Source

_AT_ONCE = 4


@dataclass(frozen=True)
class Upstream:
    """What a look at the Hub found, by source: the commit, or why there is none.

    `absent`: a folder's Hub does not have the repository. `failed`: gated, gone, or the Hub could not be reached.
    """

    commits: Mapping[str, str]
    absent: Mapping[str, Absent]
    failed: Mapping[str, TamisError]


def look(hub: Hub, sources: Mapping[str, Source]) -> Upstream:
    """Ask for each source's commit; one that cannot be had hides no other."""

    def ask(source: Source) -> str | TamisError:
        try:
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
