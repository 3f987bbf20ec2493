"""What a signal is: a number for each record, or for each part of one, with its unit, meaning and source.

A signal has no threshold in it: what is too much is for a recipe's rules to say.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import polars as pl

from schemas.families import FAMILIES, Family

Unit = Literal["0 or 1", "characters", "words", "turns", "tokens", "count", "share", "score"]

TEXT: Final = ("prompt", "reasoning", "completion", "chosen", "rejected")
SAID: Final = ("reasoning", "completion", "chosen", "rejected")
ANSWERS: Final = ("completion", "chosen", "rejected")


@dataclass(frozen=True)
class Part:
    """One part of a record as a signal's function sees it: columns of the view that `signals` prepares."""

    name: str

    @property
    def text(self) -> pl.Expr:
        """All its text but system messages, a blank line between messages; null where the part is."""
        return pl.col(self.name)

    def count(self, what: str) -> pl.Expr:
        """One of the counts of `characters` and `repetition` over its text."""
        return pl.col(f"{self.name}.{what}")


@dataclass(frozen=True)
class Signal:
    """A measure of records. `parts`: those it is taken of, one column each; empty: one column for the whole record.

    `source` says where the measure comes from, where somebody else defined it.
    """

    name: str
    unit: Unit
    about: str
    source: str
    families: tuple[str, ...]
    parts: tuple[str, ...]
    of_part: Callable[[Part], pl.Expr] | None = None
    of_record: Callable[[Family], pl.Expr] | None = None

    def columns(self, family: Family) -> dict[str, pl.Expr]:
        """Column -> expression over the view of a family's records; empty where the signal does not apply to it."""
        if family.name not in self.families:
            return {}
        if self.of_record is not None:
            return {self.name: self.of_record(family)}
        assert self.of_part is not None
        return {f"{part}_{self.name}": self.of_part(Part(part)) for part in self.parts if part in family.parts}


SIGNALS: Final[dict[str, Signal]] = {}
"""Every signal by name, in the order of the modules; filled when `pipelines.quality.signals` is imported."""


def of_part(
    *, unit: Unit, parts: tuple[str, ...] = TEXT, source: str = ""
) -> Callable[[Callable[[Part], pl.Expr]], Callable[[Part], pl.Expr]]:
    """Register a function as a signal of each of `parts`; its name is the signal's, its docstring the meaning."""

    def register(function: Callable[[Part], pl.Expr]) -> Callable[[Part], pl.Expr]:
        families = tuple(name for name, family in FAMILIES.items() if set(parts) & set(family.parts))
        _add(Signal(function.__name__, unit, _about(function), source, families, parts, of_part=function))
        return function

    return register


def of_record(
    *, unit: Unit, families: tuple[str, ...], source: str = ""
) -> Callable[[Callable[[Family], pl.Expr]], Callable[[Family], pl.Expr]]:
    """Register a function as a signal of whole records of `families`: an expression over the view's columns."""

    def register(function: Callable[[Family], pl.Expr]) -> Callable[[Family], pl.Expr]:
        _add(Signal(function.__name__, unit, _about(function), source, families, (), of_record=function))
        return function

    return register


def columns(family: Family) -> dict[str, Signal]:
    """The columns of a family's table of signals, and the signal that each holds."""
    return dict(_columns(family.name, len(SIGNALS)))


@cache
def _columns(family: str, signals: int) -> dict[str, Signal]:
    """Each rule of each recipe asks for them. `signals`: how many there are, more of which may be imported yet."""
    return {column: signal for signal in SIGNALS.values() for column in signal.columns(FAMILIES[family])}


def yes(condition: pl.Expr) -> pl.Expr:
    """A condition as 0 or 1, null where it is null, so that rules compare numbers alone."""
    return condition.cast(pl.Int64)


def named(
    name: str, about: str, *, unit: Unit, of: Callable[[Part], pl.Expr], parts: tuple[str, ...] = TEXT, source: str = ""
) -> None:
    """Register one of a series of signals of parts that differ in a number only."""
    of.__name__, of.__doc__ = name, about
    of_part(unit=unit, parts=parts, source=source)(of)


def where(may: pl.Expr, text: pl.Expr, count: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """`count` of the texts that may have some, 0 of all others, null of null (Int64): dear patterns run on few rows."""

    def counted(pair: Sequence[pl.Series]) -> pl.Series:
        chosen, texts = pair[0].fill_null(value=False), pair[1]
        found = texts.filter(chosen).to_frame("text").select(count(pl.col("text")).cast(pl.Int64)).to_series()
        zeros = pl.select(pl.zeros(len(texts), dtype=pl.Int64)).to_series().set(texts.is_null(), None)
        return zeros.scatter(chosen.arg_true(), found)

    return pl.map_batches([may, text], counted, return_dtype=pl.Int64)


def _about(function: Callable[..., pl.Expr]) -> str:
    return inspect.getdoc(function) or ""


def _add(signal: Signal) -> None:
    assert signal.about and signal.name not in SIGNALS, signal.name
    SIGNALS[signal.name] = signal
