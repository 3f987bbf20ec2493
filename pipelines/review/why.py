"""Why an annotator is asked about a record, in words: the ground, and each hit that is shown, with its value."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from pipelines.quality.redaction import redacted
from pipelines.quality.rules import hits
from pipelines.recipe import Recipe
from pipelines.review.fields import escaped
from pipelines.states import State
from schemas.families import Family

_ASKED: Final[Mapping[str, str]] = {
    "conflict": "Another record has the same text and another gold. Is the gold of this one right?",
    "disputed duplicate": "Another record is nearly the same, so that this one goes. Is it one too many?",
    "contamination": "It may repeat an item of a benchmark. Does it?",
    "rules disagree": "Some things speak for this record and some against it. Which are right?",
    "near a threshold": "It lies near the threshold of a rule. Is the rule right about it?",
}
"""What is asked on each ground; nothing of a control."""

_SWAPPED: Final = "Another record is this pair with its sides swapped. Which answer is better?"

_SPAN: Final = 300
"""Characters of a shared span that are shown."""


def why(state: State, recipe: Recipe, family: Family, queue: pl.DataFrame) -> pl.DataFrame:
    """`content_hash` and `why`, a line of HTML, for each row of a family's queue that shows anything.

    `queue`: rows of `review_queue`. A control, whose `shown` is empty, has no row here.
    """
    questions = {**_ASKED, **({"conflict": _SWAPPED} if family.name == "preference" else {})}
    asked = pl.col("ground").replace_strict(questions, default=None, return_dtype=pl.String)
    told = queue.filter(asked.is_not_null() & (pl.col("shown").list.len() > 0) | (pl.col("ground") == "conflict"))
    each = told.select("content_hash", "id", hit="shown").explode("hit").drop_nulls("hit")
    lines = pl.concat([_rules(state, recipe, family, each), _items(state, recipe, each), _near(each, told)])
    listed = (
        lines.sort("content_hash", "line")
        .group_by("content_hash")
        .agg(pl.format("<li>{}</li>", "line").str.join("").alias("lines"))
    )
    both = told.select("content_hash", asked=asked).join(listed, on="content_hash", how="left")
    # In a block of HTML, Markdown leaves the text of data as it is.
    line = pl.concat_str(
        [pl.lit("<div>"), "asked", pl.lit("<ul>"), pl.col("lines").fill_null(""), pl.lit("</ul></div>")]
    )
    return both.select("content_hash", why=line)


def _rules(state: State, recipe: Recipe, family: Family, each: pl.DataFrame) -> pl.DataFrame:
    """Rules that are shown, with what they measured."""
    named = each.filter(pl.col("hit").str.starts_with("rule:")).with_columns(
        rule=pl.col("hit").str.strip_prefix("rule:")
    )
    if named.is_empty():
        return pl.DataFrame(schema={"content_hash": pl.Binary, "line": pl.String})
    signals = state.signals(family.name).filter(pl.col("id").is_in(named["id"].unique().implode()))
    measured = hits(signals, recipe.rules, family).collect().select("id", "rule", "value", "threshold")
    said = pl.DataFrame(
        {
            "rule": [rule.name for rule in recipe.rules],
            "reads": [f"{rule.signal} {rule.comparison} {rule.threshold:g}" for rule in recipe.rules],
            "because": [rule.why for rule in recipe.rules],
        },
        schema={"rule": pl.String, "reads": pl.String, "because": pl.String},
    )
    full = named.join(measured, on=["id", "rule"], how="left").join(said, on="rule", how="left")
    value = pl.format("; here it is {}", _number(pl.col("value"))).fill_null("")
    reads = pl.format(" ({}{})", escaped(pl.col("reads")), value).fill_null("")
    because = pl.format(". {}", escaped(pl.col("because"))).fill_null("")
    return full.select("content_hash", line=pl.concat_str([pl.lit("Rule <b>"), escaped(pl.col("rule")), pl.lit("</b>"),
                                                           because, reads]))  # fmt: skip


def _items(state: State, recipe: Recipe, each: pl.DataFrame) -> pl.DataFrame:
    """Items of benchmarks that are shown, with the span that both share."""
    parted = pl.col("hit").str.strip_prefix("contamination:").str.splitn(":", 2).struct
    named = each.filter(pl.col("hit").str.starts_with("contamination:")).with_columns(
        benchmark=parted.field("field_0"), item=parted.field("field_1")
    )
    key = ["content_hash", "benchmark", "item"]
    shared = state.scan("contamination").sort("tokens", descending=True).unique(key, keep="first", maintain_order=True)
    wanted = named.select(key).lazy()
    spans = wanted.join(shared.select(*key, "text", "tokens"), on=key, how="left").collect()
    shared_text = redacted(pl.col("text"), recipe.redact)
    text = pl.format(": <q>{}</q>", escaped(shared_text.str.head(_SPAN).str.replace_all(r"\s+", " "))).fill_null("")
    share = pl.format(", {} tokens in a row", "tokens").fill_null("")
    return spans.select(
        "content_hash",
        line=pl.concat_str(
            [pl.format("Item {} of <b>{}</b>", escaped(pl.col("item")), escaped(pl.col("benchmark"))), share, text]
        ),
    )


def _near(each: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    near = each.filter(pl.col("hit").str.starts_with("near-duplicate:")).select("content_hash").unique()
    alike = told.select("content_hash", "other", "similarity")
    full = near.join(alike, on="content_hash", how="left", maintain_order="left")
    similar = pl.format(" ({} similar)", pl.col("similarity").round(3)).fill_null("")
    other = pl.format("the record <b>{}</b>, which stands below", escaped(pl.col("other"))).fill_null("another record")
    return full.select("content_hash", line=pl.concat_str([pl.lit("Nearly equal to "), other, similar]))


def _number(value: pl.Expr) -> pl.Expr:
    """`3` for 3.0, `0.123` for 0.12345; null stays null."""
    whole = (value == value.round(0)) & (value.abs() < 1e15)
    return (
        pl.when(whole)
        .then(value.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(value.round_sig_figs(3).cast(pl.String))
    )
