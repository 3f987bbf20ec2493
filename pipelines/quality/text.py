"""Signals of any text: how long it is, what it is made of, what it repeats, and what is left over in it."""

import polars as pl

from pipelines.quality.signal import SAID, Part, of_part, where, yes

_HTML = (
    r"(?i)</?(?:p|br|div|span|a|b|i|u|em|strong|font|img|table|tr|td|th|ul|ol|li|h[1-6]|script|style|iframe|form|input)"
    r"(?:\s[^<>\n]{0,300})?/?>|&(?:amp|nbsp|lt|gt|quot|apos|#\d{2,6}|#x[0-9a-f]{2,6});"
)
_NEVER_LAST = (
    "the|a|an|and|or|but|than|because|if|which|whose|their|its|my|your|our|his|is|are|was|were|has|have|had|could|would"
    "|should|from|into|such as|due to|as well as|in order to"
)
_ADDRESS = r"(?:https?://|www\.)[^\s<>\"')\]]+"
_BOILERPLATE = (
    r"(?i)all rights reserved|cookie policy|privacy policy|terms (?:of service|of use|and conditions) apply"
    r"|uses cookies|enable javascript|javascript is (?:disabled|required)|lorem ipsum|subscribe to our newsletter"
    r"|sign up for our newsletter|click here to (?:read|learn|subscribe|download|view)|skip to (?:main )?content"
    r"|share (?:this )?on (?:facebook|twitter)|powered by wordpress"
)
_GOPHER = "Rae et al. 2021, arXiv:2112.11446, appendix A1"


def _share(count: pl.Expr, of: pl.Expr) -> pl.Expr:
    """A count as a share of another, 0 where that is 0."""
    return pl.when(of > 0).then(count / of).when(of == 0).then(0.0)


@of_part(unit="characters")
def chars(part: Part) -> pl.Expr:
    """Unicode characters."""
    return part.count("chars")


@of_part(unit="characters")
def visible_chars(part: Part) -> pl.Expr:
    """Characters that leave a mark: neither white space nor non-printing. 0 for what only looks like a text."""
    return part.count("visible")


@of_part(unit="words")
def words(part: Part) -> pl.Expr:
    """Runs of letters, marks and digits; in scripts that put no space between words, each character."""
    return part.count("words")


@of_part(unit="characters", source=_GOPHER)
def mean_word_chars(part: Part) -> pl.Expr:
    """Letters, marks and digits a word; 0 without words."""
    return _share(part.count("word_chars"), part.count("words"))


@of_part(unit="share")
def letter_share(part: Part) -> pl.Expr:
    """Letters of the visible characters."""
    return _share(part.count("letters"), part.count("visible"))


@of_part(unit="share")
def digit_share(part: Part) -> pl.Expr:
    """Digits and other numerals of the visible characters."""
    return _share(part.count("digits"), part.count("visible"))


@of_part(unit="share")
def symbol_share(part: Part) -> pl.Expr:
    """Punctuation and symbols of the visible characters."""
    return _share(part.count("symbols"), part.count("visible"))


@of_part(unit="count")
def non_printing(part: Part) -> pl.Expr:
    """Control, private and unassigned characters; invisible ones other than joiners, direction marks and tags."""
    return part.count("non_printing")


@of_part(unit="count")
def mojibake(part: Part) -> pl.Expr:
    """Replacement characters, and characters of UTF-8 that were read as Windows-1252 (`Ã©`, `â€™`)."""
    return part.count("mojibake")


@of_part(unit="share")
def non_printing_share(part: Part) -> pl.Expr:
    """Those of all characters."""
    return _share(part.count("non_printing"), part.count("chars"))


@of_part(unit="share")
def mojibake_share(part: Part) -> pl.Expr:
    """Characters of `mojibake` of all characters."""
    return _share(part.count("mojibake"), part.count("chars"))


@of_part(unit="share")
def minor_script_share(part: Part) -> pl.Expr:
    """Letters outside the script that has most, of all letters. Chinese, Japanese and Korean count as one script."""
    return _share(part.count("letters") - part.count("main_script"), part.count("letters"))


@of_part(unit="share", source="Lee et al. 2022, arXiv:2107.06499; Gopher's duplicate line character fraction")
def repeated_line_share(part: Part) -> pl.Expr:
    """Bytes in lines that stood in the text before, of all bytes."""
    return _share(part.count("repeated_line_bytes"), part.count("bytes"))


@of_part(unit="share", source=_GOPHER)
def repeated_paragraph_share(part: Part) -> pl.Expr:
    """Bytes in paragraphs that stood in the text before, of all bytes."""
    return _share(part.count("repeated_paragraph_bytes"), part.count("bytes"))


@of_part(unit="share", source=_GOPHER)
def repeated_5gram_share(part: Part) -> pl.Expr:
    """Words in sequences of five words that stood in the text before, of all words."""
    return _share(part.count("words_in_repeated_5grams"), part.count("words"))


@of_part(unit="share", source=_GOPHER)
def repeated_10gram_share(part: Part) -> pl.Expr:
    """Words in sequences of ten words that stood in the text before, of all words."""
    return _share(part.count("words_in_repeated_10grams"), part.count("words"))


@of_part(unit="share")
def distinct_word_share(part: Part) -> pl.Expr:
    """Different words of all words, case ignored; it falls with length. 0 without words."""
    return _share(part.count("distinct_words"), part.count("words"))


@of_part(unit="words")
def loop_words(part: Part) -> pl.Expr:
    """Words of the longest stretch in which a block of words follows itself directly, from its third copy on."""
    return part.count("loop_words")


@of_part(unit="count")
def urls(part: Part) -> pl.Expr:
    """Web addresses that begin with http://, https:// or www."""
    return part.text.str.count_matches(r"https?://|\bwww\.").cast(pl.Int64)


@of_part(unit="share")
def url_share(part: Part) -> pl.Expr:
    """Bytes of web addresses of all bytes."""
    addressed = part.text.str.contains("://", literal=True) | part.text.str.contains("www.", literal=True)
    size = where(
        addressed, part.text, lambda text: text.str.len_bytes() - text.str.replace_all(_ADDRESS, "").str.len_bytes()
    )
    return _share(size, part.count("bytes"))


@of_part(unit="count", source="C4 (Raffel et al. 2020, arXiv:1910.10683), section 2.2, and what else ends web pages")
def boilerplate(part: Part) -> pl.Expr:
    """Phrases of web pages that are about the page: cookies, copyright, JavaScript, newsletters, lorem ipsum."""
    return part.text.str.count_matches(_BOILERPLATE).cast(pl.Int64)


@of_part(unit="count")
def html_remains(part: Part) -> pl.Expr:
    """Tags and entities of HTML, in code as well."""
    return part.text.str.count_matches(_HTML).cast(pl.Int64)


@of_part(unit="0 or 1", parts=SAID)
def fence_open(part: Part) -> pl.Expr:
    """Whether a fenced block of code is opened and not closed."""
    return yes(part.text.str.count_matches("```", literal=True) % 2 == 1)


@of_part(unit="0 or 1", parts=SAID)
def ends_open(part: Part) -> pl.Expr:
    """Whether the last character is a letter, digit, comma, opening bracket or operator: no mark ends the text.

    Lists, titles, verses and bare answers end so too; long prose and formatted solutions do not.
    """
    return yes(part.text.str.contains(r"[\p{L}\p{M}\p{N},，、(\[{<=+/\\&-]\s*$"))


@of_part(unit="0 or 1", parts=SAID)
def ends_midway(part: Part) -> pl.Expr:
    """Whether the last line has five words or more and ends in a comma, or in an English word that ends no sentence."""
    return yes(part.text.str.contains(rf"(?:\S+[ \t]+){{4}}(?:\S+,|(?:{_NEVER_LAST}))\s*$"))
