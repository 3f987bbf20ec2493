"""Columns of JSON objects whose values have one of several types, or any: told apart row by row."""

import json

import polars as pl

from pipelines.reading import types
from pipelines.reading.asked import Asked
from pipelines.reading.halving import faulty


def path_of(name: str) -> str:
    """The path expression of a key at the top of an object."""
    return f"$[{json.dumps(name, ensure_ascii=False)}]"


def formed(texts: pl.Series, asked: Asked) -> tuple[pl.DataFrame, pl.Series]:
    """The entries of `asked.forms` and `asked.any_form` for objects, and the upstream column that none could take.

    The frame has a column an entry and upstream name, called `entry/name`, in the asked type.
    """
    made: dict[str, pl.Series] = {}
    culprits = pl.Series([None] * texts.len(), dtype=pl.String)
    for name in sorted(asked.any_form | asked.forms.keys()):
        value = texts.str.json_path_match(path_of(name))
        for entry, column in asked.columns.items():
            if column.as_json and name in column.names:
                made[f"{entry}/{name}"] = value
        if name in asked.forms:
            left = value.is_not_null()
            nested = _is_nested(texts, value, name)
            for entry, type_ in asked.forms[name].items():
                taken = _taken(texts, value, name, type_, left & (nested if type_.is_nested() else ~nested))
                left &= taken.is_null()
                made[f"{entry}/{name}"] = taken
            culprits = culprits.zip_with(~left | culprits.is_not_null(), pl.Series([name], dtype=pl.String))
    return pl.DataFrame(made), culprits


def _is_nested(texts: pl.Series, value: pl.Series, name: str) -> pl.Series:
    """Whether a value is a list or an object: a text may look like one."""
    inside = texts.str.json_path_match(f"{path_of(name)}[*]").is_not_null()
    return inside | value.is_in(["[]", "{}"]).fill_null(value=False)


def _taken(texts: pl.Series, value: pl.Series, name: str, type_: pl.DataType, where: pl.Series) -> pl.Series:
    """The values in the type, null where they are not of it, and where `where` is false."""
    if not type_.is_nested():
        candidates = pl.DataFrame({"v": value.zip_with(where, pl.Series([None], dtype=pl.String))})
        return candidates.select(types.converted(pl.col("v"), pl.String(), type_)).to_series()
    shape = pl.Struct({name: types.as_text(type_)})
    places = where.arg_true()
    chosen = texts.gather(places)
    bad = faulty(chosen.len(), lambda start, stop: _decodes(chosen.slice(start, stop - start), shape))
    if bad:
        good = ~pl.int_range(chosen.len(), eager=True).is_in(bad)
        places, chosen = places.filter(good), chosen.filter(good)
    values = chosen.str.json_decode(shape).struct.field(name).alias("v").to_frame()
    stored = values.schema["v"]
    kept = values.select(
        pl.when(~types.lost(pl.col("v"), stored, type_) & ~_is_other(type_)).then(
            types.converted(pl.col("v"), stored, type_)
        )
    ).to_series()
    at = pl.Series([None] * texts.len(), dtype=pl.UInt32).scatter(places, pl.int_range(kept.len(), eager=True))
    return kept.gather(at)


def _is_other(type_: pl.DataType) -> pl.Expr:
    """Objects without any of the asked fields: those that decode as nothing but nulls."""
    inner = type_.inner if isinstance(type_, pl.List) else type_
    if not isinstance(inner, pl.Struct):
        return pl.lit(value=False)
    value = pl.element() if isinstance(type_, pl.List) else pl.col("v")
    nothing = pl.all_horizontal(value.struct.field(field.name).is_null() for field in inner.fields)
    if not isinstance(type_, pl.List):
        return nothing
    return (pl.col("v").list.len() > 0) & pl.col("v").list.eval(nothing).list.all()


def _decodes(texts: pl.Series, shape: pl.Struct) -> bool:
    try:
        texts.str.json_decode(shape)
    except pl.exceptions.ComputeError:
        return False
    return True
