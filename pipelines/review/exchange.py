"""The review queue as a file that anybody can fill in, and the filled-in file as verdicts: the loop without Argilla.

A row is a record of the queue with its texts, and empty columns for the answers. A control looks like every other row:
neither its ground nor its fate is in the file. What an answer needs to know of the sending is looked up when it comes
back, in the version of the queue that the row names.
"""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.as_published import redaction_of
from pipelines.errors import TamisError
from pipelines.files import whole
from pipelines.lake import Lake
from pipelines.parts import compared, is_messages, text
from pipelines.quality.redaction import redacted_columns
from pipelines.review.verdicts import SCHEMA, append
from pipelines.standalone.files import ROW, scanned
from pipelines.states import Pass, last_pass
from schemas.families import FAMILIES, Family
from schemas.vocabulary import DECISIONS, DEFECTS, PREFERRED

FORM: Final = "file"
"""The form of answers that came in a file."""

KEY: Final = {"queue": pl.Int64, "recipe": pl.String, "family": pl.String, "content_hash": pl.String}
"""What says which row of which queue it is: the number of the table's version, and the table's key."""

ANSWERS: Final = {
    "user": pl.String,
    "decision": pl.String,
    "reasons": pl.String,
    "rating": pl.Int64,
    "preferred": pl.String,
    "correction": pl.String,
    "seconds": pl.Float64,
}
"""What people fill in. `reasons`: kinds of defect, with semicolons between, or a list."""

_SAID: Final = ("decision", "reasons", "rating", "preferred", "correction")
_TEXTS: Final = tuple(dict.fromkeys(part for family in FAMILIES.values() for part in family.parts))
_FACTS: Final = ("answer", "verifier", "verifier_args")
_SUFFIXES: Final = (".parquet", ".jsonl")


@dataclass(frozen=True)
class Imported:
    """`rows` of the file, those that were `answered`, and the answers among them that were `new`."""

    rows: int
    answered: int
    new: int

    def __str__(self) -> str:
        known = self.answered - self.new
        return (
            f"{self.answered:,} of {self.rows:,} rows are answered: {self.new:,} new verdicts, {known:,} known before"
        )


def export_queue(lake: Lake, path: Path, recipe: str | None = None) -> int:
    """Write the review queues (of one recipe) as parquet or JSONL, as the file's name ends; returns the rows.

    Columns: KEY, `id`, `source`, `shown` (the hits that speak against it, empty for many), `other` and `other_text` (a
    record that it is set against), the texts and facts of the families, redacted as the recipe says, and ANSWERS, which
    are empty.
    """
    _check_suffix(path)
    version = lake.version("review_queue")
    queued = lake.scan("review_queue", version, absent=version is None)
    if recipe is not None:
        queued = queued.filter(pl.col("recipe") == recipe)
    rows = queued.collect()
    if rows.is_empty():
        where = f"recipe {recipe}" if recipe else ""
        raise TamisError("the review queue is empty", where=where, cure="Materialise `review_queue` first.")
    parts = [
        _with_texts(lake, rows.filter((pl.col("recipe") == name) & (pl.col("family") == family.name)), name, family)
        for name in rows["recipe"].unique().sort()
        for family in FAMILIES.values()
    ]
    written = (
        pl.concat(parts, how="diagonal")
        .sort("recipe", "family", "priority")
        .with_columns(
            pl.col("content_hash").bin.encode("hex"),
            queue=pl.lit(version, dtype=pl.Int64),
            shown=pl.col("shown").list.join("; "),
            **{name: pl.lit(None, dtype=dtype) for name, dtype in ANSWERS.items()},
        )
        .select(*KEY, "id", "source", "shown", "other", "other_text", *_TEXTS, *_FACTS, *ANSWERS)
    )
    with whole(path) as part:
        (written.write_parquet if path.suffix == ".parquet" else written.write_ndjson)(part)
    return written.height


def import_verdicts(lake: Lake, path: Path, *, user: str | None = None, at: datetime | None = None) -> Imported:
    """Read a file that `export_queue` wrote and people filled in, and add its answers to `verdicts`.

    `user`: who gave the answers of rows that name nobody; the one who runs this, where it is None. `at`: when; now
    where it is None. Rows without an answer are left out; what was imported before is not added again. TamisError names
    row (counted from 1) and column of the first thing wrong, and then nothing is added.
    """
    rows = _typed(path)
    given = rows.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in _SAID)).with_columns(
        pl.col("user").fill_null(user or getpass.getuser())
    )
    _check(given, path)
    sent = _sent(lake, given, path)
    when = at or datetime.now(UTC)
    made = sent.with_columns(
        response=pl.format("file:{}:{}:{}:{}", "recipe", "family", "content_hash", "user"),
        at=pl.lit(when).cast(SCHEMA["at"]),
        status=pl.lit("submitted"),
        content_hash=pl.col("content_hash").str.decode("hex"),
        form=pl.lit(FORM),
        reasons=_listed(pl.col("reasons")),
    )
    return Imported(rows.height, given.height, append(lake, made))


def _with_texts(lake: Lake, rows: pl.DataFrame, recipe: str, family: Family) -> pl.DataFrame:
    """Rows of one family's queue with the texts of their records and of those that they are set against."""
    if rows.is_empty():
        return rows
    published = _pass_of(lake, recipe, int(rows["pass"][0]))
    held = published.state.scan(f"records_{family.name}")
    clean = redacted_columns(family, redaction_of(published))
    facts = [name for name in _FACTS if name in family.schema.names]
    mine = held.filter(pl.col("id").is_in(rows["id"].implode())).with_columns(clean)
    against = held.filter(pl.col("id").is_in(rows["other"].drop_nulls().implode())).with_columns(clean)
    told = mine.select("id", *_parts(family), *facts)
    others = against.select(other="id", other_text=compared(family))
    joined = rows.lazy().join(told, on="id", how="left").join(others, on="other", how="left").collect()
    nothing = [name for name in (*_TEXTS, *_FACTS) if name not in joined.columns]
    return joined.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in nothing)


def _parts(family: Family) -> list[pl.Expr]:
    """Each part as one text; the prompt's messages with who says them."""
    turn = pl.format("{}: {}", pl.element().struct.field("role"), pl.element().struct.field("content"))
    turns = pl.col("prompt").list.eval(turn).list.join("\n\n")
    return [
        (turns if part == "prompt" and is_messages(family, part) else text(family, part)).alias(part)
        for part in family.parts
    ]


def _pass_of(lake: Lake, recipe: str, number: int) -> Pass:
    published = last_pass(lake, recipe, number)
    if published is None:
        cure = "Materialise `review_queue` again."
        raise TamisError(f"pass {number}, from which the queue was drawn, is gone", where=f"recipe {recipe}", cure=cure)
    return published


def _typed(path: Path) -> pl.DataFrame:
    """The file's rows: ROW (from 1), KEY and ANSWERS; texts that are blank are null."""
    _check_suffix(path)
    held = scanned(path)
    schema = held.collect_schema()
    missing = [name for name in (*KEY, "decision") if name not in schema]
    if missing:
        cure = "Fill in a file that `tamis review export` wrote, and keep its columns."
        raise TamisError(f"has no column {missing[0]!r}", where=str(path), cure=cure)
    columns = []
    for name, dtype in (KEY | ANSWERS).items():
        value = pl.lit(None, dtype=dtype)
        if name in schema and schema[name] == pl.List(pl.String):
            value = pl.col(name).list.join(";")
        elif name in schema:
            value = pl.col(name)
        columns.append(value.alias(name))
    rows = held.select(pl.col(ROW) + 1, *columns).collect()
    nested = next((name for name in ANSWERS if rows.schema[name].is_nested()), None)
    if nested is not None:
        raise TamisError(f"the column {nested!r} holds {rows.schema[nested]}", where=str(path), cure="Write a text.")
    blank = rows.with_columns(_unblank(name) for name in KEY | ANSWERS if rows.schema[name] == pl.String)
    numbers = [name for name, dtype in (KEY | ANSWERS).items() if dtype != pl.String]
    typed = blank.with_columns(pl.col(name).cast((KEY | ANSWERS)[name], strict=False) for name in numbers)
    for name in numbers:
        lost = blank.filter(pl.col(name).is_not_null() & _unlike(blank[name], typed[name]))
        _raise(lost, name, "is no whole number" if name != "seconds" else "is no number", path)
    return typed


def _unblank(name: str) -> pl.Expr:
    return pl.when(pl.col(name).str.strip_chars() != "").then(name).alias(name)


def _unlike(before: pl.Series, after: pl.Series) -> pl.Series:
    """Whether a value was lost, or lost its decimals, when it was made a number of its column."""
    value = before.cast(pl.Float64, strict=False)
    return after.is_null() | (value.is_not_null() & (value != after.cast(pl.Float64)))


def _check(given: pl.DataFrame, path: Path) -> None:
    """TamisError for the first thing that an answer may not say."""
    allowed: Mapping[str, tuple[str, ...]] = {"decision": DECISIONS, "preferred": PREFERRED, "family": tuple(FAMILIES)}
    for name, words in allowed.items():
        _raise(given.filter(pl.col(name).is_not_null() & ~pl.col(name).is_in(words)), name, _one_of(words), path)
    kinds = given.select(ROW, reasons=_listed(pl.col("reasons"))).explode("reasons").drop_nulls("reasons")
    unknown = kinds.filter(~pl.col("reasons").is_in(list(DEFECTS)))
    _raise(unknown, "reasons", _one_of(tuple(DEFECTS)), path)
    _raise(given.filter(~pl.col("rating").is_between(1, 5)), "rating", "is not from 1 (worst) to 5", path)
    _raise(given.filter(~(pl.col("seconds") >= 0)), "seconds", "is less than nothing", path)
    one_sided = pl.col("preferred").is_not_null() & (pl.col("family") != "preference")
    _raise(given.filter(one_sided), "preferred", "is said of a record without sides", path)
    twice = pl.struct(*KEY, "user").is_duplicated()
    _raise(given.filter(twice), "content_hash", "is answered twice by one person", path)


def _sent(lake: Lake, given: pl.DataFrame, path: Path) -> pl.DataFrame:
    """The answers with `ground`, `weight`, `fate`, `rules` and `shown` of the rows of the queue that they answer."""
    last = lake.version("review_queue")
    unknown = given.filter(~pl.col("queue").is_between(0, -1 if last is None else last).fill_null(value=False))
    _raise(unknown, "queue", "is no version of this workspace's review queue", path)
    nobody = lake.scan("review_queue", absent=True).with_columns(queue=pl.lit(None, dtype=pl.Int64))
    versions = [
        lake.scan("review_queue", version).with_columns(queue=pl.lit(version, dtype=pl.Int64))
        for version in given["queue"].unique().sort()
    ]
    queued = pl.concat([nobody, *versions]).with_columns(pl.col("content_hash").bin.encode("hex"), asked=True).collect()
    columns = ("ground", "weight", "fate", "rules", "shown", "asked")
    found = given.join(queued.select(*KEY, *columns), on=list(KEY), how="left", maintain_order="left")
    _raise(found.filter(pl.col("asked").is_null()), "content_hash", "is not in the queue that the row names", path)
    return found


def _listed(reasons: pl.Expr) -> pl.Expr:
    """Kinds of defect, each once; none where nothing is written."""
    each = reasons.fill_null("").str.split(";").list.eval(pl.element().str.strip_chars())
    return each.list.eval(pl.element().filter(pl.element() != "")).list.unique(maintain_order=True)


def _one_of(words: tuple[str, ...]) -> str:
    return f"is none of {', '.join(words)}"


def _raise(wrong: pl.DataFrame, column: str, what: str, path: Path) -> None:
    """TamisError for the first of the rows that are wrong; nothing where there are none."""
    if wrong.is_empty():
        return
    first = wrong.sort(ROW).row(0, named=True)
    rows = wrong[ROW].n_unique()
    more = f", and so in {rows - 1:,} more rows" if rows > 1 else ""
    raise TamisError(
        f"{first[column]!r} {what}{more}",
        where=f"{path}: row {first[ROW]:,}, column {column}",
        cure="Mend the file and import it again; nothing was imported.",
    )


def _check_suffix(path: Path) -> None:
    if path.suffix not in _SUFFIXES:
        raise TamisError("is neither parquet nor JSONL", where=str(path), cure="End its name in .parquet or .jsonl.")
