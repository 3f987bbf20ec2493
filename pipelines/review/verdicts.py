"""The table `verdicts`: which answers stand, what they come to for each record, and how new ones are added.

An answer that is edited is a new row of the same response; the last one stands. Where answers to one record disagree,
the one that more people gave decides; where none has most, the record is undecided: nothing happens to it, and the
report names it.
"""

from typing import Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.transactions import committing
from schemas.tables import TABLES
from schemas.vocabulary import DECISIONS

SCHEMA: Final = pl.DataFrame(pl.from_arrow(TABLES["verdicts"].schema.empty_table())).schema
RECORD: Final = ("content_hash", "family")
"""What a verdict is about: a content, whichever records have it."""

ANSWERED: Final = ("status", "decision", "reasons", "rating", "preferred", "correction")
"""What an annotator gave: where it is the same, nothing was edited."""

UNDECIDED: Final = "undecided"


def latest(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The last version of each response, in the order of the responses."""
    return verdicts.sort("response", "at").unique("response", keep="last", maintain_order=True)


def submitted(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The answers that count: of each response the last version, where that is submitted; one a person and record."""
    counted = latest(verdicts).filter(pl.col("status") == "submitted")
    return counted.sort("at", "response").unique([*RECORD, "user"], keep="last", maintain_order=True)


def answers(verdicts: pl.DataFrame) -> pl.DataFrame:
    """How many people submitted an answer to each record: `content_hash`, `family`, `users`."""
    return submitted(verdicts).group_by(RECORD).agg(users=pl.col("user").n_unique().cast(pl.Int64)).sort(RECORD)


def resolved(verdicts: pl.DataFrame) -> pl.DataFrame:
    """What the submitted answers come to, one row a record that any answer says something of, sorted.

    Columns `content_hash`, `family`; `says`: keep, drop or fix, or UNDECIDED where no decision has more people behind
    it than every other; `reason`: the first kind of defect that those who decided ticked, null where none did; `shown`:
    the hits that those who decided were shown, each once; `correction` and `preferred`: the last ones among theirs;
    `users`: who decided; `at`: when the last of them did; `keep`, `drop` and `fix`: how many people said so.

    A pair whose rejected side is preferred, or an answer with a corrected text, says fix where its decision is open; a
    correction or preference beside the decision drop changes nothing.
    """
    said = _said(verdicts)
    tally = said.group_by(RECORD).agg((pl.col("says") == one).sum().cast(pl.Int64).alias(one) for one in DECISIONS)
    most = pl.max_horizontal(*DECISIONS)
    alone = pl.sum_horizontal((pl.col(one) == most).cast(pl.Int64) for one in DECISIONS) == 1
    winner = pl.coalesce(pl.when(pl.col(one) == most).then(pl.lit(one)) for one in DECISIONS)
    judged = tally.with_columns(winner=pl.when(alone).then(winner).otherwise(pl.lit(UNDECIDED)))
    behind = said.join(judged.select(*RECORD, "winner"), on=RECORD).filter(
        (pl.col("says") == pl.col("winner")) | (pl.col("winner") == UNDECIDED)
    )
    decided = (
        behind.sort("at", "response")
        .group_by(RECORD, maintain_order=True)
        .agg(
            reason=pl.col("reasons").explode(empty_as_null=False, keep_nulls=False).drop_nulls().sort().first(),
            shown=pl.col("shown").explode(empty_as_null=False, keep_nulls=False).drop_nulls().unique().sort(),
            correction=pl.col("correction").drop_nulls().last(),
            preferred=pl.col("preferred").drop_nulls().last(),
            users=pl.col("user").unique().sort(),
            at=pl.col("at").max(),
        )
    )
    return judged.join(decided, on=RECORD).rename({"winner": "says"}).sort(RECORD)


def conflicting(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Records to which people gave different decisions, as `resolved` has them: those decided and those UNDECIDED."""
    several = pl.sum_horizontal((pl.col(one) > 0).cast(pl.Int64) for one in DECISIONS) > 1
    return resolved(verdicts).filter(several)


def append(lake: Lake, answers: pl.DataFrame) -> int:
    """Add answers (in the table's columns) to `verdicts`, and return how many were new.

    One whose response and time are there already, or that says what the last version of its response says, is not
    added: pulling or importing twice doubles nothing. TamisError where a row lacks what every answer has.
    """
    typed = answers.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    needed = [field.name for field in TABLES["verdicts"].columns if not field.nullable]
    lacking = [name for name in needed if typed[name].null_count()]
    if lacking:
        raise TamisError(f"an answer has no {lacking[0]}", where="verdicts", cure="This is a defect of Tamis.")
    with committing(lake):
        held = lake.scan("verdicts").collect()
        new = _new(typed, held)
        if new.height:
            lake.append("verdicts", new)
    return new.height


def _new(answers: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    key = ["response", "at"]
    fresh = answers.unique(key, keep="last", maintain_order=True).join(held.select(key), on=key, how="anti")
    before = pl.concat([held.select(fresh.columns), fresh]).sort(key)
    same = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift(1).over("response", order_by="at")) for name in ANSWERED
    ) & (pl.int_range(pl.len()).over("response", order_by="at") > 0)
    changed = before.filter(~same).select(key)
    return fresh.join(changed, on=key, how="semi")


def _said(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The submitted answers that say something, with what each `says`."""
    flipped = (pl.col("preferred") == "rejected").fill_null(value=False)
    corrected = (pl.col("correction").str.strip_chars() != "").fill_null(value=False)
    says = (
        pl.when(pl.col("decision") == "drop")
        .then(pl.lit("drop"))
        .when(flipped | corrected)
        .then(pl.lit("fix"))
        .otherwise("decision")
    )
    return submitted(verdicts).with_columns(says=says).filter(pl.col("says").is_not_null())
