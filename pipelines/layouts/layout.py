"""What a layout is: roles that upstream's columns play, and what rows become once it is known which plays which.

A layout that many data sets share is bound to the columns of one of them by name: `LAYOUTS["messages"].bound(...)`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pipelines.columns import Column
from pipelines.layouts.json_lists import at

Bound = Mapping[str, tuple[str, ...]]
"""The columns that play each role, most often one. A dot goes into an object: `conversation.messages`."""

TEXT: Final = "text"
ANY: Final = "any"
NUMBER: Final = "number"


@dataclass(frozen=True)
class Role:
    """`names`: what the column is called upstream, the likeliest first. `form`: `text`, `number`, or `any` (taken as
    text, and JSON where it is a list or an object). `many`: several columns may play it (`response_a`, `response_b`).
    """

    about: str
    names: tuple[str, ...]
    form: str = TEXT
    many: bool = False


@dataclass(frozen=True)
class Parts:
    """What `Read` takes of a layout that is bound to columns: see there."""

    columns: Mapping[str, Column]
    prepare: Callable[[pl.DataFrame], pl.DataFrame]
    reject: Mapping[str, pl.Expr]
    families: Mapping[str, Mapping[str, pl.Expr]]
    part_of: pl.Expr | None = None
    whole_file: bool = False


@dataclass(frozen=True)
class Made:
    """What rows become by a layout. `prepare` gets a frame with a column for each role, null where none plays it."""

    prepare: Callable[[pl.DataFrame], pl.DataFrame]
    reject: Mapping[str, pl.Expr]
    families: Mapping[str, Mapping[str, pl.Expr]]
    part_of: pl.Expr | None = None
    whole_file: bool = False


@dataclass(frozen=True)
class Layout:
    """`about`: for people, in a line. `needs`: groups of roles, of which the columns have to play one whole.

    `made`: what rows become, for the roles that are played.
    """

    name: str
    about: str
    roles: Mapping[str, Role]
    needs: tuple[tuple[str, ...], ...]
    made: Callable[[Bound], Made] = field(repr=False)

    def bound(self, keep: Sequence[str] = (), **columns: str | Sequence[str]) -> Parts:
        """The layout on these columns, by role. `keep`: columns that go into `meta`.

        ValueError for a role that it has not, or where none of `needs` is there.
        """
        given: Bound = {role: (said,) if isinstance(said, str) else tuple(said) for role, said in columns.items()}
        if odd := [role for role in given if role not in self.roles]:
            raise ValueError(f"the layout {self.name} has no role {odd[0]}; it has {', '.join(self.roles)}")
        if not any(all(role in given for role in group) for group in self.needs):
            raise ValueError(f"the layout {self.name} needs {self.needed()}")
        if several := [role for role, names in given.items() if len(names) != 1 and not self.roles[role].many]:
            raise ValueError(f"the role {several[0]} of the layout {self.name} is played by one column")
        made = self.made(given)
        needed = next(group for group in self.needs if all(role in given for role in group))
        asked = {
            f"{role}_{number}": _asked(self.roles[role].form, name, optional=role not in needed)
            for role, names in given.items()
            for number, name in enumerate(names)
        }
        kept = {
            f"kept_{number}": Column(names=(name,), as_json=True, optional=True) for number, name in enumerate(keep)
        }
        meta = _meta(tuple(keep))
        families = {name: {**family, **({"meta": meta} if keep else {})} for name, family in made.families.items()}

        def prepare(frame: pl.DataFrame) -> pl.DataFrame:
            return made.prepare(_played(frame, self, given))

        return Parts(asked | kept, prepare, made.reject, families, made.part_of, made.whole_file)

    def needed(self) -> str:
        """The groups of roles in words."""
        return ", or ".join(" and ".join(group) for group in self.needs)


def _asked(form: str, name: str, *, optional: bool) -> Column:
    """Entries have names of their own, so that one of upstream's columns may play two roles."""
    column, dot, _ = name.partition(".")
    if form == ANY or dot:
        return Column(names=(column,), as_json=True, optional=optional)
    return Column(pl.Float64 if form == NUMBER else pl.String, (column,), optional=optional)


def _meta(keep: tuple[str, ...]) -> pl.Expr:
    if not keep:
        return pl.lit(None, dtype=pl.String)
    return pl.struct(pl.col(f"kept_{number}").alias(name) for number, name in enumerate(keep)).struct.json_encode()


def _played(frame: pl.DataFrame, layout: Layout, given: Bound) -> pl.DataFrame:
    """The frame with a column for each role. One that several columns may play is `ROLE_0`, `ROLE_1` and so on."""
    made = [frame["row"], *(frame[name] for name in frame.columns if name.startswith("kept_"))]
    for role, played in layout.roles.items():
        names = given.get(role, ())
        type_ = pl.Float64() if played.form == NUMBER else pl.String()
        if not names:
            made.append(pl.Series(role, [None] * frame.height, dtype=type_))
        for number, name in enumerate(names):
            taken = at(frame[f"{role}_{number}"], tuple(name.split(".")[1:])).cast(type_, strict=False)
            made.append(taken.alias(f"{role}_{number}" if played.many else role))
    return pl.DataFrame(made)
