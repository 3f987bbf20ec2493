"""Sources of tasks with a checkable answer on rows in their real layout, in JSON and in parquet."""

import json
from pathlib import Path

import polars as pl
import pytest
from upstream_files import Row, made_of, rejected, said

FORMS = pytest.mark.parametrize("form", ["jsonl", "parquet"])
CHATML = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{}\nPlease reason step by step, and "
    "put your final answer within \\boxed{{{{}}}}.<|im_end|>\n<|im_start|>assistant\n"
)
DAPO = (
    "Solve the following math problem step by step. The last line of your response should be of the form Answer: "
    "$Answer (without quotes) where $Answer is the answer to the problem.\n\n{}\n\nRemember to put your answer on its "
    'own line after "Answer:".'
)
SHOTS = "Question: One?\nAnswer: It is 1. So the answer is 1.\n\nQuestion: Two?\nAnswer: 2\n\nQuestion: {}\nAnswer:"


def user(text: str) -> list[Row]:
    return [{"role": "user", "content": text}]


@FORMS
def test_dapo_asks_the_bare_problem(tmp_path: Path, form: str) -> None:
    base = {"data_source": "math_dapo", "source_prompt": user(DAPO.format("q")), "ability": "MATH"}
    base |= {"reward_model": {"ground_truth": "34", "style": "rule"}, "extra_info": {"index": "x"}}
    rows = [
        base | {"prompt": "q", "solution": "34"},
        base | {"prompt": DAPO.format("q\n\nr"), "solution": "-7"},
        base | {"prompt": "q", "solution": ""},
        base | {"prompt": "q", "solution": None},
        base | {"prompt": None, "solution": "1"},
    ]
    done = made_of("dapo_math_17k", rows, tmp_path, form=form)
    tasks = done.records["grpo"]
    assert [said(p) for p in tasks["prompt"]] == [[("user", "q")], [("user", "q\n\nr")]]
    assert tasks.select("answer", "verifier").rows() == [("34", "math"), ("-7", "math")]
    assert rejected(done) == [(2, "no gold answer"), (3, "no gold answer"), (4, "null content")]


@pytest.mark.parametrize("name", ["rlvr_gsm", "rlvr_math"])
@FORMS
def test_rlvr_asks_the_last_question(tmp_path: Path, name: str, form: str) -> None:
    rows = [
        {"messages": user(SHOTS.format("What, then?")), "ground_truth": "1,000", "dataset": "gsm8k"},
        {"messages": user("Problem:\na\n\nSolution:\nb\n\nProblem:\nc\n\nd\n\nSolution:"), "ground_truth": "[0,3)"},
        {"messages": user("Two\n\nQuestion: parts?"), "ground_truth": "$\\frac{1}{2}$"},
        {"messages": user("q"), "ground_truth": ""},
        {"messages": [], "ground_truth": "1"},
        {"messages": None, "ground_truth": "1"},
        {"messages": [{"role": "assistant", "content": "a"}], "ground_truth": "1"},
    ]
    done = made_of(name, [{"dataset": "x", **row} for row in rows], tmp_path, form=form)
    tasks = done.records["grpo"]
    asked = [said(p)[0][1] for p in tasks["prompt"]]
    assert asked == ["What, then?", "c\n\nd", "Two\n\nQuestion: parts?"]
    assert tasks["answer"].to_list() == ["1000", "[0,3)", "\\frac{1}{2}"]
    assert rejected(done) == [(3, "no gold answer"), *((row, "no question") for row in (4, 5, 6))]


def test_rlvr_takes_golds_in_lists(tmp_path: Path) -> None:
    rows = [{"messages": user("q"), "ground_truth": ["4"], "dataset": ["math"]}]
    assert made_of("rlvr_gsm", rows, tmp_path, form="parquet").records["grpo"]["answer"].to_list() == ["4"]


@FORMS
def test_ifeval_hands_the_check_to_the_verifier(tmp_path: Path, form: str) -> None:
    check = json.dumps({"func_name": "validate_lowercase", "N": None})
    base = {"dataset": "ifeval", "constraint_type": "All Lowercase", "constraint": "In lower case."}
    rows = [
        base | {"messages": user("q"), "ground_truth": check},
        base | {"messages": user("q"), "ground_truth": "validate"},
        base | {"messages": user("q"), "ground_truth": None},
        base | {"messages": [*user("q"), {"role": "assistant", "content": "a"}], "ground_truth": check},
    ]
    done = made_of("rlvr_ifeval", rows, tmp_path, form=form)
    task = done.records["grpo"].row(0, named=True)
    assert (task["verifier"], task["verifier_args"], task["answer"]) == ("instruction", check, None)
    assert json.loads(task["meta"])["constraint"] == "In lower case."
    nothing = "no constraint to check"
    assert rejected(done) == [(1, nothing), (2, nothing), (3, "the prompt ends with the assistant")]


@FORMS
def test_big_math_keeps_how_often_a_model_solved_it(tmp_path: Path, form: str) -> None:
    base = {"problem": "q", "source": "orca_math", "domain": ["Mathematics -> Algebra"], "llama8b_solve_rate": 0.25}
    done = made_of("big_math", [base | {"answer": "4"}, base | {"answer": "notfound"}], tmp_path, form=form)
    meta = json.loads(done.records["grpo"]["meta"][0])
    assert meta["llama8b_solve_rate"] == 0.25
    assert json.loads(meta["domain"]) == ["Mathematics -> Algebra"]
    assert rejected(done) == [(1, "no gold answer")]


def zoo(truth: object, prompt: list[Row] | None = None) -> Row:
    reward = {"ground_truth": truth, "style": "rule"}
    return {"prompt": prompt or user(CHATML.format("q")), "reward_model": reward, "subject": "Algebra", "level": 5}


TRUTHS: list[tuple[object, str | None, str | None]] = [
    ("118", "118", None),
    ("31,250", "31250", None),
    ("[-9, 9]", "[-9, 9]", None),
    (118.0, "118", None),
    (0.5, "0.5", None),
    ("48.0", "48.0", None),
    (7, "7", None),
    (["3"], "3", None),
    (["3", "4"], None, '{"ground_truth":["3","4"]}'),
    ('["3"]', "3", None),
    ('["3","x"]', None, '{"ground_truth":["3","x"]}'),
    ({"numbers": [1, 2], "target": 3}, None, '{"ground_truth":{"numbers":[1,2],"target":3}}'),
    ("", None, None),
    ("None", None, None),
    ([], None, None),
    (None, None, None),
]


@FORMS
@pytest.mark.parametrize(("truth", "answer", "arguments"), TRUTHS)
def test_verls_truth_may_be_anything(
    tmp_path: Path, form: str, truth: object, answer: str | None, arguments: str | None
) -> None:
    done = made_of("simplerl_zoo", [zoo(truth)], tmp_path, form=form)
    if answer is None and arguments is None:
        assert rejected(done) == [(0, "no gold answer")]
        return
    task = done.records["grpo"].row(0, named=True)
    assert (task["answer"], task["verifier_args"]) == (answer, arguments)
    assert said(task["prompt"]) == [("system", "You are a helpful assistant."), ("user", "q")]


def test_truths_of_several_types_stand_in_one_file(tmp_path: Path) -> None:
    rows = [zoo(truth) for truth, *_ in TRUTHS]
    tasks = made_of("simplerl_zoo", rows, tmp_path).records["grpo"]
    assert tasks.select("answer", "verifier_args").rows() == [(a, v) for _, a, v in TRUTHS if a or v]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (user("bare"), [("user", "bare")]),
        ([{"role": "system", "content": "s"}, *user("q")], [("system", "s"), ("user", "q")]),
        (user("<|im_start|>user\na\n<|b|>\nc<|im_end|>\n"), [("user", "a\n<|b|>\nc")]),
        (user("<|im_start|>user\na<|im_end|>"), [("user", "a")]),
    ],
)
def test_prompts_are_taken_out_of_the_template(
    tmp_path: Path, prompt: list[Row], expected: list[tuple[str, str]]
) -> None:
    tasks = made_of("simplerl_zoo", [zoo("1", prompt)], tmp_path).records["grpo"]
    assert said(tasks["prompt"][0]) == expected


def test_a_template_without_a_turn_in_it_is_a_reject(tmp_path: Path) -> None:
    rows = [zoo("1", user("<|im_start|>user\nnever closed")), zoo("1", user("<|im_start|>cook\nx<|im_end|>"))]
    assert rejected(made_of("simplerl_zoo", rows, tmp_path)) == [(0, "no prompt"), (1, "unknown role")]


@pytest.mark.parametrize(("answer", "problems", "yields"), [("4", ["q"], 1), ("proof", [], 0)])
def test_golds_that_say_there_is_none_are_no_tasks(
    tmp_path: Path, answer: str, problems: list[str], yields: int
) -> None:
    row = {"problem": "q", "answer": answer, "solution": ""}
    done = made_of("deepscaler", [row], tmp_path)
    assert [said(p)[0][1] for p in done.records["grpo"]["prompt"]] == problems
    assert done.yielding == yields
    assert done.records["grpo"].select(pl.len()).item() == yields
