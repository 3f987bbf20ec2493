import dataclasses
import time

import polars as pl
import pytest

from pipelines.quality import signal
from pipelines.quality import signals as quality
from pipelines.quality.signals import GROUPS, Group, code, group_of, signals
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
    assert {said.partition(":")[0] for said in code().split()} == set(GROUPS)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_signal_is_measured_by_one_group(family: str) -> None:
    groups = {name: group_of(of) for name, of in signal.columns(FAMILIES[family]).items()}
    assert set(groups.values()) <= set(GROUPS)


def test_only_the_group_whose_code_changed_is_measured_again(make, monkeypatch: pytest.MonkeyPatch) -> None:
    table = make("cot", [{"prompt": "Wie geht es dir?", "completion": "Gut."}, {}])
    before = signals(table, FAMILIES["cot"])
    identities = quality._identities
    monkeypatch.setattr(quality, "_identities", lambda tools: identities(tools) | {"language": "newer"})
    counted = {name: [] for name in GROUPS}

    def watched(name: str) -> Group:
        def counts(texts, part, tools):
            counted[name].append(part)
            return GROUPS[name].counts(texts, part, tools)

        return dataclasses.replace(GROUPS[name], counts=counts)

    monkeypatch.setattr(quality, "GROUPS", {name: watched(name) for name in GROUPS})
    again = signals(table, FAMILIES["cot"], stored=before.with_columns(completion_words=pl.lit(7)))
    assert {name for name, parts in counted.items() if parts} == {"language"}
    assert again["completion_words"].to_list() == [7, 7], "taken from what was stored"
    assert set(again["code"]) == {code()}
    assert again.drop("code", "completion_words").equals(before.drop("code", "completion_words"))


def test_what_was_stored_without_a_column_is_measured_again(make) -> None:
    table = make("cot", [{}])
    before = signals(table, FAMILIES["cot"])
    assert signals(table, FAMILIES["cot"], stored=before.drop("prompt_words")).equals(before)


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
