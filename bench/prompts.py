"""Prompts of real sets, with what their answers are checked by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

_TINY_ZERO: Final = (
    "Using the numbers [{}], create an equation that equals {}. You can use basic arithmetic operations (+, -, *, /) "
    "and each number can only be used once. Show your work in <think> </think> tags. And return the final answer in "
    "<answer> </answer> tags, for example <answer> (1 + 2) / 3 </answer>."
)
_numbers = pl.col("nums").cast(pl.List(pl.String)).list.join(" ")


@dataclass(frozen=True)
class Set:
    """Where a set's rows are, their prompts, and the golds or the verifier's arguments as text."""

    pattern: str
    prompt: pl.Expr
    gold: pl.Expr


SETS: Final = {
    "GSM8K": Set(
        "openai/gsm8k/main/train-*.parquet", pl.col("question"), pl.col("answer").str.extract(r"####\s*(.+?)\s*$")
    ),
    "DeepScaleR": Set("agentica-org/DeepScaleR-Preview-Dataset/deepscaler.json", pl.col("problem"), pl.col("answer")),
    "SimpleRL-Zoo": Set(
        "hkust-nlp/SimpleRL-Zoo-Data/simplelr_qwen_level3to5/train.parquet", pl.col("question"), pl.col("gt_answer")
    ),
    "Countdown": Set(
        "Jiayi-Pan/Countdown-Tasks-3to4/data/train-*.parquet",
        pl.format(_TINY_ZERO, _numbers, "target"),
        pl.format("{} -> {}", _numbers, "target"),
    ),
}


def prompts(folder: Path) -> pl.DataFrame:
    """`set`, `text`, `gold` of all that lie in a folder laid out as repositories, in that order."""
    parts = [pl.DataFrame(schema={"set": pl.String, "text": pl.String, "gold": pl.String})]
    for name, there in SETS.items():
        for path in sorted(folder.glob(there.pattern)):
            rows = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_json(path)
            parts.append(rows.select(set=pl.lit(name), text=there.prompt, gold=there.gold.cast(pl.String)))
    return pl.concat(parts).filter(pl.col("text").is_not_null())
