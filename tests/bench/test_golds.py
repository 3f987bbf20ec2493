"""On real prompts, by a check that shares no code with what removes them."""

from pathlib import Path

import polars as pl
import pytest

from bench.golds import plain, unsaved
from bench.prompts import SETS, prompts
from pipelines.dedup.golds import normalised
from pipelines.standalone import near_duplicates


@pytest.mark.parametrize(("countdown", "lost_without"), [(False, 100), (True, 7_800)])
def test_no_prompt_goes_without_a_survivor_of_its_gold(real_hub: Path, countdown: bool, lost_without: int) -> None:
    there = prompts(real_hub)
    if there["set"].n_unique() < len(SETS):
        pytest.skip(f"not all of {', '.join(SETS)} are in {real_hub}")
    rows = there.filter((pl.col("set") == "Countdown") == countdown).with_columns(agreed=normalised(pl.col("gold")))
    assert unsaved(rows, near_duplicates(rows, "text", agree="agreed").kept) == 0
    assert unsaved(rows, near_duplicates(rows, "text").kept) > lost_without


def test_a_removed_row_is_saved_by_an_equal_gold_only() -> None:
    text = "how many apples are left when two of five are eaten"
    rows = pl.DataFrame({"text": [text, text, text], "gold": ["3", "$3.0$", "4"]})
    assert unsaved(rows, pl.Series([True, False, False])) == 1
    assert plain(r"\dfrac12") == plain(r"\frac12")
