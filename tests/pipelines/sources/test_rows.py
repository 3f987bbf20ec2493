"""Each source on small frames in its real layout: what its rows become, and what it cannot take."""

import polars as pl
import pytest

from pipelines.normalise import Normalised, Place, normalise
from pipelines.sources import sources
from pipelines.sources.source import Read


def read_of(name: str, config: str | None = None) -> Read:
    return next(r for r in sources()[name].reads if config is None or r.config == config)


def made(name: str, rows: list[dict[str, object]], config: str | None = None) -> Normalised:
    """Rows in upstream's layout, normalised as those of a training file."""
    read = read_of(name, config)
    source = sources()[name]
    columns = {column: [row.get(column) for row in rows] for column in read.columns}
    frame = pl.DataFrame(columns, schema=dict(read.columns)).with_row_index("row").cast({"row": pl.Int64})
    place = Place(name, "0" * 40, read.config or "default", "train", "f", 0, source.license, source.language)
    done = normalise(frame, read, place)
    whole = done.rejects.filter(pl.col("family").is_null())
    assert done.rows == done.yielding + whole.height, "each row ends in exactly one of three"
    return done


def said(messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(m["role"], m["content"]) for m in messages]


def reasons(done: Normalised) -> list[tuple[int, bool, str]]:
    return done.rejects.sort("row").select("row", "selected", "reason").rows()


@pytest.mark.parametrize("given", ["", " \n", None])
@pytest.mark.parametrize(
    ("name", "context", "answer"), [("alpaca", "input", "output"), ("dolly", "context", "response")]
)
def test_an_instruction_and_its_input_are_one_turn(name: str, context: str, answer: str, given: str | None) -> None:
    rows = [
        {"instruction": "Sort.", context: "b a", answer: "a b"},
        {"instruction": "Sing.", context: given, answer: ""},
        {"instruction": None, context: "x", answer: "y"},
        {"instruction": "x", context: "", answer: None},
    ]
    done = made(name, rows)
    records = done.records["instruction"]
    assert [said(p) for p in records["prompt"]] == [[("user", "Sort.\n\nb a")], [("user", "Sing.")]]
    assert [said(c) for c in records["completion"]] == [[("assistant", "a b")], [("assistant", "")]]
    assert reasons(done) == [(2, True, "null content"), (3, True, "null content")]
    assert records["id"].to_list() == [f"{name}/instruction/default.train.0.{n}" for n in range(2)]


def test_dolly_keeps_the_category() -> None:
    done = made("dolly", [{"instruction": "x", "context": "", "response": "y", "category": "open_qa"}])
    assert done.records["instruction"]["meta"].to_list() == ['{"category":"open_qa"}']


@pytest.mark.parametrize(
    ("answer", "reasoning", "gold"),
    [
        ("He sold 48/2 = <<48/2=24>>24 clips.\nSo 72.\n#### 72", "He sold 48/2 = 24 clips.\nSo 72.", "72"),
        ("It costs $1,000.\n#### $1,000", "It costs $1,000.", "1000"),
        ("x\n#### -5", "x", "-5"),
        ("x\n####10.50 \n", "x", "10.50"),
        ("x\n#### 1/2", "x", "1/2"),
    ],
)
def test_gsm8k_gives_the_solution_and_the_gold(answer: str, reasoning: str, gold: str) -> None:
    done = made("gsm8k", [{"question": "q", "answer": answer}])
    cot, grpo = (done.records[f].row(0, named=True) for f in ("cot", "grpo"))
    assert (cot["reasoning"], said(cot["completion"]), cot["answer"]) == (reasoning, [("assistant", gold)], gold)
    assert (grpo["answer"], grpo["verifier"], said(grpo["prompt"])) == (gold, "math", [("user", "q")])
    assert done.yielding == 1


@pytest.mark.parametrize("answer", ["no mark", "x\n####", "x\n#### ", None])
def test_gsm8k_without_a_gold_is_a_reject(answer: str | None) -> None:
    assert reasons(made("gsm8k", [{"question": "q", "answer": answer}])) == [(0, True, "no gold after ####")]


def test_countdown_asks_for_the_target_and_tells_the_verifier() -> None:
    done = made("countdown", [{"nums": [44, 19, 35], "target": 98}])
    row = done.records["grpo"].row(0, named=True)
    assert "equals 98 out of the numbers 44, 19, 35." in row["prompt"][0]["content"]
    assert (row["answer"], row["verifier"]) == (None, "countdown")
    assert row["verifier_args"] == '{"numbers":[44,19,35],"target":98}'


def test_countdown_needs_numbers_and_a_target() -> None:
    rows = [{"nums": [], "target": 1}, {"nums": None, "target": 1}, {"nums": [1, None], "target": 1}, {"nums": [1]}]
    assert [reason for *_, reason in reasons(made("countdown", rows))] == [
        "no numbers",
        "no numbers",
        "a number is missing",
        "no target",
    ]


THOUGHT = "<|begin_of_thought|>\n\nhm \n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\n4\n\n<|end_of_solution|>"


@pytest.mark.parametrize(
    ("answer", "reasoning", "completion"),
    [
        (THOUGHT, "hm", "4"),
        (THOUGHT[:-22], None, THOUGHT[:-22]),
        (THOUGHT.replace("<|end_of_thought|>", ""), None, THOUGHT.replace("<|end_of_thought|>", "")),
        ("plain", None, "plain"),
        (THOUGHT + THOUGHT, None, THOUGHT + THOUGHT),
        ("", None, ""),
    ],
)
def test_sky_t1_marks_off_reasoning_where_its_tags_are_whole(
    answer: str, reasoning: str | None, completion: str
) -> None:
    turns = [{"from": "user", "value": "q"}, {"from": "assistant", "value": answer}]
    row = made("sky_t1", [{"system": "s", "conversations": turns}]).records["cot"].row(0, named=True)
    assert said(row["prompt"]) == [("system", "s"), ("user", "q")]
    assert (row["reasoning"], said(row["completion"])) == (reasoning, [("assistant", completion)])


def test_sky_t1_needs_a_question_and_an_answer() -> None:
    user, assistant = {"from": "user", "value": "q"}, {"from": "assistant", "value": "a"}
    done = made(
        "sky_t1",
        [
            {"system": "s", "conversations": turns}
            for turns in (None, [], [user], [assistant], [assistant, user], [user, assistant], [user, {"from": "x"}])
        ],
    )
    assert [(row, reason) for row, _, reason in reasons(done)] == [
        (0, "no conversation"),
        (1, "no conversation"),
        (2, "ends with the user"),
        (3, "nothing before the answer"),
        (4, "ends with the user"),
        (6, "not the assistant's last turn"),
    ]


def dialogue(*turns: str) -> str:
    return "".join(f"\n\n{turn}" for turn in turns)


def test_hh_pairs_keep_what_they_share_as_the_prompt() -> None:
    start = ("Human: hi", "Assistant: hello", "Human: and?")
    rows = [
        {"chosen": dialogue(*start, "Assistant: a"), "rejected": dialogue(*start, "Assistant: b")},
        {"chosen": dialogue("Human: hi", "Assistant: x"), "rejected": dialogue(*start, "Assistant: b")},
        {"chosen": dialogue(*start, "Assistant:"), "rejected": dialogue(*start, "Assistant: b")},
        {
            "chosen": dialogue("Human: hi", "Human: hm", "Assistant: a"),
            "rejected": dialogue("Human: hi", "Assistant: b"),
        },
        {"chosen": dialogue(*start, "Assistant: a"), "rejected": dialogue(*start, "Assistant: a")},
    ]
    records = made("hh_rlhf", rows, "harmless-base").records["preference"]
    shared = [("user", "hi"), ("assistant", "hello"), ("user", "and?")]
    expected = [
        (shared, [("assistant", "a")], [("assistant", "b")]),
        ([("user", "hi")], [("assistant", "x")], [*shared[1:], ("assistant", "b")]),
        (shared, [("assistant", "")], [("assistant", "b")]),
        ([("user", "hi")], [("user", "hm"), ("assistant", "a")], [("assistant", "b")]),
        (shared, [("assistant", "a")], [("assistant", "a")]),
    ]
    for row, (prompt, chosen, rejected) in zip(records.iter_rows(named=True), expected, strict=True):
        assert (said(row["prompt"]), said(row["chosen"]), said(row["rejected"])) == (prompt, chosen, rejected)


def test_hh_pairs_that_cannot_be_represented_are_rejects() -> None:
    good = dialogue("Human: hi", "Assistant: a")
    rows = [
        {"chosen": good, "rejected": "Human: hi\n\nAssistant: a"},
        {"chosen": good, "rejected": dialogue("Human: hi", "Assistant: a", "Human: more")},
        {"chosen": good, "rejected": dialogue("Human: other", "Assistant: a")},
        {"chosen": None, "rejected": good},
        {"chosen": "", "rejected": good},
    ]
    begins = "does not begin with a human turn"
    assert [reason for *_, reason in reasons(made("hh_rlhf", rows, "harmless-base"))] == [
        begins,
        "ends with the user",
        "no prompt",
        begins,
        begins,
    ]


def test_a_red_team_attempt_is_not_selected() -> None:
    done = made("hh_rlhf", [{"transcript": dialogue("Human: hi", "Assistant: a")}], "red-team-attempts")
    assert reasons(done) == [(0, False, "a red-team attempt, not a pair")]
    assert (done.rows, done.yielding) == (1, 0)
