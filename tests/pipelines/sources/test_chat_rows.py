"""The instruction and preference sets on rows in their real layouts: what they become, and what cannot be taken."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from upstream_files import Rows, made, reasons, said, written

from pipelines.errors import TamisError
from pipelines.normalise import Normalised

U, A, S = "user", "assistant", "system"
Said = list[tuple[str, str]]


def talk(*turns: tuple[str, object], keys: tuple[str, str] = ("role", "content")) -> list[dict[str, object]]:
    return [dict(zip(keys, turn, strict=True)) for turn in turns]


def only(done: Normalised, family: str) -> dict[str, Any]:
    assert done.records[family].height == 1, reasons(done)
    return done.records[family].row(0, named=True)


QA = talk((U, "q"), (A, "a"))
PAIRED = {"chosen": talk((U, "q"), (A, "good")), "rejected": talk((U, "q"), (A, "bad"))}
LONG = talk((S, "s"), (U, "q"), (A, "a"), (U, "more"), (A, "b"))
CHAT: list[tuple[str, str, str, Rows, Said, str]] = [
    (
        "ultrachat_200k",
        "f.parquet",
        "train_sft",
        [{"prompt": "q", "prompt_id": "i", "messages": LONG}],
        [(S, "s"), (U, "q"), (A, "a"), (U, "more")],
        "b",
    ),
    (
        "ultrachat",
        "f.jsonl",
        "train",
        [{"id": "0", "data": ["q", "a", "more", "b"]}],
        [(U, "q"), (A, "a"), (U, "more")],
        "b",
    ),
    (
        "self_instruct",
        "f.parquet",
        "train",
        [{"prompt": "Add them.\n\nInput: 1, Output: 2\n\nOutput:", "completion": " 3\n4<|endoftext|>"}],
        [(U, "Add them.\n\nInput: 1, Output: 2")],
        "3\n4",
    ),
    (
        "synthia_coder",
        "f.jsonl",
        "train",
        [{"system": "s", "instruction": "q", "response": "a"}],
        [(S, "s"), (U, "q")],
        "a",
    ),
    ("synthia_coder", "f.jsonl", "train", [{"prompt": "q", "output": "a"}], [(U, "q")], "a"),
    ("lima", "f.jsonl", "train", [{"conversations": ["q", "a"], "source": "x"}], [(U, "q")], "a"),
    (
        "code_alpaca",
        "f.json",
        "train",
        [{"instruction": "Sort", "input": "[2, 1]", "output": "a"}],
        [(U, "Sort\n\n[2, 1]")],
        "a",
    ),
    ("code_alpaca", "f.json", "train", [{"instruction": "Sort", "input": "", "output": "a"}], [(U, "Sort")], "a"),
    ("tulu3_sft", "f.parquet", "train", [{"id": "1", "messages": QA, "source": "x"}], [(U, "q")], "a"),
    ("tulu3_sft", "f.parquet", "train", [{"id": "1", "messages": QA}], [(U, "q")], "a"),
    (
        "smoltalk2",
        "f.parquet",
        "table_gpt_no_think",
        [{"messages": QA, "chat_template_kwargs": {"enable_thinking": False}, "source": "x"}],
        [(U, "q")],
        "a",
    ),
    ("cai_harmless", "f.parquet", "train_sft", [{"messages": LONG}], [(S, "s"), (U, "q"), (A, "a"), (U, "more")], "b"),
    (
        "ultrafeedback_binarized",
        "f.parquet",
        "test_sft",
        [{"prompt_id": "i", "messages": QA, "score_chosen": 1.0}],
        [(U, "q")],
        "a",
    ),
]


@pytest.mark.parametrize(("name", "file", "split", "rows", "prompt", "answer"), CHAT)
def test_a_conversation_becomes_an_instruction(
    tmp_path: Path, name: str, file: str, split: str, rows: Rows, prompt: Said, answer: str
) -> None:
    done = made(name, written(tmp_path / file, rows), split)
    record = only(done, "instruction")
    assert (said(record["prompt"]), said(record["completion"])) == (prompt, [(A, answer)])


@pytest.mark.parametrize(
    ("name", "split", "row"),
    [
        ("cai_harmless", "test_prefs", PAIRED),
        ("tulu3_preference", "train", {"id": "1", "prompt": "q", "source": "x", **PAIRED}),
        ("smoltalk2", "llama_3.1_tulu_3_8b_preference_mixture_no_think", {"prompt": "q", **PAIRED}),
        ("smoltalk2", "p", {"prompt": "q", "chosen": talk((A, "good")), "rejected": talk((A, "bad"))}),
        ("smoltalk2", "p", {"prompt": talk((U, "q")), "chosen": talk((A, "good")), "rejected": talk((A, "bad"))}),
        (
            "ultrafeedback_binarized",
            "train_prefs",
            {"prompt": "q", "prompt_id": "i", "score_chosen": 8.5, "score_rejected": 3.0, **PAIRED},
        ),
    ],
)
def test_two_conversations_become_a_pair(tmp_path: Path, name: str, split: str, row: dict[str, object]) -> None:
    config = "Preference" if name == "smoltalk2" else None
    record = only(made(name, written(tmp_path / "f.parquet", [row]), split, config), "preference")
    assert [said(record[part]) for part in ("prompt", "chosen", "rejected")] == [
        [(U, "q")],
        [(A, "good")],
        [(A, "bad")],
    ]
    if "score_chosen" in row:
        assert (record["chosen_score"], record["rejected_score"], record["group"]) == (8.5, 3.0, "i")


def test_critiques_are_kept_as_texts_and_as_messages(tmp_path: Path) -> None:
    critique = {"critic_prompt": "Find harm.", "critic_response": "It is rude.", "revision_prompt": "Rewrite it."}
    messages = {name: {"role": U, "content": text} for name, text in critique.items()}
    for number, told in enumerate((critique, messages)):
        done = made("cai_harmless", written(tmp_path / f"{number}.parquet", [{**told, **PAIRED}]), "train_prefs")
        assert json.loads(only(done, "preference")["meta"]) == critique


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "no conversation"),
        ([], "no conversation"),
        (talk((U, "q")), "ends with the user"),
        (talk((A, "a")), "nothing before the answer"),
        (talk((U, "q"), (A, "a"), (U, "more")), "ends with the user"),
        (talk((U, "q"), ("environment", "x")), "not the assistant's last turn"),
        (talk((U, "q"), (None, "a")), "not the assistant's last turn"),
        (talk((U, "q"), (A, None)), "null content"),
        (talk(("moderator", "q"), (A, "a")), "unknown role"),
    ],
)
@pytest.mark.parametrize("name", ["tulu3_sft", "smoltalk2", "ultrachat_200k"])
def test_a_conversation_without_an_answer_is_a_reject(
    tmp_path: Path, name: str, messages: list[dict[str, object]] | None, reason: str
) -> None:
    rows: Rows = [{"id": "1", "prompt_id": "i", "messages": m} for m in (QA, messages)]
    done = made(name, written(tmp_path / "f.parquet", rows), "train_sft" if name == "ultrachat_200k" else "train")
    assert reasons(done) == [(1, True, reason)]


@pytest.mark.parametrize("role", ["environment", "function", "tool", "observation"])
def test_what_a_tool_says_is_a_tools_turn(tmp_path: Path, role: str) -> None:
    turns = talk((U, "q"), (A, "call"), (role, "42"), (A, "a"))
    record = only(made("tulu3_sft", written(tmp_path / "f.jsonl", [{"id": "1", "messages": turns}])), "instruction")
    assert [m["role"] for m in record["prompt"]] == [U, A, "tool"]


@pytest.mark.parametrize("file", ["f.parquet", "f.jsonl"])
def test_of_content_in_parts_the_text_is_taken_and_an_image_is_a_reject(tmp_path: Path, file: str) -> None:
    def parts(*kinds: str) -> list[dict[str, str | None]]:
        return [{"type": kind, "text": kind if kind == "text" else None} for kind in kinds]

    answer = (A, parts("text"))
    turns = [
        talk((U, parts("text", "text")), answer),
        talk((U, parts("text", "image_url")), answer),
        talk((U, parts("audio")), answer),
    ]
    done = made("tulu3_sft", written(tmp_path / file, [{"id": "1", "messages": t} for t in turns]))
    record = only(done, "instruction")
    assert (said(record["prompt"]), said(record["completion"])) == ([(U, "text\ntext")], [(A, "text")])
    assert reasons(done) == [(1, True, "a message holds an image"), (2, True, "a message holds what is not text")]


def test_content_may_be_a_text_in_one_message_and_parts_in_another(tmp_path: Path) -> None:
    quoted = 'a "content": "x" \\'
    turns = talk((S, quoted), (U, [{"type": "text", "text": "q"}]), (A, "a"))
    record = only(made("tulu3_sft", written(tmp_path / "f.jsonl", [{"id": "1", "messages": turns}])), "instruction")
    assert (said(record["prompt"]), said(record["completion"])) == ([(S, quoted), (U, "q")], [(A, "a")])


def test_smoltalk2_tells_thinking_from_plain_answers_and_keeps_what_the_template_gets(tmp_path: Path) -> None:
    kwargs = {
        "enable_thinking": True,
        "xml_tools": ['{"name": "add"}'],
        "python_tools": [],
        "custom_instructions": None,
    }
    answers = ["<think>\nhm\n</think>\n\na", "<think>\n\n</think>\n\na", "a", "<think>hm"]
    rows: Rows = [{"messages": talk((U, "q"), (A, a)), "chat_template_kwargs": kwargs, "source": "x"} for a in answers]
    done = made("smoltalk2", written(tmp_path / "f.parquet", rows), "OpenThoughts3_1.2M_think", "SFT")
    thought = only(done, "cot")
    assert (thought["reasoning"], said(thought["completion"])) == ("hm", [(A, "a")])
    plain = done.records["instruction"]
    assert [said(c)[0][1] for c in plain["completion"]] == ["a", "a", "<think>hm"]
    assert json.loads(thought["template_kwargs"]) == kwargs
    assert json.loads(thought["tools"]) == ['{"name": "add"}']
    assert json.loads(plain["meta"][0]) == {"source": "x"}


def rated(*ratings: str | None, response: str | None = "a", overall: float = 5.0) -> dict[str, object]:
    names = ("instruction_following", "honesty", "truthfulness", "helpfulness")
    aspects = dict(zip(names, ({"Rating": r, "Rationale": "x"} for r in ratings), strict=True))
    return {
        "model": "m",
        "principle": "p",
        "custom_system_prompt": "c",
        "response": response,
        "critique": "x",
        "overall_score": overall,
        "fine-grained_score": 1.0,
        "annotations": aspects,
    }


def feedback(*completions: dict[str, object], source: str = "sharegpt") -> dict[str, object]:
    return {"source": source, "instruction": "q", "models": [], "completions": list(completions)}


def test_ultrafeedback_pairs_the_best_rated_answer_with_each_other_one(tmp_path: Path) -> None:
    four = (
        rated("3", "3", "3", "3", response="fair", overall=9.0),
        rated("5", "N/A", "N/A", "4", response="best"),
        rated("1", "1", "1", "1", response="poor"),
        rated("N/A", "N/A", "N/A", "N/A", response="unrated"),
    )
    done = made("ultrafeedback", written(tmp_path / "f.jsonl", [feedback(*four)]))
    pairs = done.records["preference"]
    assert [
        (said(p["chosen"])[0][1], said(p["rejected"])[0][1], p["chosen_score"], p["rejected_score"])
        for p in pairs.iter_rows(named=True)
    ] == [("best", "fair", 4.5, 3.0), ("best", "poor", 4.5, 1.0)]
    assert pairs["id"].to_list() == [f"ultrafeedback/preference/default.train.0.0#{n}" for n in (0, 1)]
    assert set(pairs["group"]) == {"sharegpt.0"}
    told = only(done, "instruction")
    assert (said(told["completion"]), told["group"]) == ([(A, "best")], "sharegpt.0")
    meta = json.loads(pairs["meta"][0])
    assert (meta["other"]["overall_score"], meta["best"]["honesty"], meta["source"]) == (9.0, "N/A", "sharegpt")


def test_ultrafeedback_rows_end_where_their_answers_allow(tmp_path: Path) -> None:
    good, low = rated("5", "5", "5", "5"), rated("2", "2", "2", "2", response="b")
    rows: Rows = [
        feedback(good, low),
        feedback(good),
        feedback(),
        feedback(rated("N/A", "N/A", None, "N/A"), rated("N/A", "N/A", "N/A", "N/A")),
        feedback(good, rated("5", "5", "5", "5", response="b")),
        feedback(good, {**low, "response": None}),
        feedback(good, low, source="truthful_qa"),
        {"source": "flan", "instruction": "q", "completions": None},
    ]
    done = made("ultrafeedback", written(tmp_path / "f.jsonl", rows))
    assert reasons(done) == [
        (2, True, "no answer with a rating"),
        (3, True, "no answer with a rating"),
        (6, False, "from TruthfulQA, a benchmark"),
        (7, True, "no answer with a rating"),
    ]
    rows_of = pl.col("origin").struct.field("row")
    assert done.records["preference"].select(rows_of).to_series().to_list() == [0, 4], "a tie stays, and is judged"
    assert done.records["instruction"].select(rows_of).to_series().to_list() == [0, 1, 4, 5]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((0.5, -0.5), ("one", "two", 0.5, -0.5)),
        ((-1.0, 1.0), ("two", "one", 1.0, -1.0)),
        ((0.0, 0.0), ("one", "two", 0, 0)),
    ],
)
def test_webgpts_higher_score_won(
    tmp_path: Path, scores: tuple[float, float], expected: tuple[str, str, float, float]
) -> None:
    row = {
        "question": {"dataset": "eli5", "full_text": "q", "id": "7"},
        "quotes_0": {"title": ["t"], "extract": ["e"]},
        "answer_0": "one",
        "answer_1": "two",
        "score_0": scores[0],
        "score_1": scores[1],
    }
    rows: Rows = [row, {**row, "score_1": None}, {**row, "answer_0": None}, {**row, "question": None}]
    done = made("webgpt", written(tmp_path / "f.parquet", rows))
    record = only(done, "preference")
    assert (said(record["prompt"]), record["group"]) == ([(U, "q")], "7")
    got = said(record["chosen"])[0][1], said(record["rejected"])[0][1], record["chosen_score"], record["rejected_score"]
    assert got == expected
    assert reasons(done) == [(1, True, "no score"), (2, True, "null content"), (3, True, "null content")]


@pytest.mark.parametrize("file", ["f.parquet", "f.jsonl"])
@pytest.mark.parametrize("context", [talk((U, "q"), (A, "a"), (U, "more")), "more"])
def test_helpsteer3s_negative_preference_is_for_the_first_answer(tmp_path: Path, file: str, context: object) -> None:
    row = {"context": context, "response1": "one", "response2": "two", "domain": "general", "language": "korean"}
    scores = [-3, 2, 0, None]
    rows: Rows = [{**row, "overall_preference": s} for s in scores] + [
        {**row, "language": "Rust", "overall_preference": 1}
    ]
    done = made("helpsteer3", written(tmp_path / file, rows), config="preference")
    pairs = done.records["preference"]
    assert [
        (said(p["chosen"])[0][1], p["chosen_score"], p["rejected_score"], p["language"])
        for p in pairs.iter_rows(named=True)
    ] == [("one", 3, -3, "ko"), ("two", 2, -2, "ko"), ("one", 0, 0, "ko"), ("two", 1, -1, None)]
    assert said(pairs["prompt"][0])[-1] == (U, "more")
    assert json.loads(pairs["meta"][4 - 1])["language"] == "Rust"
    assert reasons(done) == [(3, True, "no preference")]


def verse(title: str | None, order: int | None, text: str | None, link: str = "l") -> dict[str, object]:
    return {"verse": text, "size_verse": 3, "order_verse": order, "title": title, "link": link}


VERSES = pa.schema(
    {
        "verse": pa.string(),
        "size_verse": pa.int32(),
        "order_verse": pa.int32(),
        "title": pa.string(),
        "link": pa.string(),
    }
)


def test_lines_of_verse_are_put_together_in_their_order(tmp_path: Path) -> None:
    rows = [
        verse("Sea", 2, "second"),
        verse("Land", 1, "alone"),
        verse("Sea", 1, "first"),
        verse("Sea", 1, "other", link="m"),
        verse("Sea", 3, "third"),
        verse("Sea", 2, "second"),
        verse(None, 1, "lost"),
        verse("Sea", None, "lost"),
        verse("Sea", 4, None),
    ]
    done = made("verse_wikisource", written(tmp_path / "f.parquet", rows, VERSES))
    poems = done.records["instruction"]
    assert [(said(p["prompt"])[0][1], said(p["completion"])[0][1]) for p in poems.iter_rows(named=True)] == [
        ("Write a poem with the title “Land”.", "alone"),
        ("Write a poem with the title “Sea”.", "first\nsecond\nthird"),
        ("Write a poem with the title “Sea”.", "other"),
    ]
    assert json.loads(poems["meta"][1]) == {"title": "Sea", "link": "l", "lines": 3}
    part = "part of default.train.0.2"
    assert poems["id"][1] == "verse_wikisource/instruction/default.train.0.2"
    assert reasons(done) == [
        (0, False, part),
        (4, False, part),
        (5, False, part),
        (6, True, "no title"),
        (7, True, "no place in a poem"),
        (8, True, "no verse"),
    ]


DOCTOR = "Doctor: What is wrong?\nPatient: My knee\nhurts.\n**Doctor:** Rest it."
SPOKEN = [(A, "What is wrong?"), (U, "My knee\nhurts.")]


@pytest.mark.parametrize(
    ("row", "prompt", "answer"),
    [
        ({"messages": QA}, [(U, "q")], "a"),
        ({"conversations": talk(("human", "q"), ("gpt", "a"), keys=("from", "value")), "x": 1}, [(U, "q")], "a"),
        ({"dialogue": talk(("Patient", "q"), ("Doctor", "a"), keys=("speaker", "text"))}, [(U, "q")], "a"),
        ({"conversation": ["q", "a"], "disease": "x"}, [(U, "q")], "a"),
        ({"conversation": DOCTOR}, SPOKEN, "Rest it."),
        ({"conversation": "患者：膝盖疼。\n医生：多休息。"}, [(U, "膝盖疼。")], "多休息。"),
        ({"system": "s", "question": "q", "answer": "a"}, [(S, "s"), (U, "q")], "a"),
    ],
)
@pytest.mark.parametrize("name", ["medical_deepseek", "medical_deepseek_chat"])
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_unknown_columns_are_recognised_at_first_contact(
    tmp_path: Path, form: str, name: str, row: dict[str, object], prompt: Said, answer: str
) -> None:
    record = only(made(name, written(tmp_path / f"f.{form}", [row])), "instruction")
    assert (said(record["prompt"]), said(record["completion"])) == (prompt, [(A, answer)])
    assert record["language"] == ("zh" if name == "medical_deepseek" else None)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"disease": "x", "text": "y"}, "messages or .* or prompt .* with response .*; there are disease, text"),
        ({"prompt": "x", "notes": "y"}, "with response or output or answer or completion; there are prompt, notes"),
        ({"messages": [["x"]]}, "the column messages is .*, not a list, each an object of role, content or"),
    ],
)
def test_columns_of_no_known_layout_are_named(tmp_path: Path, form: str, row: dict[str, object], words: str) -> None:
    with pytest.raises(TamisError, match=words):
        made("medical_deepseek", written(tmp_path / f"f.{form}", [row]))


def test_a_text_whose_speakers_cannot_be_told_is_a_reject(tmp_path: Path) -> None:
    rows: Rows = [{"conversation": text} for text in (DOCTOR, "Hello. How are you?", "Doctor: Hi.\nPatient: Hm.", None)]
    done = made("medical_deepseek", written(tmp_path / "f.jsonl", rows))
    assert reasons(done) == [
        (1, True, "the speakers of its text are not marked"),
        (2, True, "ends with the user"),
        (3, True, "no conversation"),
    ]


@pytest.mark.parametrize("name", ["oasst1", "oasst2"])
def test_both_releases_of_oasst_are_read_alike(tmp_path: Path, name: str) -> None:
    def row(id_: str, parent: str | None, role: str, text: str, rank: int | None = None) -> dict[str, object]:
        names = ("message_id", "parent_id", "role", "text", "rank", "lang", "message_tree_id", "tree_state")
        told = dict(zip(names, (id_, parent, role, text, rank, "de", "1", "ready"), strict=True))
        return {**told, "deleted": False, "review_result": True, "synthetic": False}

    rows = [row("1", None, "prompter", "q"), row("2", "1", "assistant", "b", 1), row("3", "1", "assistant", "a", 0)]
    done = made(name, written(tmp_path / "f.parquet", rows))
    pair = only(done, "preference")
    assert (said(pair["chosen"]), said(pair["rejected"]), pair["language"]) == ([(A, "a")], [(A, "b")], "de")
    assert done.records["instruction"].height == 2


ANSWERS = {"response1": "one", "response2": "two", "overall_preference": 1}


@pytest.mark.parametrize(
    ("name", "file", "row", "words"),
    [
        ("synthia_coder", "f.jsonl", {"text": "x"}, "no column instruction or prompt or question, response or output"),
        ("tulu3_sft", "f.parquet", {"id": "1", "text": "x"}, "no column messages; there are id, text"),
        ("ultrachat", "f.jsonl", {"id": "1", "messages": []}, "no column data; there are id, messages"),
        ("helpsteer3", "f.jsonl", {**ANSWERS, "context": {"q": 1}}, "the column context is something else"),
        (
            "tulu3_preference",
            "f.parquet",
            {**PAIRED, "id": "1", "chosen": "x"},
            "the column chosen is text, not a list",
        ),
    ],
)
def test_another_layout_is_an_error_that_says_what_is_there(
    tmp_path: Path, name: str, file: str, row: dict[str, object], words: str
) -> None:
    with pytest.raises(TamisError, match=words):
        made(name, written(tmp_path / file, [row]))
