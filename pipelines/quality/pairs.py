"""What the pairs of a source show only together: whether the longer side wins, and which stand in both orders."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class PairFacts:
    """What the pairs of a source are like as a whole. `length_bias`: the AUC of "the longer side wins": how likely it
    is that a chosen side has more words than the rejected one of its pair, ties counted half; None without pairs.
    `both_orders`: pairs whose swap is there too, so that they teach nothing together."""

    pairs: int
    length_bias: float | None
    both_orders: int


def pair_facts(records: pl.LazyFrame, signals: pl.LazyFrame) -> PairFacts:
    """The facts of the records of the family preference and their signals, of one source."""
    extra = pl.col("extra_words")
    wins = (extra > 0).cast(pl.Float64) + (extra == 0).cast(pl.Float64) / 2
    bias = signals.select(wins.mean()).collect().item()
    sides = [pl.col(side).list.eval(pl.element().struct.field("content")).list.join("\n\n") for side in _SIDES]
    hashed = records.select(
        "prompt_hash", **{side: text.hash(0) for side, text in zip(_SIDES, sides, strict=True)}
    ).collect()
    # A pair of equal sides is its own swap, and a defect of another kind.
    apart = hashed.filter(pl.col("chosen") != pl.col("rejected"))
    swaps = apart.select("prompt_hash", chosen="rejected", rejected="chosen").unique()
    return PairFacts(hashed.height, bias, apart.join(swaps, on=["prompt_hash", *_SIDES], how="semi").height)


_SIDES = ("chosen", "rejected")
