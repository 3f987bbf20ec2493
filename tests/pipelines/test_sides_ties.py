import polars as pl
import pytest
from dedup_records import records, turn

from pipelines.lake import Lake
from pipelines.lake_settings import Ties
from pipelines.lake_wide import Signatures
from pipelines.sides import ties
from pipelines.states import State
from schemas.families import COT, FAMILIES, GRPO, INSTRUCTION

QUESTION = "Ann has three apples and buys {} more at the market today, how many apples does Ann have now in all?"
ANSWER = " ".join(f"step {n} of it is that we take the number {n * n} and go on" for n in range(6))


def state(lake: Lake, **frames: pl.DataFrame) -> State:
    """A state that holds these records, by family."""
    origin = pl.struct(
        config=pl.lit("c"), split=pl.lit("train"), file=pl.format("{}.parquet", "source"), row=pl.col("row")
    )
    for family, frame in frames.items():
        rows = frame.with_row_index("row").with_columns(origin=origin, revision=pl.lit("r")).drop("row")
        lake.replace(f"records_{family}", rows, partition="s")
    versions = lake.versions(f"records_{name}" for name in FAMILIES)
    return State(lake, 1, versions, "code", ready=False)


def tasks(*texts: str, **columns: list[str | None]) -> pl.DataFrame:
    frame = pl.DataFrame({"text": list(texts)} | columns)
    return records(GRPO, frame, prompt=turn("user", pl.col("text")), verifier=pl.lit("math"))


def answers(questions: list[str], said: list[str]) -> pl.DataFrame:
    frame = pl.DataFrame({"question": questions, "said": said})
    return records(
        INSTRUCTION,
        frame.with_columns(id=pl.format("i/{}", pl.int_range(pl.len()))),
        prompt=turn("user", pl.col("question")),
        completion=turn("assistant", pl.col("said")),
    )


def found(lake: Lake, **frames: pl.DataFrame) -> set[tuple[str, frozenset[str]]]:
    """Each tie as its kind and the ids that it holds; upstream rows, which number all families alike here, aside."""
    table = ties(state(lake, **frames), Ties(), Signatures(lake))
    assert table.equals(ties(state(lake, **frames), Ties()))
    ids = pl.concat([frame.select("content_hash", "id") for frame in frames.values()])
    held = table.filter(pl.col("kind") != "upstream row").join(ids, on="content_hash")
    return {
        (kind, frozenset(members))
        for kind, members in held.group_by("kind", "tie").agg("id").select("kind", "id").rows()
    }


def test_near_prompts_tie_unless_their_golds_differ_and_equal_ones_always_do(lake: Lake) -> None:
    near = QUESTION.format(2) + " Say it."
    rows = tasks(
        QUESTION.format(2), near, near, "Quite another question of more than five words", answer=["5", "5", "6", "5"]
    )
    assert found(lake, grpo=rows) == {("near prompt", frozenset({"s/0", "s/1"})), ("prompt", frozenset({"s/1", "s/2"}))}


def test_arguments_that_differ_keep_near_prompts_apart(lake: Lake) -> None:
    texts = [QUESTION.format(n) for n in (2, 2)]
    texts[1] += " Say it."
    assert found(lake, grpo=tasks(*texts, verifier_args=["[1]", "[2]"])) == set()
    assert found(lake, grpo=tasks(*texts, verifier_args=["[1]", None])) == {("near prompt", frozenset({"s/0", "s/1"}))}


def test_ties_go_across_families(lake: Lake) -> None:
    grpo = tasks(QUESTION.format(2), answer=["5"])
    cot = records(
        COT,
        pl.DataFrame({"id": ["c/0"], "answer": ["5"], "reasoning": ["3 + 2"]}),
        prompt=turn("user", pl.lit(QUESTION.format(2) + " Say it.")),
        completion=turn("assistant", pl.lit("5")),
    )
    assert found(lake, grpo=grpo, cot=cot) == {("near prompt", frozenset({"s/0", "c/0"}))}
    table = ties(state(lake, grpo=grpo, cot=cot), Ties())
    assert set(table["kind"]) == {"near prompt", "upstream row"}


def test_groups_and_first_turns_tie(lake: Lake) -> None:
    grouped = tasks("one", "two", "three", group=["t", "t", None])
    assert found(lake, grpo=grouped) == {("group", frozenset({"s/0", "s/1"}))}
    dialogues = records(
        INSTRUCTION,
        pl.DataFrame({"next": ["and then?", "but why?"]}),
        prompt=pl.concat_list(
            turn("user", pl.lit("Hi")), turn("assistant", pl.lit("Hello")), turn("user", pl.col("next"))
        ),
        completion=turn("assistant", pl.lit("so")),
    )
    assert found(lake, instruction=dialogues) == {("first turn", frozenset({"s/0", "s/1"}))}


def test_near_and_equal_answers_tie_from_fifty_words_on(lake: Lake) -> None:
    said = [
        ANSWER,
        ANSWER,
        ANSWER + " and that is all",
        "a short answer of some few words",
        "a short answer of some few words",
    ]
    rows = answers([f"question number {n}" for n in "abcde"], said)
    assert found(lake, instruction=rows) == {
        ("near response", frozenset({"i/0", "i/1"})),
        ("near response", frozenset({"i/0", "i/1", "i/2"})),
    }


def test_a_key_of_too_many_records_ties_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.sides.tying.MANY", 3)
    four = answers([QUESTION] * 4, [ANSWER] * 4)
    assert (
        found(lake, instruction=four.with_columns(content_hash=pl.Series([bytes([n]) * 16 for n in range(4)]))) == set()
    )
    three = answers([QUESTION] * 3, [f"no {n}" for n in range(3)])
    assert found(lake, instruction=three) == {("prompt", frozenset({"i/0", "i/1", "i/2"}))}


def test_a_giant_component_keeps_what_upstream_says_and_equal_prompts(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.sides.tying.MANY", 3)
    texts = [
        QUESTION.format(2),
        QUESTION.format(2) + " Say it.",
        QUESTION.format(2),
        "something else entirely, my dear",
    ]
    rows = tasks(*texts, group=["t", None, None, "t"], answer=[None, None, "5", None])
    assert found(lake, grpo=rows) == {("prompt", frozenset({"s/0", "s/2"})), ("group", frozenset({"s/0", "s/3"}))}


def test_an_empty_state_has_no_ties(lake: Lake) -> None:
    assert ties(State(lake, 1, {}, "code", ready=False), Ties()).is_empty()
