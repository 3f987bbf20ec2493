"""Planting: defects at given positions of given rows, and what was planted where.

`Spoiler` spoils examples where they stand, `Copier` adds examples that are made from others. Both work on the rows of
any file in a source's upstream layout; `choose` finds positions that they can be turned on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub import manifest
from pipelines.sample_hub.layout import ASSISTANT, HUMAN, Layout
from pipelines.sample_hub.layouts import LAYOUTS
from pipelines.sample_hub.rows import Parts, Row, Rows, Unit

INSTRUCTION: Final = ("alpaca", "dolly", "oasst1")
"""Sources whose examples can be told in one another's layouts."""

_TRIAL: Final = 0  # seed of the tries that only ask whether a defect can be made


@dataclass(frozen=True)
class Planted:
    """Rows with defects, and the plants: a row each, with the columns of `manifest.SCHEMA`."""

    rows: Rows
    plants: pl.DataFrame


@dataclass(frozen=True)
class Spoiler:
    """A kind of defect that is made by changing an example. `outcomes` are those of the manifest.

    `spoil` may change what `fits` accepts. `families`: by source, the only family whose record is meant.
    """

    kind: str
    outcomes: tuple[str, ...]
    sources: tuple[str, ...]
    spoil: Callable[[Unit, Layout, np.random.Generator], Unit]
    fits: Callable[[Parts], bool] = lambda _: True
    families: Mapping[str, str] = field(default_factory=lambda: {"oasst1": "instruction"})

    def plant(self, rows: Rows, positions: Sequence[int], generator: np.random.Generator) -> Planted:
        """Spoil the examples that the rows at `positions` yield."""
        layout = LAYOUTS[rows.source]
        changed: dict[int, Row] = {}
        for position in positions:
            unit = layout.unit(rows, position)
            places = _places(rows, unit, position)
            changed |= dict(zip(places, self.spoil(unit, layout, generator), strict=True))
        families = self.families
        plants = [plant(self.kind, self.outcomes, rows, row, families.get(rows.source)) for row in positions]
        return planted(rows.replaced(changed), plants)

    def suits(self, rows: Rows, position: int) -> bool:
        """Whether the example at a position can be spoilt in this way."""
        if rows.source not in self.sources:
            return False
        parts = _complete(rows, position)
        return parts is not None and self.fits(parts)


@dataclass(frozen=True)
class Copier:
    """A kind of defect that is made by adding an example like another.

    `change` gives what the copy says, in the layout of the original; None where it cannot be made of these parts.
    """

    kind: str
    outcomes: tuple[str, ...]
    sources: tuple[str, ...]
    change: Callable[[Parts, Layout, np.random.Generator], Parts | None]

    def plant(
        self, rows: Rows, positions: Sequence[int], generator: np.random.Generator, into: Rows | None = None
    ) -> Planted:
        """Copy the examples that the rows at `positions` yield to the end of `into`, else of `rows` itself.

        ValueError where an example does not suit.
        """
        layout, target = LAYOUTS[rows.source], into or rows
        added: list[Row] = []
        plants = []
        for position in positions:
            unit = layout.unit(rows, position)
            parts = self.change(layout.read(unit), layout, generator)
            if parts is None:
                raise ValueError(f"{rows.source}, row {position}: no {self.kind} can be made of it")
            if into is None:
                copy, family = layout.copied(unit, parts, generator), _one(layout.compared)
            else:
                copy, family = _retold(parts, layout, LAYOUTS[into.source], generator)
            added += copy
            row = target.frame.height + len(added) - 1
            plants.append(plant(self.kind, self.outcomes, target, row, family) | _copied_from(rows, position))
        return planted(target.extended(added), plants)

    def suits(self, rows: Rows, position: int) -> bool:
        """Whether a copy of the example at a position can be made."""
        if rows.source not in self.sources:
            return False
        parts, trial = _complete(rows, position), np.random.default_rng(_TRIAL)
        return parts is not None and self.change(parts, LAYOUTS[rows.source], trial) is not None


Defect = Spoiler | Copier


def choose(
    rows: Rows, defect: Defect, count: int, generator: np.random.Generator, taken: Collection[int] = ()
) -> list[int]:
    """`count` positions, drawn at random from those that `defect` suits and that are not taken, in ascending order.

    ValueError where there are fewer.
    """
    free = usable(rows)
    found: list[int] = []
    for position in generator.permutation(free.filter(~free.is_in(list(taken))).to_numpy()):
        if len(found) == count:
            break
        if defect.suits(rows, int(position)):
            found.append(int(position))
    if len(found) < count:
        raise ValueError(f"{rows.source}: {defect.kind} suits {len(found)} rows, {count} are wanted")
    return sorted(found)


def usable(rows: Rows) -> pl.Series:
    """Positions of examples that other rows do not depend on.

    Of OASST's trees these are answers to the first question that nobody carried on and that are not the best of
    ranked ones: pairs are made with those. Of all else, every row.
    """
    frame = rows.frame.with_row_index("position").with_columns(pl.col("position").cast(pl.Int64))
    if rows.source != "oasst1":
        return frame["position"]
    alive = frame.filter(~pl.col("deleted").fill_null(value=False))
    roots = alive.filter(pl.col("parent_id").is_null()).select("message_id").unique("message_id", keep="none")
    answers = alive.filter(pl.col("role") == "assistant", pl.col("rank").is_null() | (pl.col("rank") > 0))
    first = answers.join(roots, left_on="parent_id", right_on="message_id", how="semi")
    last = first.join(frame, left_on="message_id", right_on="parent_id", how="anti")
    return last.unique("message_id", keep="none").sort("position")["position"]


def _complete(rows: Rows, position: int) -> Parts | None:
    """What the example at a position says; None where it is damaged already."""
    layout = LAYOUTS[rows.source]
    unit = layout.unit(rows, position)
    if any(unit[-1][name] is None for name in layout.needed):
        return None
    parts = layout.read(unit)
    said = [name for name in max(layout.compared.values(), key=len) if name != "context"]
    talks = any(mark.rstrip() in parts.get(name, "") for name in ("answer", "rejected") for mark in (HUMAN, ASSISTANT))
    return None if talks or not all(parts[name].strip() for name in said) else parts


def _places(rows: Rows, unit: Unit, position: int) -> tuple[int, ...]:
    """Where the rows of an example stand."""
    if len(unit) == 1:
        return (position,)
    parent = rows.frame["message_id"].index_of(unit[0]["message_id"])
    assert parent is not None
    return parent, position


def _retold(parts: Parts, layout: Layout, target: Layout, generator: np.random.Generator) -> tuple[Unit, str]:
    """What is said in one layout in the layout of another source, and the family that both yield."""
    family = next(family for family in layout.compared if family in target.compared)
    return target.new({name: layout.text({name: said}, family) for name, said in parts.items()}, generator), family


def _one(families: Mapping[str, object]) -> str | None:
    return None if len(families) > 1 else next(iter(families))


def plant(kind: str, outcomes: Sequence[str], rows: Rows, row: int, family: str | None = None) -> dict[str, object]:
    """One plant as a row of the manifest: a defect of `rows[row]`."""
    return plant_in(kind, outcomes, rows.source, rows.file, row, family)


def plant_in(
    kind: str, outcomes: Sequence[str], source: str, file: str, row: int, family: str | None = None
) -> dict[str, object]:
    """One plant as a row of the manifest: a defect of a row of a file."""
    place = {"source": source, "file": file, "row": row}
    return {"kind": kind, **place, "family": family, "outcomes": list(outcomes)}


def planted(rows: Rows, plants: Sequence[Mapping[str, object]]) -> Planted:
    return Planted(rows, plants_frame(plants))


def plants_frame(plants: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Plants with all the columns of the manifest."""
    return pl.DataFrame([dict.fromkeys(manifest.SCHEMA) | dict(plant) for plant in plants], manifest.SCHEMA)


def _copied_from(rows: Rows, position: int) -> dict[str, object]:
    return {"of_source": rows.source, "of_file": rows.file, "of_row": position}
