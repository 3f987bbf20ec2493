"""What `tamis inspect` shows: configs, splits, columns, rows, and which layout fits and why the others do not."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.plan.what import size
from pipelines.unseen.bind import Columns
from pipelines.unseen.fits import Fit, best, fits
from pipelines.unseen.place import Found, Part, is_local, local, look_at, remote
from pipelines.unseen.sample import ROWS, Sample, sampled
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.hub import Hub

_SHOWN: Final = 3
_WIDTH: Final = 160
_REASONS: Final = 2


@dataclass(frozen=True)
class Inspection:
    """`str()` of it is what `tamis inspect` prints. `seen`: the split whose first file's rows were looked at."""

    found: Found
    seen: Part
    file: Path
    sample: Sample
    fits: tuple[Fit, ...]

    @property
    def best(self) -> Fit | None:
        """The layout that is claimed, if one fits well enough."""
        return best(list(self.fits))

    def __str__(self) -> str:
        return "\n".join([*self._place(), "", *self._columns(), "", *self._rows(), "", *self._layouts()])

    __repr__ = __str__

    def _place(self) -> Iterator[str]:
        found = self.found
        what = "folder" if found.local and found.local.is_dir() else "file" if found.local else "repository"
        yield f"{found.name}: a {what} of {size(found.size)}"
        if found.local is None:
            yield f"  commit {found.revision}{f' ({found.pinned})' if found.pinned else ''}"
            yield f"  licence {found.license or 'none stated'}"
        for part in found.parts:
            name = f"{part.config or 'default'}/{part.split}"
            count = len(part.files)
            yield f"  {name}: {count} file{'' if count == 1 else 's'}, {size(sum(part.files.values()))}"
        if found.others:
            yield f"  and the configs {', '.join(found.others)}: --config looks at one"

    def _columns(self) -> Iterator[str]:
        total = f" of {self.sample.total:,}" if self.sample.total is not None else ""
        seen = f"{self.seen.config or 'default'}/{self.seen.split}"
        broken = f", and {self.sample.broken} that cannot be read" if self.sample.broken else ""
        rows = f"the first {len(self.sample.rows):,}{total} rows"
        yield f"columns, by {rows} of {next(iter(self.seen.files))} ({seen}){broken}"
        width = max(map(len, self.sample.columns))
        yield from (f"  {name:<{width}}  {type_}" for name, type_ in self.sample.columns.items())

    def _rows(self) -> Iterator[str]:
        width = max(map(len, self.sample.columns))
        for number, row in enumerate(self.sample.rows[:_SHOWN]):
            yield f"row {number}"
            yield from (f"  {name:<{width}}  {_short(row.get(name))}" for name in self.sample.columns)

    def _layouts(self) -> Iterator[str]:
        yield "layouts, by how well they fit"
        width = max(len(fit.layout) for fit in self.fits)
        for fit in self.fits:
            if not fit.score:
                yield f"  {'-':>4}  {fit.layout:<{width}}  {fit.why}"
                continue
            yield f"  {fit.score:.2f}  {fit.layout:<{width}}  {played(fit.columns)}"
            made = ", ".join(f"{count:,} of {family}" for family, count in fit.families.items())
            yield f"  {'':4}  {'':<{width}}  {fit.yielding:,} of {fit.rows:,} rows give records: {made}"
            for reason, count in list(fit.reasons.items())[:_REASONS]:
                yield f"  {'':4}  {'':<{width}}  {count:,} rejects: {reason}"
            if fit.left_out:
                yield f"  {'':4}  {'':<{width}}  leaves out {', '.join(fit.left_out)}"
        yield ""
        if self.best is None:
            yield "No layout fits. `tamis add --layout L --column role=name` says what it cannot see."
        else:
            where = self.found.local or self.found.name
            config = f" --config {self.seen.config}" if self.seen.config else ""
            yield f"`tamis add {where}{config}` makes it a source with the layout {self.best.layout}."


def inspect(
    what: str,
    hub: "Hub | None",
    workspace: Workspace,
    *,
    config: str | None = None,
    splits: tuple[str, ...] = (),
    revision: str | None = None,
) -> Inspection:
    """Look at a repository, a file or a folder. `hub` may be None for what is local. TamisError where there is nothing.

    Files up to 32 MB are fetched whole, of others the first rows.
    """
    if is_local(what):
        found = local(what)
    else:
        assert hub is not None
        found = remote(hub, what, config=config, revision=revision)
    part = found.part(config, splits)
    file = look_at(found, part, hub, workspace, ROWS)
    sample = sampled(file)
    return Inspection(found, part, file, sample, tuple(fits(file, sample)))


def played(columns: Columns) -> str:
    """Which columns play which role, in words."""
    return ", ".join(f"{role}: {said if isinstance(said, str) else ' '.join(said)}" for role, said in columns.items())


def _short(value: Any) -> str:  # noqa: ANN401 -- what JSON holds
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text[: 4 * _WIDTH].split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
