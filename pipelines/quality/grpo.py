"""Signals of tasks with an answer to check: whether the gold can be parsed, is given away, or can be guessed."""

import polars as pl

from pipelines.quality.signal import of_record, yes
from schemas.families import Family

_GOLDS = ("cot", "grpo")
_gold = pl.col("answer").str.strip_chars()
_NUMBER = r"^[-+]?[$€£]?\s?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?\s?%?$"
_YES_NO = r"(?i)^(?:yes|no|true|false)\.?$"
_CHOICE = r"^\(?[A-Ha-h]\)?\.?$"
_STATED = r"(?i)(?:\banswer(?: is|:)|\bresult is|####|\\boxed\{)\s*\**\$?\s*([-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+))"


@of_record(unit="0 or 1", families=_GOLDS)
def gold_parses(family: Family) -> pl.Expr:
    r"""Whether a gold answer looks like mathematics: a number, or an expression with balanced braces and few words.

    Null where there is no gold; for other verifiers than `math` and `exact`, only an empty gold does not parse.
    """
    bare = _gold.str.replace_all(r"\\(?:text|mathrm|textbf|mbox)\s*\{[^{}]*\}|\\[a-zA-Z]+", " ")
    words = bare.str.count_matches(r"\b[a-zA-Z]{4,}\b")
    balanced = _gold.str.count_matches("{", literal=True) == _gold.str.count_matches("}", literal=True)
    mathematics = _gold.str.contains(_NUMBER) | (balanced & (words <= 3))
    present = _gold.str.contains(r"[\p{L}\p{N}]|\\")
    if family.name == "grpo":
        mathematics |= pl.col("verifier") != "math"
    return yes(present & mathematics)


@of_record(unit="0 or 1", families=_GOLDS)
def gold_stated(family: Family) -> pl.Expr:
    r"""Whether the last turn gives the gold away as an answer (`the answer is 42`, `#### 42`, `\boxed{42}`), or quotes
    one of at least 12 characters. Null where there is no gold."""
    stated = pl.col("last_turn").str.extract(_STATED).str.replace_all(",", "")
    same = stated.cast(pl.Float64, strict=False) == _gold.str.replace_all(r"[,$]", "").cast(pl.Float64, strict=False)
    quoted = (_gold.str.len_chars() >= 12) & pl.col("last_turn").str.contains(_gold, literal=True, strict=False)
    return pl.when(_gold.is_not_null()).then(yes(same.fill_null(value=False) | quoted.fill_null(value=False)))


@of_record(unit="count", families=_GOLDS)
def gold_options(family: Family) -> pl.Expr:
    """Among how many equally likely answers a guess would choose: 2 for yes or no, 5 for a letter, 10 for a digit.

    Null where there is no gold, or too many for a guess.
    """
    return (
        pl.when(_gold.str.contains(_YES_NO))
        .then(2)
        .when(_gold.str.contains(_CHOICE))
        .then(5)
        .when(_gold.str.contains(r"^\d$"))
        .then(10)
        .cast(pl.Int64)
    )


@of_record(unit="score", families=_GOLDS)
def difficulty(family: Family) -> pl.Expr:
    """How hard the source says the problem is, on its own scale (`difficulty`, `level`); null where it does not say."""
    said = [pl.col("meta").str.json_path_match(f"$.{name}") for name in ("difficulty", "level")]
    return pl.coalesce(said).str.extract(r"([-+]?\d+(?:\.\d+)?)").cast(pl.Float64)


@of_record(unit="share", families=_GOLDS)
def solve_rate(family: Family) -> pl.Expr:
    """How often a model solved the problem, from 0 to 1, as the source says (Big-Math); null where it does not."""
    return pl.col("meta").str.json_path_match("$.llama8b_solve_rate").cast(pl.Float64, strict=False)


@of_record(unit="0 or 1", families=_GOLDS)
def asks_for_proof(family: Family) -> pl.Expr:
    """Whether the last turn asks for a proof or derivation, which no final answer can check."""
    return yes(
        pl.col("last_turn").str.contains(r"(?i)(?:^|[.?!,;:]\s+|\n\s*)(?:prove|show|demonstrate|verify|derive)\b")
    )


@of_record(unit="count", families=_GOLDS)
def question_parts(family: Family) -> pl.Expr:
    """Parts (a), (b), ... or a., b., ... that the last turn asks for; 0 where it asks one thing."""
    marks = pl.col("last_turn").str.count_matches(r"(?:^|\n|\. )\s*(?:\([a-f]\)|[a-f][.)])\s")
    return marks.cast(pl.Int64)
