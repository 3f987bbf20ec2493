"""A plan: what a run would do with each source, the lake and each recipe, and what that needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

TABLES: Final = 1.1
"""Bytes of the lake's tables for a byte upstream: measured on 21 MB of the seven sources' real rows."""

EXPORTS: Final = 0.45
"""Bytes of one recipe's exports for a byte upstream: measured on the same rows, nearly all of them kept."""

_UNITS: Final = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_COMMIT: Final = 12


@dataclass(frozen=True)
class SourcePlan:
    """What a run would do with one source.

    `license`: that of the commit; `commit`: the one now, and `read_at`, that of its last run. `why`: reason -> files
    that are read for it; `standing`: files whose records stay as they are; `leaving`: files that upstream no longer
    has. `absent`: configs and splits that a folder's Hub lacks. `to_fetch`, `to_read` and `upstream`: bytes, the last
    of all its files. `rows` to read, an estimate or an upper bound unless `counted`; None where neither is known.
    `problem`: why it is ABSENT (the Hub does not have it) or FAILED.
    """

    name: str
    word: Literal["new", "changed", "unchanged", "ABSENT", "FAILED"]
    problem: str = ""
    license: str | None = None
    commit: str = ""
    read_at: str = ""
    why: Mapping[str, int] = field(default_factory=dict)
    standing: int = 0
    leaving: int = 0
    absent: tuple[str, ...] = ()
    to_fetch: int = 0
    to_read: int = 0
    upstream: int = 0
    rows: int | None = 0
    counted: bool = True
    seconds: float | None = 0.0

    @property
    def said(self) -> str:
        """What happens to it, in words."""
        if self.problem:
            return f"{self.word}: {self.problem}"
        commit = self.commit[:_COMMIT]
        moved = f"{self.read_at[:_COMMIT]} -> {commit}" if self.read_at not in ("", self.commit) else f"at {commit}"
        files = [f"{count} file{'s' if count > 1 else ''} {reason}" for reason, count in self.why.items()]
        files += [f"{self.standing} as read"] if self.standing and self.why else []
        files += [f"{self.leaving} gone"] if self.leaving else []
        more = f" and {len(self.absent) - 1} more" if len(self.absent) > 1 else ""
        files += [f"this Hub lacks {self.absent[0]}{more}"] if self.absent else []
        return f"{self.word} {moved}" + (f": {', '.join(files)}" if files else "")


@dataclass(frozen=True)
class RunPlan:
    """A training run: `tokens` that carry loss, the base `model`. `seconds` is None where it never ran here."""

    name: str
    tokens: int
    model: str
    seconds: float | None


@dataclass(frozen=True)
class RecipePlan:
    """What a run would do with a recipe: `why` its ledger is made anew, in words; empty where its last pass stands.

    `effect`: what the edit of its file would change of its last pass, in words; empty where it was not edited.
    `problem`: why its file cannot be read. `shut_out`: sources that its licence policy drops, each with why.
    """

    name: str
    why: tuple[str, ...] = ()
    effect: str = ""
    problem: str = ""
    seconds: float | None = 0.0
    runs: tuple[RunPlan, ...] = ()
    shut_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Disk:
    """A disk that a run writes to: bytes `needed` (about) and `free` at `place`."""

    place: Path
    needed: int
    free: int


@dataclass(frozen=True)
class Plan:
    """What a run would do; `str()` of it is what `tamis plan` prints.

    `others`: sources that are not refreshed. `lake`: why a new lake state is opened, in words; empty where it stands.
    """

    hub: str
    sources: tuple[SourcePlan, ...]
    others: tuple[str, ...]
    lake: tuple[str, ...]
    recipes: tuple[RecipePlan, ...]
    disks: tuple[Disk, ...]

    @property
    def to_fetch(self) -> int:
        return sum(source.to_fetch for source in self.sources)

    @property
    def rows(self) -> int | None:
        """Upstream rows to read; None where they cannot be known for some source."""
        known = [source.rows for source in self.sources if source.rows is not None]
        return sum(known) if len(known) == len(self.sources) else None

    @property
    def seconds(self) -> float:
        """Seconds of the steps that ran here before."""
        return sum(seconds for _, seconds in self._steps() if seconds is not None)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Steps of which nothing like it ran in this workspace, so that nobody knows how long they take."""
        return tuple(name for name, seconds in self._steps() if seconds is None)

    @property
    def holds(self) -> bool:
        """Whether every source can be asked for, every recipe be read, and the disks have room."""
        fails = any(source.word == "FAILED" for source in self.sources) or any(r.problem for r in self.recipes)
        return not fails and all(disk.needed <= disk.free for disk in self.disks)

    def _steps(self) -> Iterator[tuple[str, float | None]]:
        yield from ((source.name, source.seconds) for source in self.sources)
        for recipe in self.recipes:
            yield f"recipe {recipe.name}", recipe.seconds
            yield from ((f"run {run.name}", run.seconds) for run in recipe.runs)

    def __str__(self) -> str:
        return "\n".join([f"a run on {self.hub} would do this:", *self._doing(), "", *self._needing()])

    __repr__ = __str__

    def _doing(self) -> Iterator[str]:
        width = max([len(source.name) for source in self.sources] + [len("source")])
        yield ""
        yield f"{'source':<{width}}  {'fetch':>9}  {'read':>9}  {'rows':>11}"
        for one in self.sources:
            sizes = "  ".join(f"{size(n) if n else '-':>9}" for n in (one.to_fetch, one.to_read))
            yield f"{one.name:<{width}}  {sizes}  {_rows(one.rows, one.counted):>11}  {one.said}"
        if self.others:
            yield f"not refreshed: {', '.join(self.others)}"
        yield ""
        yield f"lake state: {'; '.join(self.lake) or 'stands'}"
        for recipe in self.recipes:
            yield f"recipe {recipe.name}: {recipe.problem or '; '.join(recipe.why) or 'stands'}"
            yield from ([f"  {recipe.effect}"] if recipe.effect else [])
            yield from (f"  licence: {told}" for told in recipe.shut_out)
            yield from (f"  run {run.name}: {run.tokens:,} tokens, {run.model}" for run in recipe.runs)

    def _needing(self) -> Iterator[str]:
        counted = all(source.counted for source in self.sources)
        yield f"fetch  {size(self.to_fetch)}"
        yield f"rows   {_rows(self.rows, counted) if self.rows != 0 else 'none'}"
        for disk in self.disks:
            short = "" if disk.needed <= disk.free else "  NOT ENOUGH: free some, or set TAMIS_HOME"
            yield f"disk   about {size(disk.needed)} of {size(disk.free)} free in {disk.place}{short}"
        guess = f"about {duration(self.seconds)}, as past runs of this workspace took" if self.seconds else ""
        lacking = f"unknown for what never ran here: {', '.join(self.unknown)}" if self.unknown else ""
        yield f"time   {'; '.join(part for part in (guess, lacking) if part) or 'next to none'}"


def _rows(rows: int | None, counted: bool) -> str:
    if rows is None:
        return "unknown"
    return "-" if rows == 0 else f"{rows:,}" if counted else f"~{rows:,}"


def size(count: int) -> str:
    """Bytes as people say them: `1.2 GB`."""
    for unit, worth in _UNITS:
        if count >= worth:
            return f"{count / worth:.3g} {unit}" if count < 1000 * worth else f"{count / worth:,.0f} {unit}"
    return f"{count} bytes"


def duration(seconds: float) -> str:
    """Seconds as people say them: `2.5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
