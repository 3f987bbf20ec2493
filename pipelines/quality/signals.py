"""Every signal of records: the view that signals read, and the table that they make."""

import functools
import hashlib
from pathlib import Path
from typing import Final

import polars as pl

from pipelines import parts
from pipelines.parts import is_messages
from pipelines.quality import chat, grpo, personal_data, preference, reasoning, text, verified
from pipelines.quality.characters import characters
from pipelines.quality.repetition import repetition
from pipelines.quality.signal import SIGNALS as SIGNALS
from schemas.families import Family

SUBJECTS: Final = (text, chat, reasoning, preference, grpo, verified, personal_data)
"""The modules whose functions are signals, in the order of the report."""


def signals(table: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Columns `id`, `source`, `content_hash`, `code`, and one for each signal (of each part), in records' order.

    A row's signals depend on that row alone. Null where a signal has nothing to measure.
    """
    columns = {name: column for signal in SIGNALS.values() for name, column in signal.columns(family).items()}
    return view(table, family).select("id", "source", "content_hash", code=pl.lit(code()), **columns)


@functools.cache
def code() -> str:
    """Identity of the code that computes signals: where it changes, stored signals are stale."""
    folder = Path(__file__).parent
    files = [path for path in sorted(folder.glob("*.py")) if path.name not in ("rules.py", "redaction.py")]
    digest = hashlib.sha256()
    for path in [*files, Path(parts.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def view(table: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Records as signals read them.

    Each part is its text (without system messages), with the counts of `characters` and `repetition` beside it as
    `<part>.<count>`; `<part>_messages` is the list where it is one, and `last_turn` the last message of the prompt.
    Every other column stays; `outcome`, which verification gives, is null where it is not there.
    """
    if "outcome" not in table.columns:
        table = table.with_columns(outcome=pl.lit(None, dtype=pl.String))
    text_columns = table.select(parts.text(family, part, system=False).alias(part) for part in family.parts)
    counts = [
        counted.rename(lambda name, part=part: f"{part}.{name}")  # type: ignore[misc]
        for part in family.parts
        for counted in (characters(text_columns[part]), repetition(text_columns[part]))
    ]
    messages = [part for part in family.parts if is_messages(family, part)]
    rest = table.select(
        pl.exclude(family.parts),
        *(pl.col(part).alias(f"{part}_messages") for part in messages),
        last_turn=pl.col("prompt").list.last().struct.field("content"),
    )
    return pl.concat([rest, text_columns, *counts], how="horizontal")
