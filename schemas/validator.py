"""What makes a row valid: splits an Arrow table into rows that the family's schema can represent, and the rest."""

import functools
from dataclasses import dataclass
from typing import Final

import polars as pl
import pyarrow as pa

from schemas.families import FAMILIES, MESSAGES, Family
from schemas.vocabulary import ROLES, VERIFIERS

_role = pl.element().struct.field("role")
_content = pl.element().struct.field("content")


class SchemaMismatchError(ValueError):
    """The table lacks a column of the family, or has it in a type that cannot be cast."""


@dataclass(frozen=True)
class Split:
    """`valid`: rows in the family's schema. `rejects`: `position` (int64, in the table given) and `reason`."""

    valid: pa.Table
    rejects: pa.Table


def validate(table: pa.Table, family: Family) -> Split:
    """Split `table` by whether each row can be represented in the family's schema.

    Reasons come from `schemas.vocabulary.INVALID`; the first that applies is given. A row that is merely bad
    (an empty turn, a tie) is valid: signals and rules judge it. SchemaMismatchError where no row could be judged.
    """
    nullable = _cast(table, family)
    frame = pl.from_arrow(nullable)
    assert isinstance(frame, pl.DataFrame)
    reason = reasons(frame, family)
    # Even where every row is valid, lists may carry nulls of rows around theirs, at which the cast to types without
    # nulls stops; taking leaves them behind.
    valid = nullable.take(reason.is_null().arg_true().cast(pl.Int64).to_arrow())
    rejects = pl.DataFrame({"position": reason.is_not_null().arg_true().cast(pl.Int64), "reason": reason.drop_nulls()})
    return Split(valid.cast(family.schema), rejects.to_arrow().cast(_REJECTS))


def reasons(frame: pl.DataFrame, family: Family) -> pl.Series:
    """Why each row of a frame with the family's columns cannot be represented: as `validate`; null where it can."""
    return frame.select(_reason(family.name)).to_series()


_REJECTS: Final = pa.schema([("position", pa.int64()), ("reason", pa.string())])


@functools.cache
def _reason(family: str) -> pl.Expr:
    """Why a row is not valid, by the first condition that applies; null where it is. Making it takes 2 ms."""
    return pl.coalesce([pl.when(broken).then(pl.lit(name)) for name, broken in _conditions(FAMILIES[family])])


def _cast(table: pa.Table, family: Family) -> pa.Table:
    """The table with the family's columns in order; nullable, because nulls are judged row by row."""
    missing = [name for name in family.schema.names if name not in table.column_names]
    if missing:
        raise SchemaMismatchError(
            f"the family {family.name} needs the columns {missing}; the table has {table.column_names}"
        )
    try:
        return table.select(family.schema.names).cast(_nullable_schema(family.name))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise SchemaMismatchError(f"the family {family.name}: {error}") from error


@functools.cache
def _nullable_schema(family: str) -> pa.Schema:
    return pa.schema([_nullable(field) for field in FAMILIES[family].schema])


def _nullable(field: pa.Field) -> pa.Field:
    if pa.types.is_struct(field.type):
        return pa.field(field.name, pa.struct([_nullable(f) for f in field.type]))
    if pa.types.is_list(field.type):
        return pa.field(field.name, pa.list_(_nullable(field.type.value_field)))
    return pa.field(field.name, field.type)


def _conditions(family: Family) -> list[tuple[str, pl.Expr]]:
    """Reason and condition, in the order in which they are looked at."""
    conditions: list[tuple[str, pl.Expr]] = [
        ("no prompt", pl.col("prompt").is_null() | (pl.col("prompt").list.len() == 0)),
    ]
    messages = [f.name for f in family.schema if f.type == MESSAGES]
    for part in messages:
        column = pl.col(part)
        conditions += [
            ("no messages", column.is_null() | (column.list.len() == 0)),
            ("unknown role", column.list.eval(~_role.is_in(ROLES) | _role.is_null()).list.any()),
            ("null content", column.list.eval(_content.is_null()).list.any()),
        ]
    if family.name in ("instruction", "cot"):
        only = pl.col("completion")
        conditions += [
            ("not one completion", only.list.len() != 1),
            ("completion is not the assistant's", only.list.first().struct.field("role") != "assistant"),
        ]
    if family.name == "preference":
        conditions += [
            ("ends with the user", pl.col(side).list.last().struct.field("role") != "assistant")
            for side in ("chosen", "rejected")
        ]
    if family.name == "grpo":
        conditions += [
            ("no verifier", pl.col("verifier").is_null()),
            ("unknown verifier", ~pl.col("verifier").is_in(VERIFIERS)),
        ]
    required = [f.name for f in family.schema if not f.nullable and f.name not in messages]
    conditions.append(("null value", pl.any_horizontal(pl.col(name).is_null() for name in required)))
    return conditions
