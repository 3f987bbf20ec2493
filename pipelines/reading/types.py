"""Upstream's types into the asked ones: what can become what, how, and which values are lost on the way."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl

_Type = pl.DataType

_WORDS: Final = {pl.String: "text", pl.Boolean: "true or false"}


def in_words(type_: _Type) -> str:
    """A type as a user would say it."""
    if isinstance(type_, pl.List | pl.Array):
        return f"a list, each {in_words(_inner(type_))}"
    if isinstance(type_, pl.Struct):
        return f"an object of {', '.join(field.name for field in type_.fields)}"
    if type_.is_integer():
        return "a whole number"
    return "a number" if type_.is_numeric() else _WORDS.get(type(type_), str(type_))


def any_in_words(types: Iterable[_Type]) -> str:
    """Several types, of which one is meant."""
    return " or ".join(in_words(type_) for type_ in types)


def as_text(type_: _Type) -> _Type:
    """The type with text for every scalar: what JSON is decoded into, since one number where text is due would
    otherwise fail a whole block."""
    if isinstance(type_, pl.List | pl.Array):
        return pl.List(as_text(_inner(type_)))
    if isinstance(type_, pl.Struct):
        return pl.Struct({field.name: as_text(_type(field)) for field in type_.fields})
    return pl.String()


def fits(stored: _Type, asked: _Type) -> bool:
    """Whether values of the stored type can be asked for as the other; single values may still be lost.

    Numbers and truth values can be text, text can be anything, a column without a type is all nulls. An object needs
    the asked fields. A list of objects may be stored as an object of lists (a `sequence` of `datasets`).
    """
    if stored == asked or isinstance(stored, pl.Null):
        return True
    if isinstance(asked, pl.List):
        if isinstance(stored, pl.List | pl.Array):
            return fits(_inner(stored), _inner(asked))
        return isinstance(stored, pl.Struct) and fits(_listed(stored), asked)
    if isinstance(asked, pl.Struct):
        if not isinstance(stored, pl.Struct):
            return False
        there = {field.name: _type(field) for field in stored.fields}
        return all(field.name in there and fits(there[field.name], _type(field)) for field in asked.fields)
    if stored.is_nested():
        return False
    if asked.is_numeric():
        return stored.is_numeric() or isinstance(stored, pl.String)
    return isinstance(stored, pl.String) or (isinstance(asked, pl.String) and not isinstance(stored, pl.Binary))


def converted(value: pl.Expr, stored: _Type, asked: _Type) -> pl.Expr:
    """Values of the stored type, which `fits`, in the asked one; what cannot be is null. NaN is null in integers."""
    if stored == asked:
        return value
    if isinstance(stored, pl.Null):
        return value.cast(asked)
    if isinstance(asked, pl.List):
        if isinstance(stored, pl.Array):
            value = value.arr.to_list()
        return value.list.eval(converted(pl.element(), _inner(stored), _inner(asked)))
    if isinstance(asked, pl.Struct):
        there = {field.name: _type(field) for field in stored.fields} if isinstance(stored, pl.Struct) else {}
        fields = [
            converted(value.struct.field(field.name), there[field.name], _type(field)).alias(field.name)
            for field in asked.fields
        ]
        return pl.when(value.is_not_null()).then(pl.struct(fields))
    return _scalar(value, stored, asked)


def lost(value: pl.Expr, stored: _Type, asked: _Type) -> pl.Expr:
    """Whether something of a value is lost in `converted`: a text that is no number, a fraction in an integer."""
    if stored == asked or isinstance(stored, pl.Null):
        return pl.lit(value=False)
    if isinstance(asked, pl.List):
        if isinstance(stored, pl.Array):
            value = value.arr.to_list()
        return value.list.eval(lost(pl.element(), _inner(stored), _inner(asked))).list.any().fill_null(value=False)
    if isinstance(asked, pl.Struct):
        there = {field.name: _type(field) for field in stored.fields} if isinstance(stored, pl.Struct) else {}
        return pl.any_horizontal(
            lost(value.struct.field(field.name), there[field.name], _type(field)) for field in asked.fields
        )
    became = _scalar(value, stored, asked)
    if asked.is_integer() and stored.is_float():
        return (value.is_not_nan() & (became.is_null() | (became != value))).fill_null(value=False)
    return value.is_not_null() & became.is_null()


def keys_of_parts(type_: _Type) -> list[str]:
    """Keys in a list of objects that hold lists of typed parts (OpenAI's `content`), which a text may stand for."""
    inner = _inner(type_)
    if not isinstance(type_, pl.List) or not isinstance(inner, pl.Struct):
        return []
    lists = {field.name: _inner(_type(field)) for field in inner.fields if isinstance(_type(field), pl.List)}
    return [
        name
        for name, part in lists.items()
        if isinstance(part, pl.Struct) and {"type", "text"} <= {field.name for field in part.fields}
    ]


def json_text(value: pl.Expr, name: str, stored: _Type) -> pl.Expr:
    """Values of any type as text: a list or an object as JSON, a text as it stands. `name`: of the column."""
    if not stored.is_nested():
        return value.cast(pl.String)
    whole = pl.struct(value.alias(name)).struct.json_encode()
    begins = json.dumps({name: None}, ensure_ascii=False, separators=(",", ":")).removesuffix("null}")
    return pl.when(value.is_not_null()).then(whole.str.strip_prefix(begins).str.strip_suffix("}"))


def json_holding(column: pl.Series, holding: Mapping[str, tuple[str, ...]]) -> pl.Series:
    """Lists of objects as JSON where one of their objects holds one of the keys (`Column.holding`); null elsewhere."""
    column = listed(column) if isinstance(column.dtype, pl.Struct) and _is_even(column.dtype) else column
    nothing = pl.Series(column.name, [None] * column.len(), dtype=pl.String)
    inner = _inner(column.dtype)
    if not isinstance(column.dtype, pl.List | pl.Array) or not isinstance(inner, pl.Struct):
        return nothing
    types = {field.name: _type(field) for field in inner.fields}
    said = [_holds(pl.element().struct.field(key), types[key], texts) for key, texts in holding.items() if key in types]
    value = pl.col(column.name)
    lists = value.arr.to_list() if isinstance(column.dtype, pl.Array) else value
    frame = column.to_frame()
    there = frame.select(lists.list.eval(pl.any_horizontal(*said, False)).list.any()).to_series()
    where = there.fill_null(value=False)
    if not where.any():
        return nothing
    texts = column.filter(where).to_frame().select(json_text(value, column.name, column.dtype)).to_series()
    return nothing.scatter(where.arg_true(), texts)


def _holds(value: pl.Expr, stored: _Type, texts: tuple[str, ...]) -> pl.Expr:
    if texts:
        return value.cast(pl.String).is_in(texts) if not stored.is_nested() else pl.lit(value=False)
    if isinstance(stored, pl.List):
        return value.list.len() > 0
    return value.str.len_bytes() > 0 if isinstance(stored, pl.String) else value.is_not_null()


def _is_even(stored: pl.Struct) -> bool:
    """Whether `listed` may be asked for."""
    return isinstance(_listed(stored), pl.List)


def listed(column: pl.Series) -> pl.Series:
    """An object of lists as a list of objects; null where the lists are not equally long."""
    fields = column.struct.unnest()
    lengths = fields.select(pl.all().list.len())
    even = column.is_not_null() & lengths.select(
        pl.all_horizontal(pl.all().eq_missing(pl.first()))
    ).to_series().fill_null(value=False)
    whole = fields.with_row_index("__row").filter(even).filter(pl.nth(1).list.len() > 0)
    objects = (
        whole.explode(fields.columns)
        .select("__row", objects=pl.struct(pl.exclude("__row")))
        .group_by("__row", maintain_order=True)
        .agg("objects")
    )
    rows = fields.select(empty=even & (lengths.to_series(0) == 0)).with_row_index("__row")
    joined = rows.join(objects, on="__row", how="left", maintain_order="left")
    none = pl.lit([], dtype=joined.schema["objects"])
    return joined.select(pl.when("empty").then(none).otherwise("objects").alias(column.name)).to_series()


def is_listed(stored: _Type, asked: _Type) -> bool:
    """Whether `listed` has to come before `converted`."""
    return isinstance(asked, pl.List) and isinstance(stored, pl.Struct)


def _scalar(value: pl.Expr, stored: _Type, asked: _Type) -> pl.Expr:
    if isinstance(stored, pl.String) and isinstance(asked, pl.Boolean):
        return value.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    if isinstance(stored, pl.String) and asked.is_integer():
        real = value.cast(pl.Float64, strict=False)
        whole = pl.when(real == real.floor()).then(real.cast(asked, strict=False))
        return pl.coalesce(value.cast(asked, strict=False), whole)
    return value.cast(asked, strict=False)


def _inner(type_: _Type) -> _Type:
    inner = type_.inner if isinstance(type_, pl.List | pl.Array) else type_
    return inner() if isinstance(inner, type) else inner


def _type(field: pl.Field) -> _Type:
    return field.dtype() if isinstance(field.dtype, type) else field.dtype


def _listed(stored: pl.Struct) -> _Type:
    """The type of `listed`; no list at all where a field is none."""
    fields = {field.name: _type(field) for field in stored.fields}
    if not fields or not all(isinstance(type_, pl.List) for type_ in fields.values()):
        return pl.Null() if not fields else pl.String()
    return pl.List(pl.Struct({name: _inner(type_) for name, type_ in fields.items()}))
