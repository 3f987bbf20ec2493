"""Signals of chains of thought: whether they are whole, reach the answer, and are right in their sums."""

import polars as pl

from pipelines.quality.arithmetic import arithmetic
from pipelines.quality.grpo import difficulty
from pipelines.quality.signal import SAID, Part, of_part, of_record, yes
from schemas.families import Family

_TAG = r"(?i)</?(?:think|thinking|thought|reasoning|reflection|scratchpad)>|<\|(?:begin|end)_of_(?:thought|solution)\|>"
_BOXED = r"(?s)^.*\\boxed\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_NUMBER = r"\d[\d,]*(?:\.\d+)?|\.\d+"
_TAIL = 400
_LAST_LINE = r"([^\n]*\S[^\n]*)\s*$"


@of_part(unit="count", parts=SAID)
def reasoning_tags(part: Part) -> pl.Expr:
    """Tags of reasoning or of its solution that are left in the text: they were not a pair in order, or stand twice."""
    return part.text.str.count_matches(_TAG).cast(pl.Int64)


@of_record(unit="0 or 1", families=("cot",))
def reasoning_marked(family: Family) -> pl.Expr:
    """Whether the source marks the reasoning off from the answer."""
    return yes(pl.col("reasoning").is_not_null())


@of_record(unit="0 or 1", families=("cot",))
def answer_present(family: Family) -> pl.Expr:
    """Whether anything visible follows the reasoning; null where the source does not mark the reasoning off."""
    return pl.when(pl.col("reasoning").is_not_null()).then(yes(pl.col("completion.visible") > 0))


@of_record(unit="words", families=("cot",))
def words_by_difficulty(family: Family) -> pl.Expr:
    """Words of reasoning for each point of difficulty, on the source's own scale: length against difficulty.

    Null where the source gives none above 0, or the reasoning is not marked off.
    """
    hard = difficulty(family)
    return pl.when(hard > 0).then(pl.col("reasoning.words") / hard)


@of_record(unit="0 or 1", families=("cot",))
def boxed_differs(family: Family) -> pl.Expr:
    r"""Whether the last `\boxed{}` of the reasoning is not that of the answer; null where one of them has none."""
    thought, said = (
        pl.col(part).str.extract(_BOXED).str.replace_all(r"\s|\\[!,;:]", "") for part in ("reasoning", "completion")
    )
    return yes(thought != said)


@of_record(unit="0 or 1", families=("cot",))
def boxed_in_tail(family: Family) -> pl.Expr:
    r"""Whether the number in the answer's last `\boxed{}` stands in the last 400 characters of the reasoning.

    Null where no plain number is boxed, or there is no reasoning.
    """
    boxed = pl.col("completion").str.extract(_BOXED).str.replace_all(r"\\(?:circ|degree|text\{[^}]*\})|[\s^$%]", "")
    number = boxed.str.extract(r"^(-?\d[\d,]*(?:\.\d+)?)$").str.replace_all(r"[-,]", "")
    tail = pl.col("reasoning").str.tail(_TAIL).str.replace_all(",", "")
    return pl.when(number.is_not_null()).then(yes(tail.str.contains(number, literal=True)))


@of_record(unit="0 or 1", families=("cot",))
def gold_in_last_line(family: Family) -> pl.Expr:
    """Whether the gold answer is a number of the reasoning's last line, also in hundredths (25 cents, $0.25).

    Null where the gold is no plain number, or there is no reasoning.
    """
    gold = _number(pl.col("answer").str.strip_chars().str.strip_prefix("$")).abs()
    line = pl.col("reasoning").str.extract(_LAST_LINE)
    thousands = line.str.replace_all(r"(\d) (\d{3})\b", "$1$2")
    found = [
        text.str.extract_all(_NUMBER).list.eval(_number(pl.element())).list.contains(value)
        for text in (line, thousands)
        for value in (gold, gold / 100)
    ]
    return pl.when(gold.is_not_null()).then(yes(pl.any_horizontal(found)))


@of_record(unit="count", families=("cot",))
def equations(family: Family) -> pl.Expr:
    """Equations between plain numbers in the reasoning (`12 x 3 = 36`) that can be checked."""
    return _arithmetic("equations")


@of_record(unit="count", families=("cot",))
def wrong_equations(family: Family) -> pl.Expr:
    """Those of them that do not hold. What is ambiguous is not counted."""
    return _arithmetic("wrong_equations")


def _number(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(",", "").cast(pl.Float64, strict=False)


def _arithmetic(count: str) -> pl.Expr:
    return pl.col("reasoning").map_batches(lambda texts: arithmetic(texts)[count], return_dtype=pl.Int64)
