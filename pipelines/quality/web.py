"""Signals of web corpora: what the filters of Gopher and FineWeb compare with their thresholds, for those who compare.

No rule of the default recipe reads them. Gopher's defaults keep one in three good rows of instructions.
"""

import polars as pl

from pipelines.quality.signal import Part, named, of_part
from pipelines.quality.web_filters import DUPLICATE, TOP

_QUALITY = "Rae et al. 2021, arXiv:2112.11446, appendix A1: quality"
_REPETITION = "Rae et al. 2021, arXiv:2112.11446, table A1: repetition"
_FINEWEB = "Penedo et al. 2024, arXiv:2406.17557, section 3.6"


def _ratio(part: Part, count: str, of: str) -> pl.Expr:
    return pl.when(part.count(of) > 0).then(part.count(count) / part.count(of)).when(part.count(of) == 0).then(0.0)


@of_part(unit="words", source=_QUALITY)
def gopher_words(part: Part) -> pl.Expr:
    """Tokens with a letter, mark or digit; punctuation and contractions are tokens of their own. Refused below 50."""
    return part.count("web_plain_words")


@of_part(unit="characters", source=_QUALITY)
def gopher_mean_word_chars(part: Part) -> pl.Expr:
    """Characters of those tokens, on average; 0 without any. Refused outside 3 to 10."""
    return _ratio(part, "web_plain_word_chars", "web_plain_words")


@of_part(unit="share", source=_QUALITY)
def gopher_hash_ratio(part: Part) -> pl.Expr:
    """`#` for each token. Refused above .1."""
    return _ratio(part, "web_hashes", "web_words")


@of_part(unit="share", source=_QUALITY)
def gopher_ellipsis_ratio(part: Part) -> pl.Expr:
    """Ellipses (`...` or its character) for each token. Refused above .1."""
    return _ratio(part, "web_ellipses", "web_words")


@of_part(unit="share", source=_QUALITY)
def gopher_bullet_line_share(part: Part) -> pl.Expr:
    """Lines that begin with a bullet or hyphen. Refused above .9."""
    return _ratio(part, "web_bullet_lines", "web_lines")


@of_part(unit="share", source=_QUALITY)
def gopher_ellipsis_line_share(part: Part) -> pl.Expr:
    """Lines that end in an ellipsis. Refused above .3."""
    return _ratio(part, "web_ellipsis_lines", "web_lines")


@of_part(unit="share", source=_QUALITY)
def gopher_alpha_word_share(part: Part) -> pl.Expr:
    """Tokens with a letter. Refused below .8."""
    return _ratio(part, "web_alpha_words", "web_words")


@of_part(unit="count", source=_QUALITY)
def gopher_stop_words(part: Part) -> pl.Expr:
    """How many of `the`, `be`, `to`, `of`, `and`, `that`, `have` and `with` it has. Refused below 2."""
    return part.count("web_stop_words")


@of_part(unit="share", source=_REPETITION)
def gopher_repeated_paragraph_share(part: Part) -> pl.Expr:
    """Paragraphs that stood in the text before, of all paragraphs. Refused above .3."""
    return _ratio(part, "web_dup_paragraphs", "web_paragraphs")


@of_part(unit="share", source=_REPETITION)
def gopher_repeated_paragraph_char_share(part: Part) -> pl.Expr:
    """Characters in paragraphs that stood in the text before. Refused above .2."""
    return _ratio(part, "web_dup_paragraph_chars", "web_chars")


@of_part(unit="share", source=_REPETITION)
def gopher_repeated_line_share(part: Part) -> pl.Expr:
    """Lines that stood in the text before, of all lines. Refused above .3."""
    return _ratio(part, "web_dup_lines", "web_broken_lines")


@of_part(unit="share", source=_REPETITION)
def gopher_repeated_line_char_share(part: Part) -> pl.Expr:
    """Characters in lines that stood in the text before. Refused above .2."""
    return _ratio(part, "web_dup_line_chars", "web_chars")


for _n, _above in zip(TOP, (0.2, 0.18, 0.16), strict=True):
    named(
        f"gopher_top_{_n}gram_share",
        f"Characters in all copies of the most frequent {_n} tokens in a row. Refused above {_above:g}.",
        unit="share",
        of=lambda part, n=_n: _ratio(part, f"web_top_{n}gram_chars", "web_chars"),  # type: ignore[misc]
        source=_REPETITION,
    )
for _n, _above in zip(DUPLICATE, (0.15, 0.14, 0.13, 0.12, 0.11, 0.1), strict=True):
    named(
        f"gopher_repeated_{_n}gram_char_share",
        f"Characters in {_n} tokens in a row that stood in the text before. Refused above {_above:g}.",
        unit="share",
        of=lambda part, n=_n: _ratio(part, f"web_dup_{n}gram_chars", "web_chars"),  # type: ignore[misc]
        source=_REPETITION,
    )


@of_part(unit="share", source=_FINEWEB)
def fineweb_punctuated_line_share(part: Part) -> pl.Expr:
    """Lines that end in a mark that ends sentences, of those that are not blank. Refused below .12."""
    return _ratio(part, "web_punctuated_lines", "web_full_lines")


@of_part(unit="share", source=_FINEWEB)
def fineweb_short_line_share(part: Part) -> pl.Expr:
    """Lines of at most 30 characters, of those that are not blank. Refused above .67."""
    return _ratio(part, "web_short_lines", "web_full_lines")


@of_part(unit="share", source=_FINEWEB)
def fineweb_repeated_line_char_share(part: Part) -> pl.Expr:
    """Characters in lines that stood in the text before, of all but line feeds. Refused above .01."""
    feeds, chars = part.count("web_newlines"), part.count("web_chars")
    return (
        pl.when(chars > feeds)
        .then(part.count("web_dup_full_line_chars") / (chars - feeds))
        .when(chars == feeds)
        .then(0.0)
    )


@of_part(unit="share", source=_FINEWEB)
def fineweb_newline_ratio(part: Part) -> pl.Expr:
    """Line feeds for each token. Refused above .3."""
    return _ratio(part, "web_newlines", "web_words")
