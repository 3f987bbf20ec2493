"""Tools in the catalogue's conversations: definitions, calls and answers, from upstream's rows to the export."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from corpora import Row, lake_state, published
from upstream_files import made, reasons, written

from pipelines.exports import export
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.workspace import Workspace

OFFERED = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
CALL = [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": "1, \\"tool_calls\\": x"}'}}]
PLAIN = [{"role": "user", "content": 'Say "tool_calls": 1'}, {"role": "assistant", "content": "1"}]
ASKED = {"role": "user", "content": "What is 40 + 2?"}
OPENAI = [
    ASKED,
    {"role": "assistant", "content": None, "tool_calls": CALL},
    {"role": "tool", "content": "42", "tool_call_id": "c1", "name": "add"},
    {"role": "assistant", "content": "It is 42."},
]
DOLCI = [
    {"role": "system", "content": "s", "functions": json.dumps(OFFERED), "function_calls": None},
    {**ASKED, "functions": None, "function_calls": None},
    {"role": "assistant", "content": None, "function_calls": "add(40, 2)", "functions": None},
    {"role": "environment", "content": "42", "function_calls": None, "functions": None},
    {"role": "assistant", "content": "It is 42.", "functions": None, "function_calls": None},
]
CALLING_LAST = [ASKED, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nLet me add.", "tool_calls": CALL}]
SHAREGPT = [
    {"from": "human", "value": "What is 40 + 2?"},
    {"from": "function_call", "value": '{"name": "add", "arguments": {"a": 1}}'},
    {"from": "observation", "value": "42"},
    {"from": "gpt", "value": "<think>\nhm\n</think>\n\nIt is 42."},
]
FORMS = pytest.mark.parametrize("form", ["parquet", "jsonl", "json"])


def record_of(name: str, folder: Path, form: str, *rows: dict[str, object], split: str = "train") -> dict[str, Any]:
    """The record of the first of the rows."""
    done = made(name, written(folder / f"rows.{form}", list(rows)), split)
    assert reasons(done) == []
    return next(r for f in done.records.values() for r in f.iter_rows(named=True) if r["origin"]["row"] == 0)


@FORMS
@pytest.mark.parametrize("name", ["tulu3_sft", "smoltalk2", "ultrachat_200k", "ultrafeedback_binarized"])
def test_definitions_calls_and_answers_are_kept(tmp_path: Path, name: str, form: str) -> None:
    beside = {"id": "1", "prompt_id": "i", "score_chosen": 1.0}
    rows = [{"messages": OPENAI, "tools": json.dumps(OFFERED), **beside}, {"messages": PLAIN, "tools": None, **beside}]
    split = "train_sft" if name.startswith("ultra") else "train"
    record = record_of(name, tmp_path, form, *rows, split=split)
    assert json.loads(record["tools"]) == OFFERED
    _, called, told = record["prompt"]
    assert json.loads(called["tool_calls"]) == CALL
    assert (told["role"], told["content"], told["tool_call_id"], told["name"]) == ("tool", "42", "c1", "add")


@FORMS
def test_tools_may_stand_in_the_messages_and_calls_be_code(tmp_path: Path, form: str) -> None:
    record = record_of("tulu3_sft", tmp_path, form, {"id": "1", "messages": DOLCI}, {"id": "2", "messages": PLAIN})
    assert json.loads(record["tools"]) == OFFERED
    assert [m["role"] for m in record["prompt"]] == ["system", "user", "assistant", "tool"]
    assert json.loads(record["prompt"][2]["tool_calls"]) == ["add(40, 2)"]


@FORMS
def test_an_answer_that_thinks_and_then_calls_keeps_both(tmp_path: Path, form: str) -> None:
    record = record_of("smoltalk2", tmp_path, form, {"messages": CALLING_LAST}, {"messages": PLAIN})
    assert record["reasoning"] == "hm"
    assert record["completion"][0]["content"] == "Let me add."
    assert json.loads(record["completion"][0]["tool_calls"]) == CALL


@FORMS
def test_what_messages_think_beside_their_content_is_kept(tmp_path: Path, form: str) -> None:
    thinking = [ASKED, {"role": "assistant", "content": "It is 42.", "reasoning_content": "hm"}]
    record = record_of("smoltalk2", tmp_path, form, {"messages": thinking}, {"messages": PLAIN})
    assert (record["reasoning"], record["completion"][0]["content"]) == ("hm", "It is 42.")


@FORMS
def test_turns_of_sharegpt_may_be_calls_and_answers_of_tools(tmp_path: Path, form: str) -> None:
    row = {"difficulty": 1, "source": "s", "domain": "d", "conversations": SHAREGPT}
    record = record_of("openthoughts3", tmp_path, form, row)
    called = json.loads(record["prompt"][1]["tool_calls"])
    assert called[0]["function"]["name"] == "add"
    assert (record["prompt"][2]["role"], record["reasoning"]) == ("tool", "hm")


@FORMS
def test_pairs_keep_the_calls_of_both_sides(tmp_path: Path, form: str) -> None:
    other = [*OPENAI[:1], {"role": "assistant", "content": None, "tool_calls": [{**CALL[0], "id": "c2"}]}]
    row = {"id": "1", "prompt": "q", "chosen": OPENAI[:2], "rejected": other, "tools": json.dumps(OFFERED)}
    record = record_of("tulu3_preference", tmp_path, form, row)
    sides = [json.loads(record[side][0]["tool_calls"])[0]["id"] for side in ("chosen", "rejected")]
    assert (sides, len(record["prompt"]), json.loads(record["tools"])) == (["c1", "c2"], 1, OFFERED)


@FORMS
def test_an_image_beside_a_call_makes_the_row_a_reject(tmp_path: Path, form: str) -> None:
    shown = [{"type": "image_url", "text": None}, {"type": "text", "text": "q"}]
    told = [{"type": "text", "text": "a"}]
    turns = [
        {"role": "user", "content": shown, "tool_calls": None},
        {"role": "assistant", "content": told, "tool_calls": CALL},
    ]
    done = made("tulu3_sft", written(tmp_path / f"rows.{form}", [{"id": "1", "messages": turns}]))
    assert reasons(done) == [(0, True, "a message holds an image")]


def test_tools_come_out_in_an_export_of_their_own(tmp_path: Path, place: Workspace, lake: Lake) -> None:
    rows = [{"id": "1", "messages": OPENAI, "tools": json.dumps(OFFERED)}, {"id": "2", "messages": PLAIN}]
    records = made("tulu3_sft", written(tmp_path / "f.jsonl", rows)).records["instruction"]
    there = [
        Row(record["id"], {name: record[name] for name in ("prompt", "completion", "tools")})
        for record in records.iter_rows(named=True)
    ]
    export(place, published(lake_state(lake, there), there), Recipe(sources={"tulu3_sft": None}))
    assert pl.read_parquet(place.exports / "default/instruction/train.parquet").height == 1
    (row,) = pl.read_parquet(place.exports / "default/instruction-tools/train.parquet").to_dicts()
    assert json.loads(row["tools"]) == OFFERED
    assert row["prompt"][1]["tool_calls"] == CALL
    assert row["prompt"][2]["tool_call_id"] == "c1"
