"""From upstream's rows to records: each row yields records, is a reject, or is left out with a reason."""

import functools
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.identity import with_hashes
from pipelines.plans import computed
from pipelines.sources.source import Columns, Read
from schemas.families import FAMILIES, Family
from schemas.validator import reasons

_EXCERPT: Final = 200
_NULLABLE_DEFAULTS: Final = ("group", "license", "language", "tools", "template_kwargs", "meta")


@dataclass(frozen=True)
class Place:
    """What all rows of a file have in common. `number` is the file's within its config and split."""

    source: str
    revision: str
    config: str
    split: str
    file: str
    number: int
    license: str | None
    language: str | None


@dataclass(frozen=True)
class Normalised:
    """What became of a batch of upstream rows.

    `records`: family -> frame in its schema. `rejects`: columns `row`, `family`, `selected`, `reason`, `excerpt`;
    `family` is null where the row yields nothing at all. `yielding`: rows with at least one record.
    """

    rows: int
    yielding: int
    records: dict[str, pl.DataFrame]
    rejects: pl.DataFrame


def normalise(frame: pl.DataFrame, read: Read, place: Place) -> Normalised:
    """Turn a batch (`row` and upstream's columns) into records by what the source declares.

    Every row ends in exactly one of three: yielding, rejected, or not selected. Where `prepare` gives a row several
    times, each time is a record of its own (`#0`, `#1`, ... at the end of its id), and `reject` and `skip` should say
    the same of all of them: a row that yields a record is neither rejected nor left out.
    """
    prepared = read.prepare(frame) if read.prepare else frame
    judged = computed(
        prepared,
        row=pl.col("row"),
        __reject=_first_true(read.reject),
        __skip=pl.coalesce(_first_true(read.skip), _part(read.part_of, place)),
        **_made(read.families),
    )
    open_rows = judged.filter(pl.col("__reject").is_null() & pl.col("__skip").is_null())
    records, failures = {}, []
    for name, columns in read.families.items():
        family = FAMILIES[name]
        chosen = open_rows.filter(_of(name, "when")) if "when" in columns else open_rows
        made = _family_rows(chosen, family, columns, place)
        reason = reasons(made, family)
        if reason.null_count() == made.height:
            records[name] = made
            continue
        valid = reason.is_null()
        records[name] = made.filter(valid)
        failures.append(chosen.select("row", family=pl.lit(name), reason=reason).filter(~valid))
    yielded = pl.concat(
        [
            pl.Series("row", [], dtype=pl.Int64),
            *(r["origin"].struct.field("row").alias("row") for r in records.values()),
        ]
    ).unique()
    rejects = _rejects(judged, open_rows, yielded, pl.concat(failures) if failures else _NO_FAILURES, frame)
    return Normalised(frame.height, yielded.len(), records, rejects)


_NO_FAILURES: Final = pl.DataFrame(schema={"row": pl.Int64, "family": pl.String, "reason": pl.String})


def _first_true(conditions: Mapping[str, pl.Expr]) -> pl.Expr:
    reasons = [pl.when(condition).then(pl.lit(reason)) for reason, condition in conditions.items()]
    return pl.coalesce(reasons) if reasons else pl.lit(None, dtype=pl.String)


def _part(origin: pl.Expr | None, place: Place) -> pl.Expr:
    """Why a row is left out that is a part of another row's record: the key in that record's id says which."""
    return pl.lit(None, dtype=pl.String) if origin is None else pl.format("part of {}", _key(place, origin))


def _key(place: Place, row: pl.Expr) -> pl.Expr:
    return pl.format("{}.{}.{}.{}", pl.lit(place.config), pl.lit(place.split), place.number, row)


def _of(family: str, column: str) -> str:
    """What a family's column is called beside those of the others."""
    return f"{family}.{column}"


def _made(families: Mapping[str, Columns]) -> dict[str, pl.Expr]:
    """The columns of all families; a literal is as long as the others are."""
    return {
        _of(name, column): expression for name, columns in families.items() for column, expression in columns.items()
    }


def _family_rows(chosen: pl.DataFrame, family: Family, columns: Columns, place: Place) -> pl.DataFrame:
    """Rows of one family with all of its columns, not yet validated."""
    types = _types(family.name)
    given = {name: pl.col(_of(family.name, name)) for name in columns if name != "when"}
    defaults = {
        "license": pl.lit(place.license, dtype=pl.String),
        "language": pl.lit(place.language, dtype=pl.String),
    }
    absent = {
        name: pl.lit(None, dtype=types[name]) for name in types.names() if name not in given and name not in defaults
    }
    key = _key(place, pl.col("row"))
    if chosen["row"].n_unique() < chosen.height:
        number = pl.when(pl.len().over("row") > 1).then(pl.format("#{}", pl.int_range(pl.len()).over("row")))
        key = pl.concat_str(key, number.fill_null(""))
    rows = chosen.select(**(absent | defaults | given), __key=key, __row=pl.col("row"))
    hashed = with_hashes(
        rows.with_columns(pl.col(name).cast(types[name]) for name in types if name not in _COMPUTED), family
    )
    return hashed.with_columns(
        id=pl.format("{}/{}/{}", pl.lit(place.source), pl.lit(family.name), "__key"),
        source=pl.lit(place.source),
        revision=pl.lit(place.revision),
        origin=pl.struct(
            config=pl.lit(place.config),
            split=pl.lit(place.split),
            file=pl.lit(place.file),
            row="__row",
        ),
    ).select(types.names())


@functools.cache
def _types(family: str) -> pl.Schema:
    return pl.DataFrame(pl.from_arrow(FAMILIES[family].schema.empty_table())).schema


_COMPUTED: Final = ("id", "source", "revision", "origin", "content_hash", "prompt_hash", "match_hash")


def _rejects(
    judged: pl.DataFrame, open_rows: pl.DataFrame, yielded: pl.Series, failures: pl.DataFrame, frame: pl.DataFrame
) -> pl.DataFrame:
    """Rows that yield nothing, once each, and the families that yielding rows fail."""
    if failures.is_empty() and open_rows.height == judged.height and yielded.len() == frame.height:
        return _NO_REJECTS
    yields = pl.col("row").is_in(yielded.implode())
    shut = (
        judged.filter(pl.col("__reject").is_not_null() | pl.col("__skip").is_not_null(), ~yields)
        .select(
            "row",
            family=pl.lit(None, dtype=pl.String),
            selected=pl.col("__reject").is_not_null(),
            reason=pl.coalesce("__reject", "__skip"),
        )
        .unique("row", keep="first", maintain_order=True)
    )
    barren = open_rows.filter(~yields).join(shut, on="row", how="anti").select("row").unique(maintain_order=True)
    first = failures.unique("row", keep="first", maintain_order=True).select("row", "reason")
    failed = barren.join(first, on="row", how="left", maintain_order="left").select(
        "row",
        family=pl.lit(None, dtype=pl.String),
        selected=pl.lit(value=True),
        reason=pl.col("reason").fill_null("no family takes it"),
    )
    partial = (
        failures.filter(yields)
        .unique(["row", "family"], keep="first", maintain_order=True)
        .select("row", "family", selected=pl.lit(value=True), reason="reason")
    )
    reasons = pl.concat([shut, failed, partial])
    return reasons.join(_excerpts(frame, reasons["row"]), on="row", how="left", maintain_order="left")


_NO_REJECTS: Final = pl.DataFrame(
    schema={"row": pl.Int64, "family": pl.String, "selected": pl.Boolean, "reason": pl.String, "excerpt": pl.String}
)


def _excerpts(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    chosen = frame.filter(pl.col("row").is_in(rows.implode()))
    text = pl.struct(pl.exclude("row")).struct.json_encode() if chosen.width > 1 else pl.lit("")
    return chosen.select("row", excerpt=text.str.head(_EXCERPT))


def file_key(file: str) -> str:
    """A name for a file of the lake that comes from this upstream file, safe on every file system."""
    return hashlib.sha256(file.encode()).hexdigest()[:16]


def batches(frames: Iterator[pl.DataFrame], *, whole_file: bool) -> Iterator[pl.DataFrame]:
    """The frames as they come, or all of a file as one."""
    if not whole_file:
        yield from frames
        return
    parts = list(frames)
    if parts:
        yield pl.concat(parts, how="diagonal_relaxed")
