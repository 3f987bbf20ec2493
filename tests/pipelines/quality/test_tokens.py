from pathlib import Path

import polars as pl
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from pipelines.errors import TamisError
from pipelines.quality import tokens
from pipelines.quality.signals import Tools, code, signals
from schemas.families import FAMILIES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = Tokenizer(WordLevel({"a": 0, "?": 1}, unk_token="?"))
    made.pre_tokenizer = Whitespace()
    made.enable_truncation(2)
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_tokens_are_those_of_the_tokenizer_and_none_is_cut_off(path: Path) -> None:
    found = tokens.load(str(path))
    assert found is not None
    texts = ["a b, c", "", None, "é\n" * 600_000, "a"]
    assert found.counts(pl.Series(texts)).to_list() == [4, 0, None, 600_000, 1]
    assert found.counts(pl.Series([None], dtype=pl.String)).to_list() == [None]


def test_only_the_lakes_tokenizer_gives_a_value_and_its_content_is_part_of_the_code(make, path: Path) -> None:
    table = make("instruction", [{"prompt": "a b", "completion": "a"}])
    without, tools = signals(table, FAMILIES["instruction"]), Tools(tokens.load(str(path)))
    counted = signals(table, FAMILIES["instruction"], tools)
    assert without.select("prompt_tokens", "completion_tokens").row(0) == (None, None)
    assert counted.select("prompt_tokens", "completion_tokens").row(0) == (2, 1)
    assert code(tools) != code()
    assert [a == b for a, b in zip(code(tools).split(), code().split(), strict=True)].count(False) == 1


def test_a_tokenizer_that_is_not_there_is_named() -> None:
    with pytest.raises(TamisError, match="neither a file nor a repository"):
        tokens.load("no such/repository/at all")


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(TamisError, match=r"t\.json"):
        tokens.load(str(tmp_path / "t.json"))
