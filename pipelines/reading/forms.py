"""Columns of JSON objects whose values have one of several types, or any: told apart row by row."""

import json
import re
from typing import Final

import polars as pl

from pipelines.columns import Column
from pipelines.reading import types
from pipelines.reading.asked import Asked
from pipelines.reading.halving import faulty


def path_of(name: str) -> str:
    """The path expression of a key at the top of an object."""
    return f"$[{json.dumps(name, ensure_ascii=False)}]"


def mentions(texts: pl.Series, name: str) -> pl.Series:
    """Which objects can have a key: a look that costs a fraction of what parsing does."""
    if not name.isascii():  # it may stand there in escapes, as no writer puts ASCII letters
        return texts.is_not_null()
    return texts.str.contains(json.dumps(name), literal=True)


def formed(texts: pl.Series, asked: Asked) -> tuple[pl.DataFrame, pl.Series]:
    """The entries of `asked.forms` and `asked.any_form` for objects, and the upstream column that none could take.

    The frame has a column an entry and upstream name, called `entry/name`, in the asked type.
    """
    made: dict[str, pl.Series] = {}
    culprits = pl.Series([None] * texts.len(), dtype=pl.String)
    for name in sorted(asked.any_form | asked.forms.keys()):
        value = _values(texts, name)
        for entry, column in asked.columns.items():
            if column.as_json and name in column.names:
                made[f"{entry}/{name}"] = _holding(value, column) if column.holding else value
        if name in asked.forms:
            left = value.is_not_null()
            for entry in asked.holding(name):
                left &= made[f"{entry}/{name}"].is_null()
            nested = _is_nested(texts, value, name) if left.any() else left
            for whole in (True, False):  # {speaker, text} has a text too, but is none of {role, text}
                for entry, type_ in asked.forms[name].items():
                    where = left & (nested if type_.is_nested() else ~nested)
                    taken = _taken(texts, value, name, type_, where, whole=whole)
                    left &= taken.is_null()
                    key = f"{entry}/{name}"
                    made[key] = made[key].zip_with(made[key].is_not_null(), taken) if key in made else taken
            culprits = culprits.zip_with(~left | culprits.is_not_null(), pl.Series([name], dtype=pl.String))
    return pl.DataFrame(made), culprits


def _values(texts: pl.Series, name: str) -> pl.Series:
    """The value of a key in each object as text; null where there is none."""
    if not mentions(texts, name).any():
        return pl.Series([None] * texts.len(), dtype=pl.String)
    return texts.str.json_path_match(path_of(name))


def _holding(value: pl.Series, column: Column) -> pl.Series:
    """The values that hold what the column asks for: a key cannot stand inside a string of JSON."""
    said = {key: "|".join(re.escape(json.dumps(text)) for text in texts) for key, texts in column.holding.items()}
    keys = "|".join(f'"{re.escape(key)}":(?:{texts or _SOMETHING})' for key, texts in said.items())
    return value.to_frame("v").select(pl.when(pl.col("v").str.contains(rf"[{{,](?:{keys})")).then("v")).to_series()


_SOMETHING: Final = r'"[^"]|\[[^\]]|\{[^}]|[-0-9tf]'


def _is_nested(texts: pl.Series, value: pl.Series, name: str) -> pl.Series:
    """Whether a value is a list or an object: a text may look like one."""
    inside = texts.str.json_path_match(f"{path_of(name)}[*]").is_not_null()
    return inside | value.is_in(["[]", "{}"]).fill_null(value=False)


def _taken(
    texts: pl.Series, value: pl.Series, name: str, type_: pl.DataType, where: pl.Series, *, whole: bool
) -> pl.Series:
    """The values in the type, null where they are not of it, and where `where` is false.

    `whole`: only objects in which each of the asked fields has a value somewhere.
    """
    if not where.any():
        return pl.Series([None] * texts.len(), dtype=type_)
    if not type_.is_nested():
        candidates = pl.DataFrame({"v": value.zip_with(where, pl.Series([None], dtype=pl.String))})
        return candidates.select(types.converted(pl.col("v"), pl.String(), type_)).to_series()
    shape = pl.Struct({name: types.as_text(type_)})
    places = where.arg_true()
    chosen = _in_parts(texts.gather(places), type_)
    bad = faulty(chosen.len(), lambda start, stop: _decodes(chosen.slice(start, stop - start), shape))
    if bad:
        good = ~pl.int_range(chosen.len(), eager=True).is_in(bad)
        places, chosen = places.filter(good), chosen.filter(good)
    values = chosen.str.json_decode(shape).struct.field(name).alias("v").to_frame()
    stored = values.schema["v"]
    kept = values.select(
        pl.when(~types.lost(pl.col("v"), stored, type_) & ~_is_other(type_, whole=whole)).then(
            types.converted(pl.col("v"), stored, type_)
        )
    ).to_series()
    at = pl.Series([None] * texts.len(), dtype=pl.UInt32).scatter(places, pl.int_range(kept.len(), eager=True))
    return kept.gather(at)


def _in_parts(texts: pl.Series, type_: pl.DataType) -> pl.Series:
    """Objects whose messages are asked for with content in parts, with each content that is a text as one part.

    A key cannot stand inside a string of JSON, where its quotes would be escaped.
    """
    for key in types.keys_of_parts(type_):
        pattern = rf'("{re.escape(key)}"\s*:\s*)("(?:[^"\\]|\\.)*")'
        texts = texts.str.replace_all(pattern, r'${1}[{"type":"text","text":${2}}]')
    return texts


def _is_other(type_: pl.DataType, *, whole: bool) -> pl.Expr:
    """Objects without any of the asked fields, or (`whole`) without one of them."""
    inner = type_.inner if isinstance(type_, pl.List) else type_
    if not isinstance(inner, pl.Struct):
        return pl.lit(value=False)
    value = pl.element() if isinstance(type_, pl.List) else pl.col("v")
    lacking = [value.struct.field(field.name).is_null() for field in inner.fields]
    if isinstance(type_, pl.List):
        lacking = [pl.col("v").list.eval(nothing).list.all() & (pl.col("v").list.len() > 0) for nothing in lacking]
    return pl.any_horizontal(lacking) if whole else pl.all_horizontal(lacking)


def _decodes(texts: pl.Series, shape: pl.Struct) -> bool:
    try:
        texts.str.json_decode(shape)
    except pl.exceptions.ComputeError:
        return False
    return True
