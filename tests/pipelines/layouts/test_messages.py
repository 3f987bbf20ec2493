import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.layouts.messages import pairs, sharegpt, transcript, with_system
from pipelines.layouts.tags import reasoned, tagged

THINK = ("<think>", "</think>")


def said(frame: pl.DataFrame, column: str) -> list[list[tuple[str, str]]]:
    return [[(m["role"], m["content"]) for m in row] for row in frame[column].to_list()]


def test_a_transcript_becomes_turns() -> None:
    text = "\n\nHuman: Hi there\n\nAssistant: Hello. Human: is a word.\n\nHuman:\n\nAssistant: "
    frame = pl.DataFrame({"t": [text]}).select(t=transcript("t"))
    assert said(frame, "t") == [
        [("user", "Hi there"), ("assistant", "Hello. Human: is a word."), ("user", ""), ("assistant", "")]
    ]


speech = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)


@settings(deadline=None)
@given(turns=st.lists(st.tuples(st.sampled_from(["Human", "Assistant"]), speech), min_size=1, max_size=6))
def test_a_transcript_loses_no_turn(turns: list[tuple[str, str]]) -> None:
    text = "".join(f"\n\n{who}: {what}" for who, what in turns)
    frame = pl.DataFrame({"t": [text]}).select(t=transcript("t"))
    expected = [("user" if who == "Human" else "assistant", what) for who, what in turns]
    assert said(frame, "t") == [expected]


def test_the_prompt_of_a_pair_is_the_longest_common_prefix() -> None:
    frame = pl.DataFrame(
        {
            "chosen": [
                "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d",
                "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d",
                "\n\nHuman: a\n\nAssistant: same",
            ],
            "rejected": [
                "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: e",
                "\n\nHuman: a\n\nAssistant: x",
                "\n\nHuman: a\n\nAssistant: same",
            ],
        }
    ).with_columns(chosen=transcript("chosen"), rejected=transcript("rejected"))
    made = pairs(frame)
    assert [len(row) for row in made["prompt"].to_list()] == [3, 1, 1]
    assert said(made, "chosen")[1] == [("assistant", "b"), ("user", "c"), ("assistant", "d")]
    assert said(made, "rejected") == [[("assistant", "e")], [("assistant", "x")], [("assistant", "same")]]


dialogue = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4)


@settings(deadline=None)
@given(rows=st.lists(st.tuples(dialogue, dialogue), min_size=1, max_size=6))
def test_prompt_and_side_put_together_are_upstreams_dialogue(rows: list[tuple[list[str], list[str]]]) -> None:
    def text(turns: list[str]) -> str:
        return "".join(f"\n\n{'Assistant' if n % 2 else 'Human'}: {said}" for n, said in enumerate(turns))

    frame = pl.DataFrame({"chosen": [text(c) for c, _ in rows], "rejected": [text(r) for _, r in rows]})
    split = frame.with_columns(chosen=transcript("chosen"), rejected=transcript("rejected"))
    made = pairs(split)
    for side in ("chosen", "rejected"):
        whole = made.select(pl.col("prompt").list.concat(side)).to_series().to_list()
        assert whole == split[side].to_list()


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think> a b </think>\n\nc", "a b", "c"),
        ("no tags", None, "no tags"),
        ("<think> a", None, "<think> a"),
        ("a </think> b", None, "a </think> b"),
        ("</think> a <think> b", None, "</think> a <think> b"),
        ("<think> a </think> b <think> c </think>", None, "<think> a </think> b <think> c </think>"),
        ("<think></think>", "", ""),
    ],
)
def test_reasoning_is_split_off_where_its_tags_are_one_pair(text: str, reasoning: str | None, answer: str) -> None:
    thought, final = tagged(pl.col("t"), THINK)
    assert pl.DataFrame({"t": [text]}).select(thought=thought, final=final).row(0) == (reasoning, answer)


def test_speakers_of_every_dialect_get_our_roles() -> None:
    turns = [{"from": who, "value": "x"} for who in ("human", "gpt", "USER", "Assistant", "function", "narrator")]
    frame = pl.DataFrame({"c": [turns]}).select(c=sharegpt("c"))
    assert [role for role, _ in said(frame, "c")[0]] == ["user", "assistant", "user", "assistant", "tool", "narrator"]


def test_a_blank_system_prompt_makes_no_message() -> None:
    turns = [{"from": "human", "value": "x"}]
    frame = pl.DataFrame({"s": ["be brief", " ", None], "c": [turns] * 3})
    made = frame.select(c=with_system(pl.col("s"), sharegpt("c")))
    assert [len(row) for row in made["c"].to_list()] == [2, 1, 1]


THOUGHT = "<|begin_of_thought|> hm <|end_of_thought|>"
SOLUTION = "<|begin_of_solution|> 4 <|end_of_solution|>"


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>\nhm\n</think>\n\n4", "hm", "4"),
        ("hm\n</think>\n4", "hm", "4"),
        ("<think></think>4", "", "4"),
        ("<think>é 你\u2028</think> 4 ü ", "é 你", "4 ü"),
        (f"{THOUGHT}\n{SOLUTION}\n", "hm", "4"),
        (f"{THOUGHT} 4 ", "hm", "4"),
        (f"<think>{THOUGHT}{SOLUTION}</think>4", f"{THOUGHT}{SOLUTION}", "4"),
        # not one pair in order, or something that would be lost
        ("Sure. <think>hm</think>4", None, "Sure. <think>hm</think>4"),
        ("<think>hm", None, "<think>hm"),
        ("hm</think>4</think>", None, "hm</think>4</think>"),
        ("<think>a<think>b</think>4", None, "<think>a<think>b</think>4"),
        ("</think>a<think>", None, "</think>a<think>"),
        (f"{THOUGHT}x{SOLUTION}", None, f"{THOUGHT}x{SOLUTION}"),
        (f"{THOUGHT}{SOLUTION}x", None, f"{THOUGHT}{SOLUTION}x"),
        (f"{SOLUTION}{THOUGHT}", None, f"{SOLUTION}{THOUGHT}"),
        (THOUGHT + SOLUTION[:-3], None, THOUGHT + SOLUTION[:-3]),
        (" plain ", None, " plain "),
        ("", None, ""),
        (None, None, None),
    ],
)
def test_reasoning_is_found_in_any_tags_and_nothing_is_lost(
    text: str | None, reasoning: str | None, answer: str | None
) -> None:
    found, said = reasoned(pl.col("text"))
    frame = pl.DataFrame({"text": [text, "<think>a</think>b"]}, schema={"text": pl.String})
    assert frame.select(r=found, a=said).rows() == [(reasoning, answer), ("a", "b")]
