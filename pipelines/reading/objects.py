"""Texts of JSON objects as rows of the asked columns, those of another shape set apart.

One row of another shape fails the decoding of a whole block, so scalars are decoded as text and cast one by one, and
a block that still fails is halved until such rows stand alone.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.reading import types
from pipelines.reading.asked import Asked
from pipelines.reading.batch import Batch, broken_of
from pipelines.reading.errors import no_such_column, wrong_form, wrong_type
from pipelines.reading.forms import formed, mentions, path_of
from pipelines.reading.halving import faulty
from pipelines.reading.texts import rows_of

_HOPELESS: Final = 1_000
"""A file whose first rows, so many, all have a column in another type is refused without reading on."""


@dataclass
class _Account:
    """What the rows of a file were so far. `unseen`: columns that none had; `mistyped`: rows by column."""

    path: Path
    asked: Asked
    unseen: set[str]
    rows: int = 0
    good: int = 0
    keys: list[str] = field(default_factory=list)
    mistyped: Counter[str] = field(default_factory=Counter)

    def refuse(self) -> None:
        """TamisError where no row had the asked types, or no row a column."""
        if not self.good and self.mistyped:
            name, rows = self.mistyped.most_common(1)[0]
            stored = f"something else in each of {rows:,} rows"
            if name in self.asked.forms:
                raise wrong_form(name, self.asked.forms[name].values(), stored, self.path)
            raise wrong_type(name, self.asked.plain[name], stored, self.path)
        missing = self.asked.missing(self.asked.upstream - self.unseen)
        if self.good and missing:
            raise no_such_column(missing, self.keys, self.path)


def decoded(path: Path, blocks: Iterable[pa.LargeBinaryArray], asked: Asked, limit: int | None) -> Iterator[Batch]:
    """Blocks of texts, one a row, as batches. Errors as `pipelines.reading.read` says.

    Where `limit` ends the reading, the rest is still looked through for columns that no row had so far: a column of
    some rows only is not missing.
    """
    account = _Account(path, asked, unseen=set(asked.upstream))
    for block in blocks:
        left = None if limit is None else limit - account.rows
        if left != 0:
            objects, broken = rows_of(block, account.rows, left)
            account.rows += objects.height + broken.height
            values, mistyped = _values(objects, account)
            if values.height or broken.height or mistyped.height:
                yield Batch(values, pl.concat([broken, mistyped]).sort("row"))
        if account.rows == limit:
            account.unseen -= {name for name in account.unseen if _mentioned(block, name)}
            if not account.unseen:
                break
    account.refuse()


def _mentioned(block: pa.LargeBinaryArray, name: str) -> bool:
    pattern = json.dumps(name, ensure_ascii=False).encode()
    return bool(pc.any(pc.match_substring(block, pattern)).as_py())


def _values(objects: pl.DataFrame, account: _Account) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The asked columns of objects (`row`, `text`), and the rows where one has another type, as broken ones."""
    columns = account.asked.plain
    shape = pl.Struct({name: types.as_text(type_) for name, type_ in columns.items()})
    values = _decode(objects["text"], shape)
    bad = [] if values is not None else _misshapen(objects["text"], shape, account)
    odd = objects[bad].with_columns(culprit=pl.Series(_culprits(objects["text"].gather(bad), shape), dtype=pl.String))
    if bad:
        objects = objects.filter(~pl.int_range(objects.height, eager=True).is_in(bad))
        values = _decode(objects["text"], shape)
    assert values is not None
    fields = values.struct.unnest()
    _note_seen(objects["text"], fields, account)
    lost = [
        pl.when(_is_lost(fields[name], objects["text"], asked)).then(pl.lit(name))
        for name, asked in columns.items()
        if fields.schema[name] != asked or isinstance(asked, pl.List)
    ]
    variants, formless = formed(objects["text"], account.asked)
    first = pl.coalesce([*lost, pl.lit(formless)])
    culprit = fields.with_columns(__culprit=first)["__culprit"].alias("culprit")
    odd = pl.concat([odd, objects.with_columns(culprit).filter(pl.col("culprit").is_not_null())])
    account.mistyped.update(odd["culprit"].to_list())
    plain = fields.select(
        types.converted(pl.col(name), fields.schema[name], type_).alias(name) for name, type_ in columns.items()
    )
    made = (
        pl.concat([objects.select("row"), plain, variants], how="horizontal")
        .filter(culprit.is_null())
        .select("row", *_entries(account.asked))
    )
    account.good += made.height
    said = {name: f"{name} is not {types.in_words(type_)}" for name, type_ in columns.items()}
    said |= {name: f"{name} is not {types.any_in_words(forms.values())}" for name, forms in account.asked.forms.items()}
    return made, broken_of(odd, pl.col("culprit").replace(said), pl.col("text"))


def _entries(asked: Asked) -> list[pl.Expr]:
    """Each asked column: the first of its names that has a value in the row."""
    return [
        pl.coalesce(f"{entry}/{name}" if column.as_json or column.if_it_fits else name for name in column.names).alias(
            entry
        )
        for entry, column in asked.columns.items()
    ]


def _decode(texts: pl.Series, shape: pl.Struct) -> pl.Series | None:
    """Objects as structs of the shape; None where one of them has another."""
    try:
        return texts.str.json_decode(shape)
    except pl.exceptions.ComputeError:
        return None


def _misshapen(texts: pl.Series, shape: pl.Struct, account: _Account) -> list[int]:
    """Positions of the objects that do not decode. TamisError where all of the file's first rows do not."""
    first = min(texts.len(), _HOPELESS)
    bad = faulty(first, lambda start, stop: _decode(texts.slice(start, stop - start), shape) is not None)
    if not account.good and len(bad) == _HOPELESS:
        account.mistyped.update(_culprits(texts.gather(bad), shape))
        account.refuse()
    rest = texts.slice(first)
    later = faulty(rest.len(), lambda start, stop: _decode(rest.slice(start, stop - start), shape) is not None)
    return bad + [first + position for position in later]


def _culprits(texts: pl.Series, shape: pl.Struct) -> list[str]:
    """For each object that does not decode, the first column that does not."""
    alone = [pl.Struct([column]) for column in shape.fields]
    return [
        next(only.fields[0].name for only in alone if _decode(texts.slice(position, 1), only) is None)
        for position in range(texts.len())
    ]


def _note_seen(texts: pl.Series, fields: pl.DataFrame, account: _Account) -> None:
    """A column is seen where a row has a value in it, or its key with null. One below the top is taken for it."""
    if texts.is_empty():
        return
    account.keys = account.keys or list(json.loads(texts[0]))
    for name in sorted(account.unseen):
        if name in fields.columns and fields[name].null_count() < fields.height:
            account.unseen.discard(name)
        elif (mentioned := texts.filter(mentions(texts, name))).len():
            key = json.dumps(name, ensure_ascii=False) + ":"
            if mentioned.str.json_path_match("$").str.contains(key, literal=True).any():
                account.unseen.discard(name)


def _is_lost(values: pl.Series, texts: pl.Series, asked: pl.DataType) -> pl.Series:
    """Rows where a value is not of the asked type. A scalar is decoded as a list of one, which it is not."""
    lost = values.to_frame().with_columns(__lost=types.lost(pl.col(values.name), values.dtype, asked))["__lost"]
    if isinstance(asked, pl.List) and not isinstance(asked.inner, pl.Struct):
        ones = (values.list.len() == 1).fill_null(value=False)
        if ones.any():
            scalar = ~texts.filter(ones).str.json_path_match(path_of(values.name)).str.starts_with("[")
            lost = lost.scatter(ones.arg_true(), scalar.fill_null(value=True) | lost.filter(ones))
    return lost
