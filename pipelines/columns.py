"""How a source asks for upstream's columns where files differ in their names, in their forms, or in having them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

DataType = pl.DataType | type[pl.DataType]


@dataclass(frozen=True)
class Column:
    """One of upstream's columns. Where a name and a type say all there is, the type alone does in its place.

    `names`: what it is called upstream, its name in the source where none is given; of several the first that the
    file has is read (of JSON, the first with a value in the row). `optional`: null where the file has none of them;
    else that is an error. `as_json`: whatever it is, as text: a text as it stands, a number in digits, a list or an
    object as JSON. `if_it_fits`: a value of another type is null in here, because another entry of the same names
    takes it; what none takes breaks the row. `holding`, with `as_json`: only of rows where an object in the list has
    one of these keys with something in it, or with one of the texts given for the key; the entries of the same names
    that are `if_it_fits` need not take such rows.
    """

    type: DataType = pl.String
    names: tuple[str, ...] = ()
    optional: bool = False
    as_json: bool = False
    if_it_fits: bool = False
    holding: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


ColumnTypes = Mapping[str, DataType | Column]
"""The columns that a source asks for, by the names that its expressions use."""

Groups = tuple[tuple[str, ...], ...]
"""Groups of asked columns, for a set whose columns are known only once it is there: it has to have one of them."""
