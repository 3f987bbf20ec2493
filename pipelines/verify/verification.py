"""The table `verification`: whether the answers of a source's records are right, as far as that can be known.

A cot record is verified where the answer that it gives is its gold answer. A grpo record has no answer of a model's, so
what is verified is the task: the gold answer passes its own verifier, as a right answer would have to; and a Countdown
task, which has no gold answer, can be solved.
"""

import functools
import hashlib
from pathlib import Path
from typing import Final

import polars as pl

from pipelines import parts
from pipelines.lake import Lake
from pipelines.verify.checks import checked
from pipelines.verify.workers import Workers
from schemas.families import Family
from schemas.vocabulary import OUTCOMES

FAMILIES_VERIFIED: Final = ("cot", "grpo")
"""Families whose records have an answer to check."""

COLUMNS: Final = ("outcome", "by", "said")

_WORDS: Final = r"[a-zA-Z]{3,}"
_COMMANDS: Final = r"\\(?:text|mbox|mathrm|textbf)\s*\{[^{}]*\}|\\[a-zA-Z]+"
_LETTER: Final = r"^\(?[A-J]\)?\.?$"


def verification(records: pl.DataFrame, family: Family, workers: Workers, known: pl.LazyFrame) -> pl.DataFrame:
    """Rows of the table `verification` for records of a family, in their order. `family` is one of FAMILIES_VERIFIED.

    `known`: rows of the table, whose outcomes are taken for equal content and code.
    """
    claims = records.select("id", "source", "content_hash", *_claims(family), **_constants(family))
    cached = _cached(known, family, records)
    old = claims.join(cached, on="content_hash", how="semi")
    new = _with_outcomes(claims.join(cached, on="content_hash", how="anti"), workers)
    stored = old.drop("gold", "text", "verifier", "given", "itself").join(cached, on="content_hash", how="left")
    found = pl.concat([stored.select(new.columns), new])
    return records.select("id").join(found, on="id", how="left", maintain_order="left").select(new.columns)


def outcome_counts(lake: Lake, source: str) -> pl.DataFrame:
    """A source's verified records by `family`, `outcome` and `by`, with `records`, as the lake holds them now."""
    rows = lake.scan("verification").filter(pl.col("source") == source)
    counts = rows.group_by("family", "outcome", "by").agg(records=pl.len().cast(pl.Int64))
    return counts.sort("family", "outcome", "by", nulls_last=True).collect()


def outcome_sums(counts: pl.DataFrame) -> dict[str, int]:
    """Records by outcome, each of the four; `counts`: as of `outcome_counts`."""
    return {outcome: int(counts.filter(pl.col("outcome") == outcome)["records"].sum()) for outcome in OUTCOMES}


@functools.cache
def code() -> str:
    """Identity of the code that verifies: where it changes, stored outcomes are stale."""
    digest = hashlib.sha256()
    for path in [*sorted(Path(__file__).parent.glob("*.py")), Path(parts.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


_null: Final = pl.lit(None, dtype=pl.String)


def _constants(family: Family) -> dict[str, pl.Expr]:
    return {"family": pl.lit(family.name), "code": pl.lit(code())}


def _cached(known: pl.LazyFrame, family: Family, records: pl.DataFrame) -> pl.DataFrame:
    """What is known of the records' content by the code as it is: `content_hash` and COLUMNS."""
    current = known.filter((pl.col("code") == code()) & (pl.col("family") == family.name))
    mine = current.join(records.lazy().select("content_hash"), on="content_hash", how="semi")
    return mine.select("content_hash", *COLUMNS).unique("content_hash", keep="any").collect()


def _claims(family: Family) -> list[pl.Expr]:
    """The columns that `checked` reads."""
    gold = pl.col("answer")
    if family.name == "grpo":
        return [
            gold.alias("gold"),
            gold.alias("text"),
            pl.col("verifier"),
            pl.col("verifier_args").alias("given"),
            pl.lit(value=True).alias("itself"),
        ]
    completion = parts.text(family, "completion")
    # Where the source made the answer of the gold one, only the reasoning says where it comes from.
    repeats = completion.str.strip_chars() == gold.str.strip_chars()
    text = pl.when(repeats).then(pl.col("reasoning")).otherwise(completion)
    bare = gold.str.replace_all(_COMMANDS, " ")
    verifier = (
        pl.when(gold.str.strip_chars().str.contains(_LETTER))
        .then(pl.lit("choice"))
        .when(bare.str.contains(_WORDS))
        .then(pl.lit("words"))
        .otherwise(pl.lit("math"))
    )
    return [
        gold.alias("gold"),
        text.alias("text"),
        verifier.alias("verifier"),
        _null.alias("given"),
        pl.lit(value=False).alias("itself"),
    ]


def _with_outcomes(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    found = claims.with_columns(checked(claims, workers))
    return found.select("id", "source", "family", "content_hash", *COLUMNS, "code")
