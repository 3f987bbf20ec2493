"""Golds must agree: records whose golds or verifier arguments differ are never duplicates, exact or near."""

from typing import Final

import polars as pl

from pipelines.kernels.kernel import Int32s
from schemas.families import Family
from schemas.vocabulary import ARGILLA

EQUAL: Final = ("match_hash", "args")
"""Columns in which records of a family agree that are equal, but for their golds."""


def gold_key(family: Family) -> pl.Expr:
    """The gold answer as it is compared (see `normalised`); null where the family or the row has none."""
    return normalised(pl.col("answer")) if "answer" in family.schema.names else pl.lit(None, dtype=pl.String)


def arguments_key(family: Family) -> pl.Expr:
    """The verifier's arguments as they are compared; null where the family has none."""
    has_them = "verifier_args" in family.schema.names
    return pl.col("verifier_args") if has_them else pl.lit(None, dtype=pl.String)


def group_key() -> pl.Expr:
    """What upstream says belongs together; two sources may name their groups alike.

    A correction has the group of what it corrects, which names that record's source already.
    """
    return pl.when(pl.col("source") == ARGILLA).then("group").otherwise(pl.format("{}/{}", "source", "group"))


def normalised(gold: pl.Expr) -> pl.Expr:
    r"""A gold without what does not change its value: `$1,234.50$` and `\boxed{1234.5}` are one. Null where empty."""
    bare = (
        gold.str.replace_all(r"\\(left|right|[!,;: ])|\$|\s", "")
        .str.replace_all(r"\\[dt]frac", r"\frac")
        .str.replace(r"^\\(?:boxed|text|mathrm)\{(.*)\}$", "${1}")
        .str.strip_suffix(".")
        .str.to_lowercase()
    )
    grouped = bare.str.contains(r"^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$")
    plain = pl.when(grouped).then(bare.str.replace_all(",", "", literal=True)).otherwise(bare).str.strip_prefix("+")
    decimal = plain.str.contains(r"^-?\d*\.\d+$")
    number = pl.when(decimal).then(plain.str.strip_chars_end("0").str.strip_suffix(".")).otherwise(plain)
    return pl.when(number != "").then(number)


def node() -> pl.Expr:
    """The content hash that stands for all records of a family that are equal and have the same gold.

    Over all records of a state's family, so that it is the same in its pairs and in every recipe.
    """
    return pl.col("content_hash").min().over(*EQUAL, "gold")


def codes(values: pl.Series) -> Int32s:
    """A number from 1 for each distinct value, 0 for null."""
    ranks = values.rank("dense").fill_null(0)
    return ranks.cast(pl.Int32).to_numpy(writable=True)
