"""What a source declares: where its rows come from, what was odd about them, and what they become."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.columns import ColumnTypes, Groups
from pipelines.layouts.layout import Parts
from pipelines.wanted import Wanted
from schemas.vocabulary import SIDES

Columns = Mapping[str, pl.Expr]
"""A family's columns as expressions over upstream's. `prompt` and the family's own are needed where they are not
nullable. Beside the family's columns, `when`: the rows that yield this family (all, where it is left out)."""

SHARED: Final = (
    "columns.py",
    "identity.py",
    "kernels/*.py",
    "normalise.py",
    "parts.py",
    "plans.py",
    "layouts/*.py",
    "reading/*.py",
)
"""Files of `pipelines` that shape records beside the source's own: their code is a part of it."""

_PINNED: Final = {"validation": "validation", "valid": "validation", "val": "validation", "dev": "validation"}


@dataclass(frozen=True)
class Read:
    """One config of a repository: which splits (names, or patterns such as `*`) are read, and what rows become.

    `columns`: upstream's columns that the expressions use, with their types (a `Column` where files differ); where
    the file lacks one, or has none of the groups `any_of` as a whole, reading fails with the columns found.
    `reject` and `skip`: conditions under which a row is a reject, or is left out on purpose, by reason; the first
    that is true applies. `part_of`: the row of the same file that yields the record which this one is a part of;
    null for rows that yield their own. `prepare`: reshapes a frame before the expressions run and keeps its column
    `row`, once or (a row of several records) more often; with `whole_file` it sees a file at once (trees), else
    batches. `made_with`: models that wrote its rows, beside those of the source.
    """

    config: str | None
    splits: tuple[str, ...]
    families: Mapping[str, Columns]
    columns: ColumnTypes
    any_of: Groups = ()
    data_files: Mapping[str, str] | None = None
    reject: Mapping[str, pl.Expr] = field(default_factory=dict)
    skip: Mapping[str, pl.Expr] = field(default_factory=dict)
    part_of: pl.Expr | None = None
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    whole_file: bool = False
    made_with: tuple[str, ...] = ()

    @classmethod
    def laid_out(
        cls,
        parts: Parts,
        *,
        config: str | None = None,
        splits: tuple[str, ...] = ("train",),
        data_files: Mapping[str, str] | None = None,
    ) -> "Read":
        """A read of rows in a layout that many sets share (`pipelines.layouts.known`)."""
        return cls(
            config=config,
            splits=splits,
            data_files=data_files,
            columns=parts.columns,
            prepare=parts.prepare,
            reject=parts.reject,
            families=parts.families,
            part_of=parts.part_of,
            whole_file=parts.whole_file,
        )

    @property
    def wanted(self) -> Wanted:
        """What the Hub is asked for."""
        return Wanted(config=self.config, splits=self.splits, data_files=self.data_files)


@dataclass(frozen=True)
class Source:
    """One data set of the Hub. `license` is what its card states (None: nothing); `language` BCP 47, if it is one.

    A repository that states a licence at the commit that is read is believed before it. `made_with`: models that wrote
    or rated its rows, by their makers' names: their terms may bind who trains on them. Empty: people or programs did;
    None: which ones is not known, or not of all its parts. `Read.made_with` says it of one config.
    `revision` pins a commit where a trap demands it. The docstring of the module says what is special. `files`: the
    file or folder that it is read from, where it is none of the Hub's; `repo` is then what stands for it in tables.
    `entry`: what `lake.yaml` says of it, where it was added there.
    """

    repo: str
    reads: tuple[Read, ...]
    license: str | None
    language: str | None = None
    revision: str | None = None
    made_with: tuple[str, ...] | None = None
    files: Path | None = None
    entry: str = ""
    module: str = field(default_factory=lambda: _calling_module(), compare=False)

    @property
    def families(self) -> tuple[str, ...]:
        """Families that its rows yield, each once."""
        return tuple(dict.fromkeys(name for read in self.reads for name in read.families))

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        return tuple(read.wanted for read in self.reads)

    @property
    def about(self) -> str:
        """The module's docstring; of a source that was added, what `lake.yaml` says."""
        if self.entry:
            return f"Added in lake.yaml: {self.entry}"
        return inspect.getdoc(sys.modules[self.module]) or ""

    @property
    def code(self) -> str:
        """Identity of the code that reads this source: a change of it makes records stale."""
        digest = hashlib.sha256()
        package = Path(__file__).parent.parent
        shared = [path for pattern in SHARED for path in sorted(package.glob(pattern))]
        for path in [Path(str(sys.modules[self.module].__file__)), *shared]:
            digest.update(path.read_bytes())
        digest.update(self.entry.encode())
        return digest.hexdigest()[:16]


def pinned_side(split: str) -> str | None:
    """The side that upstream's split pins its rows to; None for a split that is trained on."""
    name = split.lower()
    if name in SIDES:
        return None if name == "train" else name
    stem = name.replace("-", "_").split("_")[0]
    return "test" if stem == "test" else _PINNED.get(stem)


def _calling_module() -> str:
    """Name of the module that is declaring a source."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") in (__name__, "dataclasses"):
        frame = frame.f_back
    return str(frame.f_globals["__name__"]) if frame else __name__
