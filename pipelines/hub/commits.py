"""What the Hub said of one commit: kept beside the files, since a commit never changes."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fsspec.utils import glob_translate

from pipelines.files import write_whole


@dataclass
class Commit:
    """One commit. `configs` holds those that were asked for."""

    repo: str
    revision: str
    files: dict[str, tuple[int, str]] = field(default_factory=dict)  # path: (size, etag)
    configs: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # config: split: paths
    default: str | None = None  # the config that None stands for

    @classmethod
    def kept(cls, path: Path) -> "Commit | None":
        """What was kept at `path`; None if the Hub was not asked yet."""
        if not path.exists():
            return None
        commit = cls(**json.loads(path.read_text(encoding="utf-8")))
        commit.files = {name: (size, etag) for name, (size, etag) in commit.files.items()}
        return commit

    def keep(self, path: Path) -> None:
        write_whole(path, json.dumps(asdict(self)))

    def matching(self, globs: str | Sequence[str]) -> list[str]:
        """Files that globs match, each glob's in order of their paths. A glob that is a file's path is that file."""
        found: dict[str, None] = {}
        for glob in (globs,) if isinstance(globs, str) else globs:
            pattern = re.compile(glob_translate(glob))
            found |= dict.fromkeys([glob] if glob in self.files else sorted(filter(pattern.match, self.files)))
        return list(found)
