"""Traps of whole repositories: splits that hold each other, nobody's default, columns without a type, odd turns."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from upstream_files import made, reasons, said, written

from pipelines.sources import catalogued

NO_DEFAULT = ("gsm8k", "openr1_math_220k", "dolphin_r1", "r1_distill_sft", "smoltalk2", "dapo_math_17k", "helpsteer3")
NO_TRAIN = ("ultrachat_200k", "ultrafeedback_binarized", "cai_harmless", "smoltalk2", "fineqwq_142k")


@pytest.mark.parametrize("name", NO_DEFAULT)
def test_a_source_names_the_config_where_there_is_no_default(name: str) -> None:
    assert all(read.config for read in catalogued()[name].reads)


@pytest.mark.parametrize("name", NO_TRAIN)
def test_a_source_names_the_splits_where_none_is_called_train(name: str) -> None:
    assert "train" not in {split for read in catalogued()[name].reads for split in read.splits}


def test_of_nested_splits_and_configs_the_whole_alone_is_read() -> None:
    reads = {name: catalogued()[name].reads for name in ("fineqwq_142k", "openthoughts_114k", "openr1_math_220k")}
    assert [read.splits for read in reads["fineqwq_142k"]] == [("142k",)]
    assert [read.config for read in reads["openthoughts_114k"]] == ["metadata"]
    assert "all" not in {read.config for read in reads["openr1_math_220k"]}


def test_columns_without_a_type_are_nulls(tmp_path: Path) -> None:
    row = {"problem": "q", "solution": "\\boxed{1}", "source": None, "verified": None}
    text = {"reannotated_assistant_content": "<think>\nhm\n</think>\n\n1"}
    schema = pa.schema(
        [
            *((key, pa.string()) for key in ("problem", "solution", *text)),
            ("source", pa.null()),
            ("verified", pa.null()),
        ]
    )
    done = made("r1_distill_sft", written(tmp_path / "f.parquet", [{**row, **text}], schema), "train", "v0")
    assert done.records["cot"].select("reasoning", "answer").rows() == [("hm", "1")]


def test_a_column_may_change_its_type_between_shards(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    for number, source in enumerate(("x", 3, None)):
        for form in ("parquet", "jsonl"):
            path = written(tmp_path / f"{number}.{form}", [{"id": number, "messages": talk, "source": source}])
            done = made("tulu3_sft", path)
            assert (done.yielding, reasons(done)) == (1, [])


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_turns_of_one_role_in_a_row_and_an_empty_last_one_are_kept_for_the_rules(tmp_path: Path, form: str) -> None:
    twice = [("user", "q"), ("user", "more"), ("assistant", "a"), ("assistant", "")]
    rows = [{"id": "1", "source": "x", "messages": [{"role": who, "content": text} for who, text in twice]}]
    record = made("tulu3_sft", written(tmp_path / f"f.{form}", rows)).records["instruction"].row(0, named=True)
    assert said([*record["prompt"], *record["completion"]]) == twice
    assert pl.Series([record["tools"]]).null_count() == 1
