import time

import polars as pl
import pytest

from pipelines.quality import signal
from pipelines.quality.signals import code, signals
from schemas.families import FAMILIES

BASE = ["id", "source", "content_hash", "code"]
ROWS = {
    "prompt": "How many?\n\nhttps://example.com",
    "completion": "As an AI, I cannot. <nooutput>",
    "chosen": "",
    "rejected": "é" * 50,
    "reasoning": None,
    "answer": "4",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_column_is_a_number_and_is_documented(make, family: str) -> None:
    table = signals(make(family, [{}, {}]), FAMILIES[family])
    documented = signal.columns(FAMILIES[family])
    assert table.columns == [*BASE, *documented]
    for column, of in documented.items():
        assert table.schema[column] in (pl.Int64, pl.Float64), column
        assert "." not in column
        assert len(of.about) > 10, column
        assert family in of.families


def test_the_code_is_stored_with_each_row(make) -> None:
    table = signals(make("grpo", [{}]), FAMILIES["grpo"])
    assert table["code"].to_list() == [code()]
    assert len(code()) == 16


@pytest.mark.parametrize("family", FAMILIES)
def test_a_rows_signals_do_not_depend_on_its_batch(make, family: str) -> None:
    parts = {name: text for name, text in ROWS.items() if name in FAMILIES[family].schema.names}
    rows = [parts, {}, *({name: text} for name, text in parts.items()), {"prompt": "la " * 999}]
    table = make(family, rows)
    together = signals(table, FAMILIES[family])
    alone = pl.concat([signals(table[n : n + 1], FAMILIES[family]) for n in range(table.height)])
    assert together.equals(alone)
    assert together.equals(pl.concat([signals(half, FAMILIES[family]) for half in (table[:3], table[3:])]))


@pytest.mark.parametrize("family", FAMILIES)
def test_no_rows_have_no_signals(make, family: str) -> None:
    assert signals(make(family, [{}])[:0], FAMILIES[family]).height == 0


@pytest.mark.parametrize(
    "hostile",
    ["a" * 3_000_000, "(" * 500_000, "1+" * 500_000, "\n" * 500_000, "https://" * 100_000, "\\boxed{" * 100_000],
    ids=["letters", "brackets", "sums", "lines", "addresses", "boxes"],
)
def test_hostile_text_takes_bounded_time(make, hostile: str) -> None:
    signals(make("cot", [{}]), FAMILIES["cot"])
    table = make("cot", [{"prompt": hostile, "reasoning": hostile, "completion": hostile, "answer": "1"}])
    started = time.process_time()
    signals(table, FAMILIES["cot"])
    assert time.process_time() - started < 20
