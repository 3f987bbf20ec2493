"""Mathematics: the plain cases by comparison, the rest by Math-Verify in processes of their own."""

import polars as pl

from pipelines.verify.plain import decided
from pipelines.verify.workers import Workers


def outcomes(pairs: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    """Outcomes of `pairs` (`gold`: an answer; `said`: a text that gives one), as columns `outcome` and `by`.

    Null texts are unverifiable. The outcome is Math-Verify's for `parse` of both and `verify`: verified where it says
    true; where it says false, refuted if both sides hold an expression, else unverifiable. Equal pairs are judged once.
    """
    asked = pairs.lazy().select("gold", "said").unique(maintain_order=True).drop_nulls().collect()
    first = asked.with_columns(outcome=decided(asked))
    hard = first.filter(pl.col("outcome").is_null()).select("gold", "said")
    judged = hard.with_columns(
        outcome=pl.Series(workers.outcomes(hard.rows()), dtype=pl.String), by=pl.lit("Math-Verify")
    )
    easy = first.filter(pl.col("outcome").is_not_null()).with_columns(by=pl.lit("comparison"))
    found = pairs.join(pl.concat([easy, judged]), on=["gold", "said"], how="left", maintain_order="left")
    return found.select(pl.col("outcome").fill_null("unverifiable"), "by")
