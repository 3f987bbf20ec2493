"""What is asked of a Hub, and what comes of it. No Hub library is needed to say either.

`pipelines.hub` fetches it; whoever only declares sources or reads the lake does without the Hub's libraries.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str, int, int], None]
"""Gets a file's path, and the bytes fetched and to fetch of the whole snapshot."""


@dataclass(frozen=True)
class Wanted:
    """What a source reads of its repository.

    `config` is a name as the card or `datasets` has it, None the default. `splits` are names or patterns of them (`*`
    is every split of the config). `data_files` (split to glob or globs in the
    repository) bypasses both where they are wrong or missing: scripts, HH-RLHF's folders, loose files; `config` is
    then only a label.
    """

    config: str | None
    splits: tuple[str, ...]
    data_files: Mapping[str, str | tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        if self.data_files is not None and (missing := set(self.splits) - set(self.data_files)):
            raise ValueError(f"no data_files for the splits {sorted(missing)}")


@dataclass(frozen=True)
class UpstreamFile:
    """One file of a split. `number` counts from 0 in its config and split, in upstream's order.

    `path` is the place in the repository, `local` on this disk; `etag` identifies the content: the SHA-256 of a file
    in LFS, else the id of git's blob.
    """

    config: str
    split: str
    number: int
    path: str
    local: Path
    size: int
    etag: str


@dataclass(frozen=True)
class Snapshot:
    """The files that were wanted of one commit.

    `asked` is the name as configured, `repo` as the Hub answers (other than `asked` after a rename). `license` is the
    card's. `absent` lists `config` or `config/split` that a folder's Hub does not have.
    """

    repo: str
    asked: str
    revision: str
    license: str | None
    files: tuple[UpstreamFile, ...]
    absent: tuple[str, ...]
