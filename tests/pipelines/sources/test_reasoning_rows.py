"""Sources of chains of thought on rows in their real layout: what each becomes, in JSON and in parquet."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from upstream_files import Row, made_of, rejected, said

from pipelines.errors import TamisError

THOUGHT = "<|begin_of_thought|>\n\nhm\n\n<|end_of_thought|>\n\n"
SOLVED = THOUGHT + "<|begin_of_solution|>\n\nIt is \\boxed{4}.\n\n<|end_of_solution|>"
THINK = "<think>\nhm\n</think>\n\nIt is \\boxed{4}."
ANSWER = "It is \\boxed{4}."
FORMS = pytest.mark.parametrize("form", ["jsonl", "parquet"])


def shared(user: str, answer: str, names: tuple[str, str] = ("user", "assistant")) -> list[Row]:
    return [{"from": names[0], "value": user}, {"from": names[1], "value": answer}]


def spoken(user: str, answer: str | None = None) -> list[Row]:
    asked: list[Row] = [{"role": "user", "content": user}]
    return asked if answer is None else [*asked, {"role": "assistant", "content": answer}]


def cot(done: Any) -> Row:
    record: Row = done.records["cot"].row(0, named=True)
    return record


R1 = {"id": "1", "source": "s", "verified": None, "quality_metrics": None}
LAYOUTS: list[tuple[str, str | None, Row]] = [
    ("sky_t1", None, {"system": "", "conversations": shared("q", SOLVED)}),
    ("bespoke_stratos", None, {"system": "", "conversations": shared("q", SOLVED)}),
    (
        "openthoughts_114k",
        "metadata",
        {
            "problem": "q",
            "deepseek_reasoning": "hm",
            "deepseek_solution": ANSWER,
            "ground_truth_solution": "So \\boxed{4}",
            "domain": "math",
            "source": "s",
            "test_cases": None,
            "starter_code": None,
        },
    ),
    (
        "openthoughts3",
        None,
        {"difficulty": None, "source": "s", "domain": "math", "conversations": shared("q", THINK, ("human", "gpt"))},
    ),
    ("r1_distill_sft", "v0", {**R1, "reannotated_assistant_content": THINK, "problem": "q", "solution": "\\boxed{4}"}),
    (
        "r1_distill_sft",
        "v1",
        {
            **R1,
            "reannotated_assistant_content": THINK,
            "reannotated_messages": spoken("q", THINK),
            "messages": spoken("q", "old"),
            "source_dataset": "d",
        },
    ),
    (
        "scp_116k",
        None,
        {
            "domain": "d",
            "problem": "q",
            "matched_solution": "\\boxed{4}",
            "o1_solution": THINK,
            "qwq_solution": None,
            "is_o1_solution_same_with_matched_solution": True,
            "is_qwq_solution_same_with_matched_solution": None,
        },
    ),
    (
        "scp_116k",
        None,
        {
            "domain": "d",
            "problem": "q",
            "extract_solution": "\\boxed{4}",
            "r1_response": ANSWER,
            "r1_reasoning_content": "hm",
        },
    ),
    ("fineqwq_142k", None, {"prompt": "q", "response": THINK, "source": "s"}),
    ("dolphin_r1", "reasoning-flash", {"messages": spoken("q"), "reasoning": "hm", "answer": ANSWER, "model": "m"}),
    ("dolphin_r1_deepseek", None, {"messages": spoken("q", THOUGHT + ANSWER)}),
    ("dolphin_r1_flash", None, {"messages": spoken("q", THOUGHT + ANSWER)}),
    ("dolphin_r1_flash", None, {"messages": shared("q", THINK, ("human", "gpt"))}),
    ("dolphin_r1_flash", None, {"conversations": shared("q", THINK)}),
    ("dolphin_r1_flash", None, {"conversations": spoken("q", THINK)}),
    ("dolphin_r1_flash", None, {"messages": spoken("q"), "reasoning": "hm", "answer": ANSWER}),
    ("medical_o1", None, {"Question": "q", "Complex_CoT": "hm", "Response": ANSWER}),
    (
        "s1k",
        None,
        {
            "question": "q",
            "solution": "4",
            "cot_type": "math",
            "source_type": "s",
            "metadata": "{}",
            "deepseek_thinking_trajectory": "hm",
            "deepseek_attempt": ANSWER,
            "deepseek_grade": "Yes",
            "gemini_thinking_trajectory": "no",
            "gemini_attempt": "no",
        },
    ),
    (
        "deepmath_103k",
        None,
        {
            "question": "q",
            "final_answer": "4",
            "topic": "t",
            "difficulty": 5.5,
            "r1_solution_1": "hm\n" + THINK[11:],
            "r1_solution_2": THINK,
            "r1_solution_3": THINK,
        },
    ),
    (
        "openr1_math_220k",
        "default",
        {
            "problem": "q",
            "solution": "s",
            "answer": "4",
            "problem_type": "t",
            "question_type": "t",
            "source": "s",
            "uuid": "u",
            "is_reasoning_complete": [True],
            "generations": [THINK],
            "correctness_math_verify": [True],
            "correctness_llama": None,
            "finish_reasons": None,
            "correctness_count": 1,
        },
    ),
]
WITHOUT_GOLD = {
    "sky_t1",
    "bespoke_stratos",
    "openthoughts3",
    "fineqwq_142k",
    "dolphin_r1",
    "dolphin_r1_deepseek",
    "dolphin_r1_flash",
    "medical_o1",
}  # fmt: skip


@FORMS
@pytest.mark.parametrize(("name", "config", "row"), LAYOUTS, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(LAYOUTS)])
def test_a_row_in_the_real_layout_is_question_reasoning_and_answer(
    tmp_path: Path, name: str, config: str | None, row: Row, form: str
) -> None:
    done = made_of(name, [row, row], tmp_path, config, form)
    record = cot(done)
    assert (said(record["prompt"]), record["reasoning"]) == ([("user", "q")], "hm")
    assert said(record["completion"]) == [("assistant", ANSWER)]
    known = name not in WITHOUT_GOLD and (name, config) != ("r1_distill_sft", "v1")
    assert record["answer"] == ("4" if known else None)
    assert (done.yielding, done.rejects.height) == (2, 0)


@pytest.mark.parametrize(
    ("name", "config", "rename"),
    [(name, config, dict.fromkeys(row)) for name, config, row in LAYOUTS if name not in ("scp_116k", "r1_distill_sft")],
)
def test_other_columns_fail_with_those_that_are_there(
    tmp_path: Path, name: str, config: str | None, rename: Row
) -> None:
    with pytest.raises(TamisError, match=r"there is no column .*; there are foo"):
        made_of(name, [{"foo": "x", "bar": "y"}], tmp_path, config)


@FORMS
def test_openthoughts_code_is_checked_by_its_tests(tmp_path: Path, form: str) -> None:
    base = LAYOUTS[2][2] | {"domain": "code", "ground_truth_solution": "print(\\boxed{4})"}
    tests = '{"inputs": ["1\\n"], "outputs": ["2\\n"]}'
    rows = [
        base | {"test_cases": tests, "starter_code": "def f(x):\n  pass"},
        base | {"test_cases": tests, "starter_code": " "},
        base | {"test_cases": "{broken", "starter_code": ""},
        base | {"test_cases": "{}", "starter_code": ""},
        base | {"test_cases": "", "starter_code": ""},
        base | {"domain": "puzzle", "ground_truth_solution": None, "test_cases": tests, "starter_code": ""},
    ]
    done = made_of("openthoughts_114k", rows, tmp_path, "metadata", form)
    assert done.records["cot"].height == 6
    assert done.records["cot"]["answer"].null_count() == 6
    tasks = done.records["grpo"]
    assert tasks.select(pl.col("origin").struct.field("row"), "verifier", "answer").rows() == [
        (0, "code", None),
        (1, "code", None),
    ]
    assert tasks["verifier_args"].to_list() == [
        '{"tests":' + tests + ',"starter_code":"def f(x):\\n  pass"}',
        '{"tests":' + tests + ',"starter_code":" "}',
    ]
    assert said(tasks["prompt"][0]) == [("user", "q\n\ndef f(x):\n  pass")]
    assert said(tasks["prompt"][1]) == [("user", "q")]


def test_openthoughts3_groups_the_answers_of_one_question(tmp_path: Path) -> None:
    base = {"difficulty": 7, "source": "s", "domain": "code"}
    rows = [base | {"conversations": shared(q, THINK, ("human", "gpt"))} for q in ("a", "b", "a")]
    groups = made_of("openthoughts3", rows, tmp_path).records["cot"]["group"].to_list()
    assert groups[0] == groups[2] != groups[1]
    assert len(groups[0]) == 32


def test_r1_distill_takes_the_new_answer_where_no_conversation_was_made_anew(tmp_path: Path) -> None:
    base = {**R1, "source_dataset": "d", "reannotated_assistant_content": THINK}
    done = made_of(
        "r1_distill_sft",
        [
            base | {"messages": spoken("q", "old"), "reannotated_messages": None},
            base | {"messages": spoken("q"), "reannotated_messages": None},
            base | {"messages": None, "reannotated_messages": None},
            base | {"messages": spoken("q", "old"), "reannotated_messages": []},
            base | {"messages": spoken("q", "old"), "reannotated_messages": spoken("q", THINK)[:1]},
        ],
        tmp_path,
        "v1",
    )
    assert [said(p) for p in done.records["cot"]["prompt"]] == [[("user", "q")]] * 3
    assert done.records["cot"]["reasoning"].to_list() == ["hm"] * 3
    assert rejected(done) == [(2, "no conversation"), (4, "ends with the user")]


def test_scp_gives_a_record_an_answer_of_either_generation(tmp_path: Path) -> None:
    first, second = (row for name, _, row in LAYOUTS if name == "scp_116k")
    rows = [
        first | {"qwq_solution": "plain 5", "is_qwq_solution_same_with_matched_solution": False},
        first | {"o1_solution": None},
    ]
    done = made_of("scp_116k", rows, tmp_path, form="parquet")
    records = done.records["cot"]
    assert records["id"].str.extract(r"([^/]+)$").to_list() == ["default.train.0.0#0", "default.train.0.0#1"]
    assert records["reasoning"].to_list() == ["hm", None]
    assert [said(c)[0][1] for c in records["completion"]] == [ANSWER, "plain 5"]
    assert records["meta"].str.json_path_match("$.model").to_list() == ["o1", "qwq"]
    assert records["meta"].str.json_path_match("$.same").to_list() == ["true", "false"]
    assert records["group"].n_unique() == 1
    assert rejected(done) == [(1, "no model answered")]
    only = made_of("scp_116k", [second], tmp_path).records["cot"]
    assert only["meta"].str.json_path_match("$.model").to_list() == ["deepseek-r1"]


def test_dolphins_chats_are_instructions_with_their_ratings(tmp_path: Path) -> None:
    chat = spoken("q", "a")
    rows = [
        {"messages": chat, "score": 4.5, "refusal": False, "compliance_rating": "4", "overall_quality": 5},
        {"messages": spoken("q"), "score": 4.5, "refusal": False, "compliance_rating": "4", "overall_quality": 5},
        {"messages": [], "score": None, "refusal": None, "compliance_rating": None, "overall_quality": None},
    ]
    done = made_of("dolphin_r1", rows, tmp_path, "nonreasoning", "parquet")
    record = done.records["instruction"].row(0, named=True)
    assert (said(record["prompt"]), said(record["completion"])) == ([("user", "q")], [("assistant", "a")])
    assert record["meta"] == '{"score":"4.5","refusal":"false","compliance_rating":"4","overall_quality":"5"}'
    assert rejected(done) == [(1, "ends with the user"), (2, "no conversation")]


def test_dolphins_prompts_that_hold_an_answer_are_rejects(tmp_path: Path) -> None:
    row = {"messages": spoken("q", "a"), "reasoning": "hm", "answer": "b", "model": "m"}
    assert rejected(made_of("dolphin_r1", [row], tmp_path)) == [(0, "the prompt ends with the assistant")]


def test_openr1_gives_a_record_a_complete_generation(tmp_path: Path) -> None:
    base = LAYOUTS[-1][2]
    rows = [
        base | {"generations": [THINK, "<think>cut", "plain"], "is_reasoning_complete": [True, False, True],
                "correctness_math_verify": [False, False, True], "correctness_llama": [True]},
        base | {"generations": ["cut", "cut"], "is_reasoning_complete": [False, False],
                "correctness_math_verify": [False, False]},
        base | {"generations": ["cut"], "is_reasoning_complete": [False], "correctness_math_verify": None,
                "answer": "proof"},
        base | {"answer": "notfound"},
        base | {"generations": [THINK, THINK], "is_reasoning_complete": None, "correctness_math_verify": None},
        base | {"generations": [], "is_reasoning_complete": [], "answer": None},
        base | {"generations": [None], "is_reasoning_complete": [True]},
    ]  # fmt: skip
    done = made_of("openr1_math_220k", rows, tmp_path, "extended", "parquet")
    traces, tasks = done.records["cot"], done.records["grpo"]
    place = pl.col("id").str.extract(r"train\.0\.(.*)")
    assert traces.select(place, "reasoning", "answer").rows() == [
        ("0#0", "hm", "4"),
        ("0#1", None, "4"),
        ("3", "hm", None),
        ("4#0", "hm", "4"),
        ("4#1", "hm", "4"),
    ]
    assert traces["meta"].str.json_path_match("$.number").to_list() == ["0", "2", "0", "0", "1"]
    assert traces["meta"].str.json_path_match("$.right").to_list()[:2] == ["false", "true"]
    assert set(traces["group"]) == {"u"}
    assert tasks.select(place, "answer").rows() == [("0", "4"), ("1", "4"), ("4", "4"), ("6", "4")]
    assert rejected(done) == [(2, "no family takes it"), (5, "no family takes it")]


def test_deepmath_gives_a_record_an_answer_and_one_task(tmp_path: Path) -> None:
    base = next(row for name, _, row in LAYOUTS if name == "deepmath_103k")
    done = made_of("deepmath_103k", [base, base | {"r1_solution_1": None, "r1_solution_3": None}], tmp_path)
    assert done.records["cot"]["id"].str.extract(r"train\.0\.(.*)").to_list() == ["0#0", "0#1", "0#2", "1"]
    assert done.records["cot"]["reasoning"].to_list() == ["hm"] * 4
    assert done.records["cot"]["group"].n_unique() == 1
    assert done.records["grpo"]["id"].to_list() == [f"deepmath_103k/grpo/default.train.0.{row}" for row in (0, 1)]


@pytest.mark.parametrize(
    ("solution", "kind", "gold", "is_task"),
    [
        ("128", "math", "128", True),
        ("So $x = \\boxed{\\frac{1}{2}}$.", "math", "\\frac{1}{2}", True),
        ("First we show\nthat it holds.", "math", None, False),
        ("A", "science", "A", False),
        (None, "math", None, False),
    ],
)
def test_s1k_has_a_gold_where_the_reference_is_short(
    tmp_path: Path, solution: str | None, kind: str, gold: str | None, is_task: bool
) -> None:
    row = next(row for name, _, row in LAYOUTS if name == "s1k") | {"solution": solution, "cot_type": kind}
    done = made_of("s1k", [row], tmp_path)
    assert cot(done)["answer"] == gold
    assert done.records["grpo"].height == is_task
    assert "no" not in json_texts(done)


def json_texts(done: Any) -> set[str]:
    """Every answer that was kept."""
    return {message["content"] for row in done.records["cot"]["completion"] for message in row}


def test_deepscaler_keeps_solutions_without_a_gold_and_golds_without_a_solution(tmp_path: Path) -> None:
    rows = [
        {"problem": "q", "answer": "1,\\!722", "solution": "So \\boxed{1722}."},
        {"problem": "q", "answer": "\\$ 5", "solution": ""},
        {"problem": "q", "answer": "", "solution": "It is so."},
        {"problem": "q", "answer": "None", "solution": " "},
        {"problem": "q", "answer": None, "solution": None},
        {"problem": None, "answer": "1", "solution": "x"},
    ]
    done = made_of("deepscaler", rows, tmp_path, form="json")
    assert done.records["cot"].select("reasoning", "answer").rows() == [("So \\boxed{1722}.", "1722"), (None, None)]
    assert [said(c)[0][1] for c in done.records["cot"]["completion"]] == ["1722", "It is so."]
    assert done.records["grpo"]["answer"].to_list() == ["1722", "5"]
    signed = [
        f"So \\boxed{{4}}.\n {names}" for names in ("~rayfish", "~ a b (Edit)\n ~c.com", "- AMBRIGGS", "-jack06 \n")
    ]
    plain = ["so $n - k$", "5 ~ 6 ~", "x -y"]
    texts = [{"problem": "q", "answer": "4", "solution": text} for text in signed + plain]
    kept = made_of("deepscaler", texts, tmp_path, form="json").records["cot"]["reasoning"].to_list()
    assert kept == ["So \\boxed{4}."] * 4 + plain
    neither = "neither answer nor solution"
    assert rejected(done) == [(3, neither), (4, neither), (5, "null content")]
