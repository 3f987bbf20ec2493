r"""Gold answers as upstream writes them (`#### 72`, `\boxed{}`, `$1,000`, "proof") as one plain text, or null."""

from collections.abc import Callable
from typing import Final

import polars as pl

from pipelines.plans import computed

_DEEPEST: Final = 5
"""Braces within the braces of a box that are followed. A regular expression cannot count; golds nest two or three."""

_NONE: Final = r"(?i)^(?:proof|not[ _-]?found|none|null|nan|n/?a|unknown|\[\]|\{\})\.?$"
"""What stands where there is no gold: "proof" and "notfound" in sets made of NuminaMath, "None" in DeepScaleR."""

_COMMA: Final = r"(?:,\\!|,|\{,\}|\\,)"
_GROUPED: Final = rf"^([-+]?)\s*(?:\\?\$)?\s*(\d{{1,3}}(?:{_COMMA}\d{{3}})+(?:\.\d+)?)$"
_MONEY: Final = r"^([-+]?)\s*\\?\$\s*(\d+(?:\.\d+)?)$"
_MATHEMATICS: Final = r"(?s)^(?:\$\$([^$]+)\$\$|\$([^$]+)\$|\\\((.+)\\\)|\\\[(.+)\\\])$"

_BOXED: Final = r"^\\(?:boxed|fbox)"
"""How a box begins. The pattern of a whole one takes 5 ms to compile, so it is for texts that begin so."""

_DRESSED: Final = r"[$,]|\\(?:[(\[]|boxed|fbox)"
"""What a gold has somewhere that is not plain already: all that the patterns above and below match has one of them."""

Function = Callable[[pl.Expr], pl.Expr]


def _box() -> str:
    """A pattern of `\\boxed{...}` and `\\fbox{...}` whose first group is what stands between the braces."""
    plain = r"(?:[^{}\\]|\\.)"
    inside = f"{plain}*"
    for _ in range(_DEEPEST):
        inside = rf"(?:{plain}|\{{{inside}\}})*"
    return rf"(?s)\\(?:boxed|fbox)\s*\{{({inside})\}}"


_BOX: Final = _box()


def boxed(text: pl.Expr) -> pl.Expr:
    r"""What stands in the last `\boxed{}` of a text, stripped; null where there is none, or its braces do not close."""
    last = text.str.extract_all(_BOX).list.last()
    return last.str.extract(_BOX).str.strip_chars()


def after_marks(text: pl.Expr) -> pl.Expr:
    """What stands on the line after the last `####` (GSM8K); null where there is nothing."""
    return sorted_out(text, _last_part, _odd_part, lambda whole: whole.str.extract(_AFTER_MARKS))


_MARKS: Final = "####"
_AFTER_MARKS: Final = r"(?s)^.*####[ \t]*(\S[^\n]*?)\s*$"


def _last_part(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_MARKS, literal=True)).then(text.str.split(_MARKS).list.last().str.strip_chars())


def _odd_part(text: pl.Expr) -> pl.Expr:
    """Whether what follows the last marks is empty, begins on another line or with a fifth mark, or has two lines."""
    part = text.str.split(_MARKS).list.last()
    said = part.str.strip_chars_start(" \t")
    odd = (said == "") | (said.str.strip_chars_start() != said) | said.str.starts_with("#")
    return odd | said.str.strip_chars_end().str.contains("\n", literal=True)


def gold(answer: pl.Expr) -> pl.Expr:
    r"""A gold answer in plain form; null where it is blank or says that there is none ("proof", "notfound").

    The text between the delimiters of mathematics and in `\boxed{}`; a number that is all of it without separators of
    thousands (`1,\!722` too) and without the sign of dollars. All else stays as upstream wrote it: units, intervals,
    lists. `100,101` is taken for one number.
    """
    return sorted_out(answer, _said, lambda text: text.str.contains(_DRESSED), _undressed)


def sorted_out(value: pl.Expr, quick: Function, odd: Function, slow: Function) -> pl.Expr:
    """`quick` of a text, but `slow` of those that are `odd`: a text that takes long to compute, of few rows."""

    def call(texts: pl.Series) -> pl.Series:
        text = pl.col("text")
        found = computed(texts.to_frame("text"), quick=quick(text), odd=odd(text))
        rows = found["odd"].arg_true()
        if rows.is_empty():
            return found["quick"]
        slowly = computed(texts.gather(rows).to_frame("text"), slow=slow(text))["slow"]
        return found["quick"].scatter(rows, slowly)

    return value.map_batches(call, return_dtype=pl.String, is_elementwise=True)


def _said(answer: pl.Expr) -> pl.Expr:
    bare = answer.str.strip_chars()
    return pl.when((bare != "") & ~bare.str.contains(_NONE)).then(bare)


def _undressed(answer: pl.Expr) -> pl.Expr:
    bare = answer.str.strip_chars()
    return sorted_out(bare, _gold, lambda text: text.str.contains(_BOXED), lambda text: _gold(_out_of_box(text)))


def _out_of_box(bare: pl.Expr) -> pl.Expr:
    return pl.when(bare.str.contains(rf"^{_BOX}$")).then(boxed(bare)).otherwise(bare)


def _gold(bare: pl.Expr) -> pl.Expr:
    inner = [bare.str.extract(_MATHEMATICS, group) for group in range(1, 5)]
    bare = pl.coalesce(*inner, bare).str.strip_chars()
    digits = bare.str.extract(_GROUPED, 2).str.replace_all(_COMMA, "")
    number = pl.coalesce(bare.str.extract(_GROUPED, 1) + digits, bare.str.replace(_MONEY, "${1}${2}"))
    return _said(number)


def only(text: pl.Expr) -> pl.Expr:
    """The only item of a list of strings that stands as JSON in a text; other texts as they are."""
    alone = text.str.json_path_match("$[0]").is_not_null() & text.str.json_path_match("$[1]").is_null()
    return pl.when(text.str.starts_with('["') & alone).then(text.str.json_path_match("$[0]")).otherwise(text)


def final(solution: pl.Expr) -> pl.Expr:
    r"""The gold of a worked solution: its last `\boxed{}`, else the solution itself where it is one short line."""
    short = ~solution.str.strip_chars().str.contains("\n", literal=True) & (solution.str.len_chars() <= _SHORT)
    return pl.coalesce(gold(boxed(solution)), pl.when(short).then(gold(solution)))


_SHORT: Final = 80
"""Characters of a line that can be an answer rather than a derivation."""


def code_tests(tests: pl.Expr, starter: pl.Expr) -> pl.Expr:
    """Arguments of the verifier `code`, as JSON: `tests` as upstream has them, and the `starter_code` that they call.

    Null where the tests are no JSON, or hold nothing.
    """
    parsed = tests.str.json_path_match("$")
    there = ~parsed.is_in(["{}", "[]", "null", '""'])
    given = pl.struct(starter_code=starter).struct.json_encode().str.strip_prefix("{")
    return pl.when(parsed.is_not_null() & there).then(pl.concat_str(pl.lit('{"tests":'), tests, pl.lit(","), given))
