"""A data set becomes a source after a trial on its rows: an entry in `lake.yaml`, or a file of `pipelines/sources/`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pipelines.lake_settings as settings
from pipelines.errors import TamisError
from pipelines.lake_settings import Added, lake_settings
from pipelines.layouts.known import LAYOUTS
from pipelines.recipe import how_taken
from pipelines.sources import catalogued, sources
from pipelines.unseen.bind import Columns
from pipelines.unseen.entry import appended, source_file
from pipelines.unseen.fits import Fit, completed, kept_columns, on_columns
from pipelines.unseen.inspection import Inspection, played
from pipelines.workspace import ROOT

SOURCES: Final = ROOT / "pipelines" / "sources"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN: Final = ("argilla", "all")


@dataclass(frozen=True)
class Wish:
    """What a user says of a source; None and empty stand for what is found out. `columns`: by role."""

    name: str | None = None
    layout: str | None = None
    columns: Columns | None = None
    keep: tuple[str, ...] | None = None
    splits: tuple[str, ...] = ()
    licence: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Addition:
    """A source that was added; `str()` of it says what to do next. `file`: where it is written."""

    name: str
    fit: Fit
    file: Path
    left: tuple[str, ...]

    def __str__(self) -> str:
        made = ", ".join(f"{count:,} of {family}" for family, count in self.fit.families.items())
        lines = [
            f"{self.name} is a source now, in {self.file}",
            f"  layout {self.fit.layout}: {played(self.fit.columns)}",
            f"  {self.fit.yielding:,} of the first {self.fit.rows:,} rows give records: {made}",
        ]
        lines += [f"  {count:,} rejects: {reason}" for reason, count in self.fit.reasons.items()]
        lines += [f"  leaves out {', '.join(self.fit.left_out)}"] if self.fit.left_out else []
        aside = ", ".join(self.left)
        lines += [f"  not read: {aside} (--split, or --config with another --name)"] if aside else []
        lines += ["next", *(f"  {line}" for line in how_taken(self.name))]
        lines += ["  in Dagster's page: Deployment > Reload definitions (a page that is open knows the old ones)"]
        lines += [f"  make run SOURCES={self.name}"]
        return "\n".join(lines)

    __repr__ = __str__


def add(seen: Inspection, wish: Wish) -> Addition:
    """Append the source to `lake.yaml`, whose other text stays as it is. Nothing is written unless rows give records.

    TamisError for a name that exists or is none, a layout, role or column that there is not, and rows that no layout
    fits.
    """
    name, fit, entry, left = _decided(seen, wish)
    file = settings.LAKE_FILE
    lake_settings()  # an error in it is told before it is appended to
    appended(file, name, entry)
    _forget()
    return Addition(name, fit, file, left)


def write_file(seen: Inspection, wish: Wish, folder: Path = SOURCES) -> Addition:
    """Write the source as a file of the catalogue instead, to be edited. Of repositories only; errors as `add` has."""
    if seen.found.local is not None:
        raise TamisError(
            "the catalogue holds repositories of the Hub",
            where=str(seen.found.local),
            cure="Leave out --file: lake.yaml takes files and folders.",
        )
    name, fit, entry, left = _decided(seen, wish)
    file = folder / f"{name}.py"
    if file.exists():
        raise TamisError("is there already", where=str(file), cure="Name another with --name.")
    file.write_text(source_file(name, entry), encoding="utf-8")
    _forget()
    return Addition(name, fit, file, left)


def _forget() -> None:
    sources.cache_clear()
    catalogued.cache_clear()


def _decided(seen: Inspection, wish: Wish) -> tuple[str, Fit, Added, tuple[str, ...]]:
    name = _name(seen, wish)
    fit = _fit(seen, wish)
    read, left = _splits(seen, wish)
    left += tuple(f"{part.config}/{part.split}" for part in seen.found.parts if part.config != seen.seen.config)
    left += seen.found.others
    found = seen.found
    data_files = {split: glob for split, glob in found.data_files.items() if split in read} or None
    entry = Added(
        repo=None if found.local else found.name,
        files=str(found.local) if found.local else None,
        revision=found.pinned,
        config=seen.seen.config,
        splits=read,
        data_files=data_files,
        layout=fit.layout,
        columns=fit.columns,
        keep=list(fit.keep),
        licence=wish.licence or found.license,
        language=wish.language,
    )
    return name, fit, entry, left


def _name(seen: Inspection, wish: Wish) -> str:
    place = seen.found.local
    stem = place.name.partition(".")[0] if place else seen.found.name.rpartition("/")[2]
    made = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    name = wish.name or (made if made[:1].isalpha() else f"set_{made}".rstrip("_"))
    if not _NAME.fullmatch(name):
        raise TamisError(
            f"{name!r} is no name of a source", cure="Names are of a-z, 0-9 and _, and begin with a letter."
        )
    if name in sources() or name in _TAKEN:
        cure = "Name another with --name, or take the entry out first."
        raise TamisError(f"there is a source {name} already", where=str(settings.LAKE_FILE), cure=cure)
    return name


def _fit(seen: Inspection, wish: Wish) -> Fit:
    said = wish.columns or {}
    for name in wish.keep or ():
        _check_column(name, seen)
    layout = wish.layout or (_of_roles(seen, said) if said else None)
    if layout is None:
        best = seen.best
        if best is None:
            near = "; ".join(f"{fit.layout} ({fit.why or f'{fit.score:.2f}'})" for fit in seen.fits[:3])
            raise TamisError(
                f"no layout fits its rows well enough: {near}",
                where=seen.found.name,
                cure="`tamis inspect` says why; --layout and --column role=name state what it cannot see.",
            )
        if wish.keep is not None:
            return on_columns(best.layout, seen.file, best.columns, wish.keep, seen.sample)
        return best
    if layout not in LAYOUTS:
        raise TamisError(f"there is no layout {layout!r}", cure=f"There are {', '.join(LAYOUTS)}.")
    columns = completed(layout, seen.sample, said)
    _check(layout, columns, seen)
    keep = wish.keep if wish.keep is not None else kept_columns(seen.sample, columns)
    fit = on_columns(layout, seen.file, columns, keep, seen.sample)
    if not fit.yielding:
        raise TamisError(
            f"the layout {layout}: {fit.why}", where=seen.found.name, cure="Name other columns, or another."
        )
    return replace(fit, why="")


def _of_roles(seen: Inspection, said: Columns) -> str:
    """The best layout that has the roles that a user names columns for."""
    able = [name for name, layout in LAYOUTS.items() if all(role in layout.roles for role in said)]
    if not able:
        raise TamisError(f"no layout has the roles {', '.join(said)}", cure="Name it with --layout.")
    # Where none was recognised, the most general one claims the least.
    return next((fit.layout for fit in seen.fits if fit.score and fit.layout in able), able[-1])


def _check(layout: str, columns: Columns, seen: Inspection) -> None:
    """TamisError for roles and columns that there are not, and where the layout lacks some."""
    known = LAYOUTS[layout]
    for role, names in columns.items():
        if role not in known.roles:
            cure = f"It has {', '.join(known.roles)}."
            raise TamisError(f"the layout {layout} has no role {role!r}", cure=cure)
        for name in [names] if isinstance(names, str) else names:
            _check_column(name.partition(".")[0], seen)
    if not any(all(role in columns for role in group) for group in known.needs):
        cure = "Name them with --column role=name."
        raise TamisError(f"the layout {layout} needs columns for {known.needed()}", where=seen.found.name, cure=cure)


def _check_column(name: str, seen: Inspection) -> None:
    if name not in seen.sample.columns:
        cure = f"It has {', '.join(seen.sample.columns)}."
        raise TamisError(f"there is no column {name!r}", where=seen.found.name, cure=cure)


def _splits(seen: Inspection, wish: Wish) -> tuple[list[str], tuple[str, ...]]:
    """The splits to read, and those that are left: of a repository the one for training, where there is one.

    A file or a folder is read whole, since it is the team's own.
    """
    there = [part.split for part in seen.found.parts if part.config == seen.seen.config]
    if wish.splits:
        odd = [split for split in wish.splits if split not in there and "*" not in split]
        if odd:
            raise TamisError(f"has no split {odd[0]}", where=seen.found.name, cure=f"It has {', '.join(there)}.")
        return list(wish.splits), ()
    if seen.found.local is not None:
        return ["*"], ()
    if "train" in there:
        return ["train"], tuple(split for split in there if split != "train")
    return there if seen.found.data_files else ["*"], ()


def keys(columns: Sequence[str]) -> Columns:
    """`role=name` (or `role=name,name`) of the command line, as columns by role. TamisError for another form."""
    said: Columns = {}
    for text in columns:
        role, equals, names = text.partition("=")
        if not equals or not role or not names:
            raise TamisError(
                f"{text!r} is not role=name", where="--column", cure="For instance: --column prompt=question"
            )
        listed = [name.strip() for name in names.split(",")]
        said[role] = listed[0] if len(listed) == 1 else listed
    return said
