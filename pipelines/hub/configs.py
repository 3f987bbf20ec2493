"""Which files of a commit a config and its splits are made of: `datasets` knows, the Hub's own rules being there."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from huggingface_hub.hf_api import DatasetInfo

from pipelines.errors import TamisError
from pipelines.hub.commits import Commit
from pipelines.hub.connection import Connection
from pipelines.wanted import Wanted

_NAMED = 20  # of what is there, in an error about what is not


class Chosen(NamedTuple):
    """A wanted file. `number` counts from 0 in its config and split."""

    config: str
    split: str
    number: int
    path: str


def resolve(connection: Connection, repo: str, commit: Commit, info: DatasetInfo, wanted: Sequence[Wanted]) -> None:
    """Note in `commit` the files of the configs that are wanted and not noted yet. Some 8 requests a config.

    A config that is not there is noted nowhere.
    """
    for want in wanted:
        if want.data_files is None and (want.config or commit.default) not in commit.configs:
            _resolve_one(connection, repo, commit, want.config)
            if not connection.online and want.config and want.config not in commit.configs:
                _take_from_card(commit, info, want.config)


def choose(
    connection: Connection, repo: str, commit: Commit, wanted: Sequence[Wanted]
) -> tuple[list[Chosen], tuple[str, ...]]:
    """Each wanted file in order; and `config` or `config/split` that is absent, which online is a TamisError."""
    chosen: list[Chosen] = []
    absent: list[str] = []
    for want in wanted:
        config = want.config or (commit.default if want.data_files is None else None) or "default"
        if want.data_files is None and config not in commit.configs:
            _refuse_online(connection, repo, f"config {config}", sorted(commit.configs))
            absent.append(config)
            continue
        for split, paths, there in _splits(commit, config, want):
            if not paths:
                _refuse_online(connection, repo, f"split {split} of {config}", there)
                absent.append(f"{config}/{split}")
            chosen += [Chosen(config, split, number, path) for number, path in enumerate(paths)]
    return chosen, tuple(absent)


def _splits(commit: Commit, config: str, want: Wanted) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each wanted split, its files, and what there is; a pattern that no split matches stands for itself."""
    if want.data_files is not None:
        for split in want.splits:
            yield split, commit.matching(want.data_files[split]), sorted(commit.files)
        return
    splits = commit.configs[config]
    for pattern in want.splits:
        for split in [name for name in splits if fnmatchcase(name, pattern)] or [pattern]:
            yield split, splits.get(split, []), sorted(splits)


def _resolve_one(connection: Connection, repo: str, commit: Commit, config: str | None) -> None:
    import datasets

    if connection.endpoint != datasets.config.HF_ENDPOINT:
        raise TamisError(
            f"`datasets` was imported for another Hub, {datasets.config.HF_ENDPOINT}", cure="Use a new process."
        )
    where = connection.where(repo)
    # the scheme keeps a folder of that name in the working directory from being taken for the repository
    name = f"hf://datasets/{commit.repo}"
    pinned = {"revision": commit.revision, "token": connection.token}
    no_files = (datasets.data_files.EmptyDatasetError, datasets.exceptions.DataFilesNotFoundError)
    try:
        builder = connection.ask(repo, lambda: datasets.load_dataset_builder(name, config, **pinned))
    except no_files:
        return
    except FileNotFoundError as error:  # the card names a file that is not there
        if connection.online:
            raise TamisError(f"cannot be resolved: {error}.", where=where, cure="Name its data_files.") from error
        return
    except ValueError as error:
        names = connection.ask(repo, lambda: datasets.get_dataset_config_names(name, **pinned))
        if config is None:
            cure = f"Name one of {', '.join(names)}."
            raise TamisError("has several configs and no default.", where=where, cure=cure) from error
        if config in names:
            cure = "Name its files in data_files."
            raise TamisError(f"config {config} cannot be resolved: {error}", where=where, cure=cure) from error
        _refuse_online(connection, repo, f"config {config}", names)
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


def _take_from_card(commit: Commit, info: DatasetInfo, config: str) -> None:
    """A config of a folder that holds a part of its repository, where `datasets` gives up on the whole."""
    stated = info.card_data.get("configs") if info.card_data else None
    for described in stated or []:
        files = described.get("data_files")
        if described.get("config_name") == config and isinstance(files, list):
            splits = {part["split"]: part["path"] for part in files if isinstance(part, dict)}
            commit.configs[config] = {split: commit.matching(path) for split, path in splits.items()}


def _refuse_online(connection: Connection, repo: str, what: str, there: Sequence[str]) -> None:
    if connection.online:
        more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
        cure = f"It has {', '.join(there[:_NAMED]) or 'no data files'}{more}."
        raise TamisError(f"has no {what}.", where=connection.where(repo), cure=cure)
