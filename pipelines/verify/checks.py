"""One interface to every verifier: claims go in, outcomes come out, and an unknown is never a pass."""

from collections.abc import Callable
from typing import Final

import polars as pl

from pipelines.verify import answers, countdown, mathematics
from pipelines.verify.workers import Workers

Check = Callable[[pl.DataFrame, Workers], pl.DataFrame]
"""From claims to `outcome`, `by` (what decided; null where nothing could) and `said` (the answer found), row by row."""

_SHOWN: Final = 200
"""Characters of an answer that are stored, for people."""

_UNKNOWN: Final = pl.lit("unverifiable")


def checked(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    """Columns `outcome`, `by` and `said` of each claim.

    `claims`: `verifier`, `gold`, `text` (which gives an answer), `given` (the verifier's arguments as JSON), and
    `itself`: whether the text is the gold answer alone.
    """
    rows = claims.select("verifier", "gold", "text", "given", "itself", row=pl.int_range(pl.len()))
    found = []
    for verifier, part in rows.group_by("verifier", maintain_order=True):
        found.append(CHECKS[str(verifier[0])](part, workers).with_columns(part["row"]))
    empty = pl.DataFrame(schema={"outcome": pl.String, "by": pl.String, "said": pl.String, "row": pl.Int64})
    return pl.concat([empty, *found]).sort("row").select("outcome", "by", pl.col("said").str.tail(_SHOWN))


def _mathematics(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    boxed = pl.when(pl.col("text").str.contains("\\boxed", literal=True)).then("text").otherwise(
        pl.concat_str(pl.lit("\\boxed{"), "text", pl.lit("}"))
    )  # fmt: skip
    itself = pl.struct(said=boxed, firm=pl.lit(value=True))
    read = pl.when("itself").then(itself).otherwise(answers.said(pl.col("text")))
    said = claims.select("gold", read.alias("read")).unnest("read")
    found = mathematics.outcomes(said, workers)
    # A number that merely comes last may be beside the point.
    doubtful = (pl.col("outcome") == "refuted") & ~said["firm"].fill_null(value=False)
    outcome = pl.when(doubtful).then(_UNKNOWN).otherwise("outcome")
    return found.with_columns(said=said["said"]).select(outcome.alias("outcome"), "by", "said")


def _choice(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    letters = claims.select(gold=answers.letter(pl.col("gold")), said=answers.letter(pl.col("text")))
    return letters.select(_compared("gold", "said"), by=pl.lit("choice"), said="said")


def _exact(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    texts = claims.select(gold=answers.folded(pl.col("gold")), said=answers.folded(pl.col("text")))
    return texts.select(_compared("gold", "said"), by=pl.lit("exact"), said="said")


def _words(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    """Words that differ may mean the same: they are never refuted."""
    texts = claims.select(gold=answers.folded(pl.col("gold")), said=answers.words(pl.col("text")))
    same = (pl.col("gold") == pl.col("said")).fill_null(value=False)
    outcome = pl.when(same).then(pl.lit("verified")).otherwise(_UNKNOWN)
    return texts.select(outcome=outcome, by=pl.lit("exact"), said="said")


def _countdown(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    reached = countdown.evaluated(claims["text"], claims["given"])
    task = claims["gold"].is_null() & claims["itself"]
    possible = countdown.solvable(claims["given"].zip_with(task, pl.Series([None], dtype=pl.String)))
    return claims.select(outcome=reached.zip_with(~task, possible), by=pl.lit("countdown"), said="text")


def _not_checked(claims: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    """Code and constraints on the answer's form: nothing runs them yet."""
    nothing = pl.lit(None, dtype=pl.String)
    return claims.with_columns(outcome=_UNKNOWN, by=nothing, said=nothing).select("outcome", "by", "said")


def _compared(gold: str, said: str) -> pl.Expr:
    return (
        pl.when(pl.col(gold) == pl.col(said))
        .then(pl.lit("verified"))
        .when(pl.col(gold) != pl.col(said))
        .then(pl.lit("refuted"))
        .otherwise(_UNKNOWN)
        .alias("outcome")
    )


CHECKS: Final[dict[str, Check]] = {
    "math": _mathematics,
    "choice": _choice,
    "exact": _exact,
    "words": _words,
    "countdown": _countdown,
    "code": _not_checked,
    "instruction": _not_checked,
}
"""The verifiers of records of grpo, and `words`: gold answers of cot that are no mathematics."""
