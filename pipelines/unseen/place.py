"""What there is at a place that nobody declared: a repository of the Hub, a file, or a folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines import local_files
from pipelines.errors import TamisError
from pipelines.wanted import Wanted
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.hub import Hub

_REPO: Final = re.compile(r"[\w.-]+/[\w.-]+")
_MOST_CONFIGS: Final = 12
"""Configs whose files are asked for where none is named: each costs some requests."""
_WHOLE: Final = 32 << 20
"""Bytes up to which a file is fetched whole to be looked at; the run that follows has it then."""
CONVERTED: Final = "refs/convert/parquet"


@dataclass(frozen=True)
class Part:
    """A split of a config: its files and their bytes. `config` is None where the repository has but the default."""

    config: str | None
    split: str
    files: dict[str, int]


@dataclass(frozen=True)
class Found:
    """`name`: the repository, or the path. `others`: configs that were not asked about. `data_files`: split -> glob,
    where the Hub's own rules find nothing and files are told by their names. `revision` of a file or folder is None;
    `pinned`: whether it has to be named to get these files."""

    name: str
    parts: tuple[Part, ...]
    local: Path | None = None
    revision: str | None = None
    pinned: str | None = None
    license: str | None = None
    others: tuple[str, ...] = ()
    data_files: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(size for part in self.parts for size in part.files.values())

    @property
    def configs(self) -> list[str | None]:
        return list(dict.fromkeys(part.config for part in self.parts))

    def part(self, config: str | None, splits: Sequence[str]) -> Part:
        """The first split of a config that is wanted (that trains, where none is named), the default's where None.

        TamisError where there is none.
        """
        mine = [part for part in self.parts if config is None or part.config == config]
        first = next((part for part in mine if part.split in splits), None) if splits else None
        first = first or (None if splits else next((part for part in mine if part.split.startswith("train")), None))
        first = first or (None if splits else next(iter(mine), None))
        if first is None:
            there = sorted({f"{part.config or 'default'}/{part.split}" for part in self.parts})
            wanted = "/".join([config or "default", *splits])
            raise TamisError(f"has no {wanted}", where=self.name, cure=f"It has {', '.join(there) or 'no data'}.")
        return first


def is_local(what: str) -> bool:
    """Whether a file or a folder is meant, rather than a repository: it is there, or it is written as a path."""
    return what.startswith((".", "/", "~")) or Path(what).exists() or not _REPO.fullmatch(what)


def local(what: str) -> Found:
    """A file or a folder. TamisError as `local_files.listed` says."""
    place = Path(what).expanduser().absolute()
    splits: dict[str, dict[str, int]] = {}
    for one in local_files.listed(place):
        splits.setdefault(one.split, {})[one.path] = one.place.stat().st_size
    return Found(str(place), tuple(Part(None, split, files) for split, files in splits.items()), local=place)


def remote(hub: "Hub", repo: str, *, config: str | None = None, revision: str | None = None) -> Found:
    """A repository. TamisError: Absent where a folder's Hub does not have it, Unreachable where waiting may help."""
    names = hub.configs(repo, revision=revision)
    if not names:
        return _by_names(hub, repo, revision)
    if config is not None and config not in names:
        raise TamisError(f"has no config {config}", where=repo, cure=f"It has {', '.join(names)}.")
    names.sort(key=lambda name: name != "default")  # where there is one, it is what `load_dataset` gives
    asked = [config] if config else names[:_MOST_CONFIGS]
    lone = None if names == ["default"] else names[0] if len(names) == 1 else ""
    snapshot, _ = hub.look(repo, [Wanted(name, ("*",)) for name in asked], revision=revision)
    splits: dict[tuple[str, str], dict[str, int]] = {}
    for file in snapshot.files:
        splits.setdefault((file.config, file.split), {})[file.path] = file.size
    return Found(
        snapshot.repo,
        tuple(Part(name if lone == "" else lone, split, files) for (name, split), files in splits.items()),
        revision=snapshot.revision,
        pinned=revision,
        license=snapshot.license,
        others=tuple(name for name in names if name not in asked),
    )


def _by_names(hub: "Hub", repo: str, revision: str | None) -> Found:
    """A repository in which the Hub's own rules find nothing: by the names of its files, or its converted parquet."""
    paths = hub.paths(repo, revision=revision)
    rows = {path: size for path, size in paths.items() if local_files.form_of(path) and not _is_about(path)}
    if not rows and revision is None:
        try:
            return _converted(hub, repo)
        except TamisError as error:
            cure = "Name another revision."
            raise TamisError("has no file of rows, and the Hub converted none", where=repo, cure=cure) from error
    splits: dict[str, dict[str, int]] = {}
    for path, size in rows.items():
        splits.setdefault(local_files.split_of(Path(path).parts), {})[path] = size
    snapshot, _ = hub.look(repo, (), revision=revision)
    return Found(
        snapshot.repo,
        tuple(Part(None, split, files) for split, files in splits.items()),
        revision=snapshot.revision,
        pinned=revision,
        license=snapshot.license,
        data_files={split: _glob(list(files)) for split, files in splits.items()},
    )


def _converted(hub: "Hub", repo: str) -> Found:
    """The parquet that the Hub made of a repository that is a script."""
    snapshot, _ = hub.look(repo, (), revision=CONVERTED)
    splits: dict[tuple[str, str], dict[str, int]] = {}
    for path, size in hub.paths(repo, revision=CONVERTED).items():
        config, _, rest = path.partition("/")
        split = rest.partition("/")[0]
        if path.endswith(".parquet"):
            splits.setdefault((config, split.removeprefix("partial-")), {})[path] = size
    if not splits:
        raise TamisError("has no converted parquet", where=repo)
    first = next(iter(splits))[0]
    mine = {split: files for (config, split), files in splits.items() if config == first}
    return Found(
        snapshot.repo,
        tuple(Part(None, split, files) for split, files in mine.items()),
        revision=snapshot.revision,
        pinned=CONVERTED,
        license=snapshot.license,
        others=tuple(sorted({config for config, _ in splits} - {first})),
        data_files={split: _glob(list(files)) for split, files in mine.items()},
    )


def _is_about(path: str) -> bool:
    """Whether a file is about the repository rather than of it."""
    return Path(path).name in ("dataset_infos.json", "dataset_info.json") or any(
        part.startswith(".") for part in Path(path).parts
    )


def _glob(paths: list[str]) -> str:
    """A glob of files of one split: the file itself, else all of their form in their folder."""
    if len(paths) == 1:
        return paths[0]
    folders = {str(Path(path).parent) for path in paths}
    form = local_files.form_of(paths[0]) or ""
    ending = paths[0][paths[0].lower().rfind(form) :]
    folder = folders.pop() if len(folders) == 1 else "**"
    return f"*{ending}" if folder == "." else f"{folder}/*{ending}"


def look_at(found: Found, part: Part, hub: "Hub | None", workspace: Workspace, rows: int) -> Path:
    """A file on this disk with the first rows of a split: the file itself, or what was fetched of it."""
    path, size = next(iter(part.files.items()))
    if found.local is not None:
        return found.local if found.local.is_file() else found.local / path
    assert hub is not None
    revision = found.pinned or found.revision
    if size <= _WHOLE:
        wanted = Wanted("sample", ("sample",), {"sample": path})
        snapshot = hub.snapshot(found.name, [wanted], revision=revision)
        return snapshot.files[0].local
    into = workspace.path / "looked-at" / found.name.replace("/", "--") / Path(path).name.removesuffix(".gz")
    into.parent.mkdir(parents=True, exist_ok=True)
    hub.first_rows(found.name, path, into, rows=rows, revision=revision)
    return into
