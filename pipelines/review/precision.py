"""How good each rule is, from the controls that people judged: precision and recall with 95 % intervals.

Controls are a random sample of each stratum (what a family keeps, and what it drops), so each stands for as many as
every other: its weight, scaled so that the answered controls of a stratum stand for all of it. Ratios of weighted sums
have the variance of a stratified sample by linearisation (Särndal, Swensson and Wretman 1992, "Model Assisted Survey
Sampling", 5.6 and 5.7), and the interval is Wilson's with the number of independent answers that has this variance
(Korn and Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts estimated
from survey data", Survey Methodology 24(2), who use Clopper and Pearson's there).
"""

from typing import Final

import polars as pl

from pipelines.recipe import Recipe
from pipelines.review.queue import CONTROLS, DROPPED, KEPT, OPEN, populations
from pipelines.review.verdicts import RECORD, UNDECIDED, resolved, submitted
from pipelines.states import Pass
from schemas.families import FAMILIES

Z: Final = 1.959963984540054
"""Of a normal interval of 95 %."""

_STRATUM: Final = ("family", "ground")

RULES: Final = {
    "rule": pl.String,
    "judged": pl.Int64,
    "precision": pl.Float64,
    "precision_low": pl.Float64,
    "precision_high": pl.Float64,
    "recall": pl.Float64,
    "recall_low": pl.Float64,
    "recall_high": pl.Float64,
}


def labels(verdicts: pl.DataFrame, recipe: str) -> pl.DataFrame:
    """What people came to about records of a recipe's queues: `content_hash`, `family`, `junk` (whether they would not
    keep it as it is), and how it was sent last: `ground`, `weight`, `fate`, `rules`, `shown`."""
    mine = verdicts.filter(pl.col("recipe") == recipe)
    judged = resolved(mine).filter(pl.col("says") != UNDECIDED).select(*RECORD, "says", junk=pl.col("says") != "keep")
    sent = submitted(mine).sort("at").unique(RECORD, keep="last", maintain_order=True)
    columns = ("ground", "weight", "fate", "rules", "shown")
    return judged.join(sent.select(*RECORD, *columns), on=RECORD, how="left", maintain_order="left")


def strata(published: Pass, recipe: Recipe, judged: pl.DataFrame) -> pl.DataFrame:
    """How many contents each stratum has: `family`, `ground` (that of its controls), `size`. What was judged counts to
    the stratum that it was sent from, whatever the verdict made of it."""
    fate = pl.when(pl.col("fate") == "kept").then(pl.lit(KEPT)).otherwise(pl.lit(DROPPED))
    frames = [judged.filter(pl.col("fate").is_in(OPEN)).select("family", ground=fate)]
    for name, family in FAMILIES.items():
        rest = populations(published, recipe, family).join(judged, on="content_hash", how="anti")
        frames.append(rest.select(family=pl.lit(name), ground=fate))
    return pl.concat(frames).group_by(_STRATUM).agg(size=pl.len().cast(pl.Int64)).sort(_STRATUM)


def rules(judged: pl.DataFrame, sizes: pl.DataFrame) -> pl.DataFrame:
    """Precision and recall of each rule that hits a judged control, in the columns RULES; sorted by rule.

    `precision`: of the records that it hits, those that people would not keep as they are; `recall`: of all such
    records, those that it hits. Null where no control tells. `judged`: judged controls that it hits.
    """
    sample = _weighted(judged, sizes)
    strata_ = sample.group_by(_STRATUM).agg(
        size=pl.col("size").first(),
        answered=pl.len(),
        junk=_sum(pl.col("junk")),
        junk_squared=_sum(pl.col("junk"), power=2),
    )
    hit = sample.explode("rules", empty_as_null=False, keep_nulls=False).rename({"rules": "rule"})
    hits = hit.group_by("rule", *_STRATUM).agg(
        judged=pl.len().cast(pl.Int64),
        right=_sum(pl.col("junk")),
        right_squared=_sum(pl.col("junk"), power=2),
        wrong=_sum(~pl.col("junk")),
        wrong_squared=_sum(~pl.col("junk"), power=2),
    )
    every = hits.select("rule").unique().join(strata_, how="cross").join(hits, on=["rule", *_STRATUM], how="left")
    full = every.with_columns(pl.exclude("rule", *_STRATUM).fill_null(0)).with_columns(
        missed=pl.col("junk") - pl.col("right"), missed_squared=pl.col("junk_squared") - pl.col("right_squared")
    )
    judged_hits = full.group_by("rule").agg(pl.col("judged").sum())
    precision, recall = _ratio(full, "wrong", "precision"), _ratio(full, "missed", "recall")
    done = judged_hits.join(precision, on="rule").join(recall, on="rule").sort("rule")
    return done.select(pl.col(name).cast(dtype) for name, dtype in RULES.items())


def below(measured: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """The rules that drop records, and whose precision is below what the recipe asks."""
    dropping = [rule.name for rule in recipe.rules if rule.action == "drop"]
    return measured.filter(pl.col("rule").is_in(dropping) & (pl.col("precision") < recipe.review.precision))


def wilson(share: pl.Expr, count: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Wilson's (1927) 95 % interval of a share of `count` independent answers."""
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    half = Z / (1 + Z**2 / count) * (share * (1 - share) / count + Z**2 / (4 * count**2)).sqrt()
    return (middle - half).clip(0, 1), (middle + half).clip(0, 1)


def _weighted(judged: pl.DataFrame, sizes: pl.DataFrame) -> pl.DataFrame:
    """The judged controls, each with `each`: how many of its stratum it stands for, and the stratum's `size`."""
    controls = judged.filter(pl.col("ground").is_in(CONTROLS) & pl.col("weight").is_not_null())
    sized = controls.join(sizes, on=_STRATUM, how="inner")
    return sized.with_columns(each=pl.col("weight") * pl.col("size") / pl.col("weight").sum().over(_STRATUM))


def _sum(of: pl.Expr, power: int = 1) -> pl.Expr:
    return (of.cast(pl.Float64) * pl.col("each") ** power).sum()


def _ratio(full: pl.DataFrame, against: str, name: str) -> pl.DataFrame:
    """`right / (right + against)` over all strata, by rule, with its interval.

    An answer that is right adds its weight times (1 - ratio) to the linearised sum, one `against` takes its weight
    times the ratio from it, and every other answer adds nothing.
    """
    right, other = pl.col("right").sum().over("rule"), pl.col(against).sum().over("rule")
    total, ratio = right + other, right / (right + other)
    part = pl.col("right") * (1 - pl.col("ratio")) - pl.col(against) * pl.col("ratio")
    squared = pl.col("right_squared") * (1 - pl.col("ratio")) ** 2 + pl.col(f"{against}_squared") * pl.col("ratio") ** 2
    answered = pl.col("answered")
    # A stratum of one answer shows no spread: its own distance from the ratio stands for it.
    spread = pl.when(answered > 1).then((squared - part**2 / answered) * answered / (answered - 1)).otherwise(squared)
    unseen = 1 - answered / pl.col("size")
    kish = total**2 / (pl.col("right_squared") + pl.col(f"{against}_squared")).sum().over("rule")
    summed = (
        full.with_columns(ratio=ratio, total=total, kish=kish)
        .with_columns(variance=unseen * spread / pl.col("total") ** 2, unseen=unseen)
        .group_by("rule")
        .agg(
            pl.col("ratio", "kish").first(),
            pl.col("variance").sum().clip(0),
            whole=(pl.col("unseen") <= 0).all(),
        )
    )
    share, variance = pl.col("ratio"), pl.col("variance")
    # Where all answers are alike there is no variance to see, and as many are independent as their weights say.
    independent = pl.when(variance > 1e-12).then(share * (1 - share) / variance).otherwise("kish")
    low, high = wilson(share, independent)
    return summed.with_columns(pl.when(share.is_not_nan()).then(share).alias("ratio")).select(
        "rule",
        pl.col("ratio").alias(name),
        pl.when("whole").then("ratio").otherwise(low).alias(f"{name}_low"),
        pl.when("whole").then("ratio").otherwise(high).alias(f"{name}_high"),
    )
