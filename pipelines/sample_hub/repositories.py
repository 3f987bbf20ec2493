"""The sample Hub's repositories: clean rows with planted defects, benchmarks of invented items; from a fixed seed."""

import contextlib
import fcntl
import functools
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.sample_hub import catalogue, manifest, sample
from pipelines.sample_hub.cards import REPOSITORIES, card
from pipelines.sample_hub.files import encoded
from pipelines.sample_hub.generators import benchmarks

_MADE_BY: Final = ".made-by"
"""In the folder, beside the repositories, and so never served: the identity of the code that wrote them."""

_NOT_GENERATING: Final = {"server.py", "repository.py"}


def ensure(folder: Path, planted: Path) -> bool:
    """Have the sample's repositories in `folder` and the manifest of their defects at `planted`.

    They are written where they are not there or were made by other code, and are there whole or not at all. Gives
    whether they were written. Of several processes at once one writes, the others wait.
    """
    with _alone(folder):
        note = folder / _MADE_BY
        if planted.is_file() and note.is_file() and note.read_text(encoding="utf-8") == identity():
            return False
        scratch = folder.with_name(f".{folder.name}.new")
        shutil.rmtree(scratch, ignore_errors=True)
        plants = write(scratch)
        (scratch / _MADE_BY).write_text(identity(), encoding="utf-8")
        planted.unlink(missing_ok=True)  # it is written last: without it the folder counts as unfinished
        if folder.exists():
            shutil.rmtree(folder)
        scratch.rename(folder)
        part = planted.with_name(f".{planted.name}.new")
        manifest.write(plants, part)
        part.replace(planted)
    return True


def write(folder: Path, seed: int = sample.SEED) -> pl.DataFrame:
    """Write every repository as `<folder>/<organisation>/<name>/...`; gives the manifest of what was planted."""
    contents, plants = sample.planted(seed)
    for (source, path), content in contents.items():
        _put(folder / sample.REPOSITORIES[source] / path, content)
    for repo, files in benchmarks.files().items():
        for path, content in files.items():
            _put(folder / repo / path, content)
    for made, file in catalogue.files(seed):
        _put(folder / made.repo / made.place(file), encoded(file.path, file.frame))
    for repo in REPOSITORIES:
        _put(folder / repo / "README.md", card(repo))
    return plants


@functools.cache
def identity() -> str:
    """A hash of the generator's code, content and seed."""
    digest = hashlib.sha256(str(sample.SEED).encode())
    package = Path(__file__).parent
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".yaml") and path.name not in _NOT_GENERATING:
            digest.update(f"{path.relative_to(package).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from writing the same folder; a holder that dies holds nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
