"""What it means that a text shares something with an item: four rules, side by side, each with its evidence.

| rule | hits where | cannot see |
| --- | --- | --- |
| `8-gram` | a text shares 8 tokens in a row with an item: s1 and open-r1 | items of fewer than 8 tokens |
| `13-gram` | 13 tokens in a row: GPT-3's length (Brown et al. 2020, arXiv:2005.14165, appendix C) | of fewer than 13 |
| `coverage` | one text covers over half of an item's tokens by shared runs of 8: Tulu 3 (Lambert et al. 2024, \
arXiv:2411.15124, section 3.2) | of fewer than 8 |
| `short item` | an item of fewer than 13 tokens is asked, and answered | longer items, and those held as hashes |

A token stands between white space, in lower case. `short item` compares bare tokens (symbols at their ends aside) and
hits a turn of the user where

- the turn holds the item's text (4 tokens or more; a shorter one must be the whole turn), and one of the item's
  answers stands in the record's answer; of an item with choices the right one must, or all choices must stand in the
  turn; or
- the turn says the item's text (4 tokens or more) and nothing else, and the item has no choices: then the answer need
  not be the item's. Fewer are asked by anybody ("Who are you?" is an item of TruthfulQA).
"""

from collections.abc import Callable, Sequence
from typing import Final

import polars as pl

from pipelines.decontaminate.evidence import around, with_spans
from pipelines.decontaminate.index import SHORT, Index
from pipelines.decontaminate.scan import Shared
from pipelines.decontaminate.tokens import ANCHOR, GRAM
from pipelines.dedup.normal_form import composed
from schemas.vocabulary import CONTAMINATION

RULES: Final = CONTAMINATION
LONG_GRAM: Final = 13
HALF: Final = 0.5

HITS: Final = pl.Schema(
    {
        "row": pl.Int64(),
        "benchmark": pl.String(),
        "item": pl.String(),
        "field": pl.String(),
        "rule": pl.String(),
        "value": pl.Float64(),  # tokens of the run, or share of the item's tokens; what the threshold is compared with
        "threshold": pl.Float64(),
        "tokens": pl.Int64(),  # of the longest run that both share
        "coverage": pl.Float64(),  # share of the item's tokens that runs of 8 cover; 1 where the whole item is there
        "start": pl.Int64(),  # characters of the run in the text, which is in NFC
        "end": pl.Int64(),
        "text": pl.String(),  # the run, as the text has it; null where the item may not be shown
        "item_start": pl.Int64(),
        "item_end": pl.Int64(),
        "item_text": pl.String(),  # the run, as the item has it; null where the item may not be shown
    }
)
"""One row a text, item, field and rule."""

_KEPT: Final = ("entry", *(name for name in HITS if name not in ("rule", "value", "threshold")))

LOOKED_AT: Final = 8
"""Places of a short item in one text that are looked at, the first ones: a text may say it a million times."""

Answers = Callable[[pl.DataFrame], Sequence[tuple[pl.Series, pl.Series]]]
"""Gets a frame of `row` (number of a text), `start` and `end` (bytes of an item in it). Gives where answers may stand:
texts (null: there is none), and for each row of the frame the number of its text among them, since many may have the
same."""


def hits(shared: Shared, index: Index, answers: Answers, asks: pl.Series | None = None) -> pl.DataFrame:
    """Every hit of every rule, in the schema HITS, in the order of texts, of the index, and of the rules.

    `asks`: whether each text is a turn of a user, where short items are looked for; all are, where it is None.
    """
    entries = index.items.with_row_index("entry").cast({"entry": pl.Int64})
    known = shared.found.join(entries.drop("grams"), on="entry", how="left", maintain_order="left").rename(
        {"text": "item_whole"}
    )
    told = known.with_columns(
        coverage=pl.when("short").then(1.0).otherwise(pl.col("covered") / pl.col("words")),
        tokens=pl.when("short").then("words").otherwise("tokens"),
    )
    short = told.filter("short")
    short = short.filter(pl.int_range(pl.len()).over("row", "entry") < LOOKED_AT)
    if asks is not None:
        short = short.filter(asks.gather(short["row"]))
    asked = _answered(short, shared.texts, answers).unique(["row", "entry"], keep="first", maintain_order=True)
    long = with_spans(told.filter(~pl.col("short")), shared.texts)
    tokens, share = pl.col("tokens").cast(pl.Float64), pl.col("coverage")
    made = [
        _as_hit(long, "8-gram", tokens, GRAM),
        _as_hit(long.filter(pl.col("tokens") >= LONG_GRAM), "13-gram", tokens, LONG_GRAM),
        _as_hit(long.filter(share > HALF), "coverage", share, HALF),
        _as_hit(with_spans(asked, shared.texts), "short item", share, 1.0),
    ]
    return pl.concat(made).sort("row", "entry", maintain_order=True).select(HITS.names())


def invisible(items: pl.DataFrame) -> pl.DataFrame:
    """How many items each rule cannot see, by benchmark: `benchmark`, `items`, a column a rule, and `no rule`.

    `items`: in the schema of `index.ITEMS`, with `words`. An item is seen by a rule if one of its texts is.
    """
    hashed, words = pl.col("text").is_null(), pl.col("words")
    answerable = pl.col("answers").list.len().fill_null(0) + pl.col("choices").list.len().fill_null(0) > 0
    seen = {
        "8-gram": words >= GRAM,
        "13-gram": words >= LONG_GRAM,
        "coverage": words >= GRAM,
        "short item": ~hashed & (words < SHORT) & ((words >= ANCHOR) | answerable),
    }
    by_item = items.group_by("benchmark", "item").agg(**{rule: is_seen.any() for rule, is_seen in seen.items()})
    unseen = [(~pl.col(rule)).sum().cast(pl.Int64).alias(rule) for rule in RULES]
    none = (~pl.any_horizontal(RULES)).sum().cast(pl.Int64).alias("no rule")
    return by_item.group_by("benchmark").agg(pl.len().cast(pl.Int64).alias("items"), *unseen, none).sort("benchmark")


def _as_hit(rows: pl.DataFrame, rule: str, value: pl.Expr, threshold: float) -> pl.DataFrame:
    return rows.select(
        *_KEPT, rule=pl.lit(rule), value=value.cast(pl.Float64), threshold=pl.lit(threshold, dtype=pl.Float64)
    )


def _answered(short: pl.DataFrame, texts: pl.Series, answers: Answers) -> pl.DataFrame:
    """Of short items that stand in a text, those that are asked in earnest: see the docstring of this module."""
    if short.is_empty():
        return short
    places = short.select("row", "start", "end")
    rows = short.with_row_index("number")
    closed = rows.filter(pl.col("choices").list.len() > 0)
    turns = around(texts, closed.select(places.columns)).select(pl.concat_str(pl.all())).to_series()
    standing = [
        _standing(rows.with_columns(said=normalised(said).gather(which)), "answers", "said")
        for said, which in answers(places)
    ]
    none = pl.DataFrame(schema={"number": pl.get_index_type(), "any": pl.Boolean, "all": pl.Boolean})
    right = pl.concat([none, *standing]).group_by("number").agg(right=pl.col("any").any())
    listed = _standing(closed.with_columns(turn=normalised(turns)), "choices", "turn").select("number", listed="all")
    judged = rows.join(right, on="number", how="left", maintain_order="left").join(
        listed, on="number", how="left", maintain_order="left"
    )
    answered = pl.col("right").fill_null(value=False) | pl.col("listed").fill_null(value=False)
    open_question = pl.col("choices").list.len().fill_null(0) == 0
    said_alone = pl.col("whole") & open_question & (pl.col("words") >= ANCHOR)
    asked = pl.col("whole") | (pl.col("words") >= ANCHOR)
    return judged.filter((asked & answered) | said_alone).select(short.columns)


def _standing(rows: pl.DataFrame, listed: str, text: str) -> pl.DataFrame:
    """Whether `any` and `all` of the strings of a list stand in a normalised text, by `number`."""
    each = rows.select("number", text, part=listed).explode("part", empty_as_null=False, keep_nulls=False)
    sought = each.with_columns(part=normalised(each["part"])).filter(pl.col("part") != "  ")
    stands = sought.select(
        "number", stands=pl.col(text).str.contains(pl.col("part"), literal=True).fill_null(value=False)
    )
    return stands.group_by("number").agg(any=pl.col("stands").any(), all=pl.col("stands").all())


def normalised(texts: pl.Series) -> pl.Series:
    """Texts as answers are compared: in lower case, words without symbols at their ends (a minus stays), one space
    around each."""
    bare = (
        composed(texts)
        .str.to_lowercase()
        .str.replace_all(r"(^|\s)[^\w\s\-]+", "${1}")
        .str.replace_all(r"[^\w\s]+(\s|$)", "${1}")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
    )
    return pl.select(pl.concat_str(pl.lit(" "), bare, pl.lit(" "))).to_series()
