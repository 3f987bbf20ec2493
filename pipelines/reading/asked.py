"""What is asked of a file, with names filled in, and which of its columns answer it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from pipelines.columns import Column, ColumnTypes, Groups


@dataclass(frozen=True)
class Asked:
    """The asked columns by name. Each has its type as an instance, and at least one name upstream.

    `any_of`: groups of columns, of which the file has to have one with all of its columns.
    """

    columns: Mapping[str, Column]
    any_of: Groups = ()

    @classmethod
    def of(cls, columns: ColumnTypes, any_of: Groups = ()) -> "Asked":
        made = {}
        for name, asked in columns.items():
            column = asked if isinstance(asked, Column) else Column(asked)
            made[name] = replace(column, type=_instance(column), names=column.names or (name,))
        return cls(made, any_of)

    @cached_property
    def upstream(self) -> frozenset[str]:
        """Every name that is looked for."""
        return frozenset(name for column in self.columns.values() for name in column.names)

    @cached_property
    def plain(self) -> dict[str, pl.DataType]:
        """Upstream's columns that have one type. ValueError where two entries ask for one in two types."""
        types: dict[str, pl.DataType] = {}
        for column in self.columns.values():
            if not (column.as_json or column.if_it_fits):
                for name in column.names:
                    if types.setdefault(name, _instance(column)) != column.type:
                        raise ValueError(f"{name} is asked for in two types; use if_it_fits")
        return types

    @cached_property
    def forms(self) -> dict[str, dict[str, pl.DataType]]:
        """Upstream's columns of several types: the entries that take it, in order, with their types."""
        made: dict[str, dict[str, pl.DataType]] = {}
        for entry, column in self.columns.items():
            for name in column.names if column.if_it_fits else ():
                made.setdefault(name, {})[entry] = _instance(column)
        return made

    @cached_property
    def any_form(self) -> frozenset[str]:
        """Upstream's columns that are taken as JSON."""
        return frozenset(name for column in self.columns.values() if column.as_json for name in column.names)

    def holding(self, name: str) -> list[str]:
        """The entries that take one of upstream's columns before those of `forms` where it holds certain keys."""
        return [entry for entry, column in self.columns.items() if column.holding and name in column.names]

    def missing(self, found: Collection[str]) -> list[str]:
        """What the file should have and has not, names of one column joined by `or`; all, where it has nothing."""
        there = {entry for entry, column in self.columns.items() if set(column.names) & set(found)}
        needed = [entry for entry, column in self.columns.items() if not column.optional and entry not in there]
        names = _once(self._called(entry) for entry in needed)
        if self.any_of and not any(there.issuperset(group) for group in self.any_of):
            names.append(" or ".join(_once(" with ".join(map(self._called, group)) for group in self.any_of)))
        return names if names or there else _once(map(self._called, self.columns))

    def _called(self, entry: str) -> str:
        return " or ".join(self.columns[entry].names)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _instance(column: Column) -> pl.DataType:
    return column.type() if isinstance(column.type, type) else column.type
