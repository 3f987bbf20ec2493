"""How signals are spread over records: all of them, and those that a recipe keeps."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from pipelines.states import Pass
from schemas.families import FAMILIES, Family

UNITS: Final = ("tokens", "words", "chars", "characters")
"""Endings of the length signals, the best measure first; the lake holds what was computed."""

_A_DOUBLING: Final = 2
"""Bins in which a length doubles."""

_BINS: Final = 30
_AT_A_TIME: Final = 4
"""Signals whose values are held at once: 8 bytes a record each."""

Binning = Literal["linear", "whole", "log"]


@dataclass(frozen=True)
class Bin:
    """Values from `low` on and below `high`: how many records have them, and how many of these are kept."""

    low: float
    high: float
    before: int
    after: int


@dataclass(frozen=True)
class Spread:
    """The distribution of one signal over a family's records: all of them, and the kept ones among them.

    `whole`: values are whole numbers. Quantiles are None where there is no record; `high_before` and `high_after` are
    the 95th percentiles. What lies beyond the last bin, one record in a thousand at most, is counted in it.
    """

    family: str
    name: str
    whole: bool
    bins: tuple[Bin, ...]
    before: int
    after: int
    median_before: float | None
    median_after: float | None
    high_before: float | None
    high_after: float | None

    @property
    def most(self) -> int:
        """Records in the fullest bin."""
        return max((b.before for b in self.bins), default=0)


def lengths(published: Pass) -> list[Spread]:
    """The length of the records of each family, all parts together, before and after the recipe.

    In tokens where the lake has them for the family, else words, else characters; a family without any is left out.
    """
    found = []
    for family in FAMILIES.values():
        columns = _length_columns(published, family)
        if columns:
            unit = next(unit for unit in UNITS if columns[0].endswith(unit))
            total = pl.sum_horizontal(pl.col(name).fill_null(0) for name in columns).cast(pl.Float64)
            rows = _with_fates(published, family.name, {"length": total})
            spread = spread_of(rows["length"], rows["kept"], family.name, unit.replace("chars", "characters"), "log")
            found += [spread] if spread else []
    return found


def signal_spreads(
    published: Pass, family: str, thresholds: Mapping[str, Sequence[float]]
) -> Iterator[tuple[str, Spread]]:
    """Signals of a family, each in bins that reach its thresholds; those that the lake lacks are left out.

    Whole numbers from 0 on that spread widely are shown in bins that double; booleans are 0 and 1.
    """
    types = published.state.signals(family).collect_schema()
    there = [name for name in thresholds if name in types and (types[name].is_numeric() or types[name] == pl.Boolean)]
    for start in range(0, len(there), _AT_A_TIME):
        names = there[start : start + _AT_A_TIME]
        rows = _with_fates(published, family, {name: pl.col(name).cast(pl.Float64) for name in names})
        for name in names:
            binning: Binning = "linear" if types[name].is_float() else "whole"
            spread = spread_of(rows[name], rows["kept"], family, name, binning, thresholds[name])
            if spread is not None:
                yield name, spread


def spread_of(
    values: pl.Series, kept: pl.Series, family: str, name: str, binning: Binning, thresholds: Sequence[float] = ()
) -> Spread | None:
    """The spread of float `values`, of which `kept` says which records are; None where there is no value."""
    measured = values.is_not_null() & values.is_not_nan()
    values, kept = values.filter(measured), kept.filter(measured)
    if values.is_empty():
        return None
    left = values.filter(kept)
    smallest, largest = float(values.quantile(0) or 0), float(values.quantile(0.999, "higher") or 0)
    low, top = min([smallest, *thresholds]), max([largest, *thresholds])
    doubling = binning == "log" or (binning == "whole" and low >= 0 and top > 2 * _BINS)
    edges = _doubling(low, top) if doubling else _equal(low, top, whole=binning == "whole")
    before, after = _counts(values, edges), _counts(left, edges)
    return Spread(
        family=family,
        name=name,
        whole=binning != "linear",
        bins=tuple(Bin(edges[n], edges[n + 1], before[n], after[n]) for n in range(len(edges) - 1)),
        before=len(values),
        after=len(left),
        median_before=values.quantile(0.5, "nearest"),
        median_after=left.quantile(0.5, "nearest"),
        high_before=values.quantile(0.95, "nearest"),
        high_after=left.quantile(0.95, "nearest"),
    )


def _length_columns(published: Pass, family: Family) -> list[str]:
    there = published.state.scan(f"signals_{family.name}").collect_schema().names()
    for unit in UNITS:
        named = [f"{part}_{unit}" for part in family.parts if f"{part}_{unit}" in there]
        if named and _measured(published, family, named):
            return named
        if unit in there:
            return [unit]
    return []


def _measured(published: Pass, family: Family, columns: Sequence[str]) -> bool:
    """Whether one of the columns holds a value: the lake has tokens only where a tokenizer is named."""
    values = published.state.scan(f"signals_{family.name}").select(columns)
    return bool(values.select(pl.any_horizontal(pl.all().is_not_null().any())).collect().item())


def _with_fates(published: Pass, family: str, columns: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """`columns` over the signals of each record of the family that the ledger holds, and whether it is `kept`."""
    fates = published.ledger().filter(pl.col("family") == family).select("id", kept=pl.col("fate") == "kept")
    signals = published.state.signals(family).select("id", **columns)
    return signals.join(fates, on="id", how="inner").drop("id").collect()


def _counts(values: pl.Series, edges: Sequence[float]) -> list[int]:
    """How many values lie in each bin; what lies beyond the last edge is in the last bin."""
    inner = pl.Series(edges[1:-1], dtype=pl.Float64)
    places = inner.search_sorted(values, "right") if len(inner) else pl.zeros(len(values), pl.UInt32, eager=True)
    found = dict(places.value_counts().iter_rows())
    return [found.get(n, 0) for n in range(len(edges) - 1)]


def _doubling(low: float, top: float) -> list[float]:
    """Whole edges of bins that double every `_A_DOUBLING`, to beyond `top`; what is below 1 has a bin of its own."""
    last = math.floor(_A_DOUBLING * math.log2(max(top, 1))) + 1
    first = math.floor(_A_DOUBLING * math.log2(low)) if low >= 1 else -1
    edges = [0 if n < 0 else math.ceil(2 ** (n / _A_DOUBLING)) for n in range(first, last + 1)]
    return [float(edge) for edge in dict.fromkeys([min(edges[0], math.floor(low)), *edges])]


def _equal(low: float, top: float, *, whole: bool) -> list[float]:
    """Edges of equally wide bins; of whole numbers the last bin reaches beyond `top`."""
    if whole:
        first, step = math.floor(low), max(math.ceil((top - low + 1) / _BINS), 1)
        return [float(first + n * step) for n in range(math.floor((top - first) / step) + 2)]
    end = top if top > low else low + 1
    width = (end - low) / _BINS
    # Sums of rounded widths would miss the end.
    return [*(low + n * width for n in range(_BINS)), end]
