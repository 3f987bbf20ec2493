"""The rules against plain Python, and what becomes of texts that are hard to compare."""

import random
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.decontaminate.evidence import around
from pipelines.decontaminate.index import ITEMS, hashes, index
from pipelines.decontaminate.rules import hits, invisible
from pipelines.decontaminate.scan import scan
from pipelines.standalone.decontaminate import own_items

WORDS = ("the", "The\n", "ÉTÉ", "été", "= 3,")
"""Of four different tokens, so that most texts share something."""
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join), min_size=1, max_size=6)


def no_answers(_: pl.DataFrame) -> list[tuple[pl.Series, pl.Series]]:
    return []


def found(texts, items, answers=no_answers) -> pl.DataFrame:
    items = items if isinstance(items, pl.DataFrame) else own_items(pl.Series("text", items, dtype=pl.String))
    known = index(items)
    return hits(scan(pl.Series(texts, dtype=pl.String), known), known, answers)


def items_with(*rows: dict) -> pl.DataFrame:
    told = [{"benchmark": "exam", "item": str(n), "field": "q"} | row for n, row in enumerate(rows)]
    return pl.DataFrame([dict.fromkeys(ITEMS) | row for row in told], schema=ITEMS)


def by_rule(made: pl.DataFrame, rule: str) -> set[tuple[int, str]]:
    return set(made.filter(pl.col("rule") == rule).select("row", "item").rows())


def reference(texts: list[str], items: list[str]) -> dict[str, set[tuple[int, str]]]:
    """The n-gram rules by the book."""

    def grams(words: list[str], size: int) -> set[tuple[str, ...]]:
        return {tuple(words[n : n + size]) for n in range(len(words) - size + 1)}

    said = {rule: set() for rule in ("8-gram", "13-gram", "coverage")}
    for row, text in enumerate(texts):
        mine = text.lower().split()
        for number, item in enumerate(items):
            its = item.lower().split()
            shared = grams(mine, 8) & grams(its, 8)
            covered = {n + k for n in range(len(its) - 7) if tuple(its[n : n + 8]) in shared for k in range(8)}
            if shared:
                said["8-gram"].add((row, str(number)))
            if grams(mine, 13) & grams(its, 13):
                said["13-gram"].add((row, str(number)))
            if len(covered) * 2 > len(its):
                said["coverage"].add((row, str(number)))
    return said


@settings(max_examples=150, deadline=None)
@given(texts=TEXTS, items=TEXTS)
def test_the_rules_of_n_grams_hit_what_plain_python_hits(texts, items) -> None:
    made = found(texts, items)
    assert {rule: by_rule(made, rule) for rule in ("8-gram", "13-gram", "coverage")} == reference(texts, items)


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, items=TEXTS)
def test_the_spans_say_the_same_on_both_sides(texts, items) -> None:
    for row in found(texts, items).filter(pl.col("rule") != "short item").to_dicts():
        text, item = texts[row["row"]], items[int(row["item"])]
        assert row["text"] == text[row["start"] : row["end"]]
        assert row["item_text"] == item[row["item_start"] : row["item_end"]]
        mine, its = row["text"].lower().split(), row["item_text"].lower().split()
        assert mine == its and len(mine) == row["tokens"] >= 8


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_text_that_repeats_itself_is_one_run_of_an_item_that_does(size: int) -> None:
    words = [f"w{n}" for n in range(size)]
    row = found([" ".join(words * 40)], [" ".join(words * 12)]).row(0, named=True)
    assert (row["tokens"], row["coverage"]) == (12 * size, 1)


QUESTION = (
    "A farmer plants 36 rows of carrots with 14 plants each and loses a sixth of them to rabbits before the harvest; "
    "how many carrots does she bring in, if each plant that is left gives three?"
)


def test_a_leak_is_found_verbatim_and_edited_with_its_place() -> None:
    edited = QUESTION.replace("A farmer", "An old farmer").replace("bring in", "finally bring in")
    clean = "A farmer plants beans. How many carrots does she bring in, if each plant gives three of them?"
    texts = [f"Solve this.\n\n{QUESTION} Answer: 1260", edited.upper(), clean]
    made = found(texts, [QUESTION])
    assert by_rule(made, "coverage") == by_rule(made, "13-gram") == {(0, "0"), (1, "0")}
    row = made.filter((pl.col("row") == 0) & (pl.col("rule") == "coverage")).row(0, named=True)
    assert row["text"] == QUESTION and row["start"] == len("Solve this.\n\n") and row["coverage"] == 1
    assert row["item_text"] == QUESTION
    assert made.filter(pl.col("row") == 1)["item_text"][0] in QUESTION


def test_short_items_need_their_answer() -> None:
    moon = {"text": "Which moon is the largest?", "answers": ["Ganymede"], "choices": ["Io", "Ganymede", "Titan"]}
    tell = {"text": "Name a prime number", "answers": ["two"]}
    said = {
        "Which moon is the largest?": "It is Ganymede.",  # the right choice
        "which moon is the LARGEST?!": "Europa.",  # another
        "Which moon is the largest?\nA. Io\nB. Ganymede\nC. Titan": "B",  # all choices are given
        "Please name a prime number": "Two!",
        "Please name a prime number ": "Three.",
        "Name a prime number.": "Three.",  # the turn is the item
        "Name a prime": "two",
    }
    answers = list(said.values())
    made = found(list(said), items_with(moon, tell), lambda asked: [(pl.Series(answers), asked["row"])])
    assert by_rule(made, "short item") == {(0, "0"), (2, "0"), (3, "1"), (5, "1")}
    spans = made.filter(pl.col("rule") == "short item")["text"].to_list()
    assert spans[0] == "Which moon is the largest?" and spans[2] == "name a prime number"


def test_items_of_under_four_tokens_must_be_the_whole_turn_and_answered() -> None:
    items = items_with({"text": "Who are you?", "answers": ["a helper"]}, {"text": "Define love."})
    texts = ["Who are you?", "Who are you?", "And who are you?", "Define love."]
    told = ["I am a helper.", "Nobody.", "I am a helper.", "Love."]
    made = found(texts, items, lambda asked: [(pl.Series(told), asked["row"])])
    assert by_rule(made, "short item") == {(0, "0")}


def test_what_no_rule_can_see_is_counted() -> None:
    long, middle = "word " * 13, "word " * 9
    rows = [{"text": long}, {"text": middle}, {"text": "Define love now."}, {"text": "Who?", "answers": ["me"]}]
    counted = invisible(index(items_with(*rows)).items).row(0, named=True)
    expected = {"items": 4, "8-gram": 2, "13-gram": 3, "coverage": 2, "short item": 2, "no rule": 1}
    assert counted == {"benchmark": "exam"} | expected


def test_items_held_as_hashes_are_found_and_not_shown() -> None:
    kept = hashes(pl.Series([QUESTION]))
    item = {"words": kept["words"][0], "grams": kept["grams"][0].to_list()}
    secret, open_ = found([f"So: {QUESTION}"], items_with(item)), found([f"So: {QUESTION}"], [QUESTION])
    numbers = ["rule", "value", "tokens", "coverage", "start", "end"]
    assert secret.select(numbers).equals(open_.select(numbers)) and secret.height == 3
    for name in ("text", "item_text", "item_start", "item_end"):
        assert secret[name].null_count() == 3, "neither the item nor what is the same in the row"


def test_scripts_without_spaces_are_cut_by_letters() -> None:
    item = "小明有三个苹果，妈妈又给了他五个苹果，请问他一共有几个苹果？"
    made = found([f"问题：{item}", "今天天气很好，我们去公园吧。"], [item])
    assert by_rule(made, "coverage") == {(0, "0")}


def test_order_of_items_and_rows_changes_nothing() -> None:
    generator = random.Random(1)
    items = [" ".join(generator.choices(WORDS, k=20)) for _ in range(40)]
    texts = [" ".join(generator.choices(WORDS, k=60)) for _ in range(40)]
    named = own_items(pl.Series("text", items))
    rows = ["row", "item", "rule"]
    first = found(texts, named).sort(rows)
    again = found(texts, named.reverse()).sort(rows)
    assert first.height > 0 and first.drop("row").equals(again.drop("row"))
    backwards = found(texts[::-1], named).with_columns(row=len(texts) - 1 - pl.col("row")).sort(rows)
    assert backwards.equals(first)


@pytest.mark.parametrize("texts", [[], [None], ["", " \n\t", "word", "—"], [None, "x" * 100]])
def test_texts_of_nothing_share_nothing(texts) -> None:
    assert found(texts, [QUESTION, "", "one"]).is_empty()
    assert found([QUESTION, *texts], []).is_empty()


def test_a_huge_row_takes_bounded_time_and_memory() -> None:
    started = time.monotonic()
    made = found([(QUESTION + " ") * 100_000, "x " * 2_000_000], [QUESTION, "x " * 50])
    assert set(made["row"]) == {0, 1} and made.height < 10
    assert made.filter(pl.col("row") == 0)["end"][0] == len(QUESTION)
    assert time.monotonic() - started < 60


def test_a_benchmark_in_one_row_costs_the_rows_length_once_and_not_once_an_item() -> None:
    short = [{"text": f"Quelle est la n°{n} é?", "answers": [f"r{n}"], "choices": [f"r{n}", "x"]} for n in range(1500)]
    long = [{"text": " ".join(f"é{n}w{place}" for place in range(20))} for n in range(1500)]
    said = [f"{item['text']} ({', '.join(item.get('choices', ['']))})" for item in (*short, *long)]
    text = "é\n" + "\n".join(said)
    known = index(items_with(*short, *long))
    shared = scan(pl.Series([text]), known)
    started = time.process_time()
    made = hits(shared, known, no_answers)
    assert time.process_time() - started < 3, "some 10 s if each hit reads the row, of half a MB"
    assert len(by_rule(made, "short item")) == len(by_rule(made, "coverage")) == 1500
    for row in made.sample(200, seed=1).to_dicts():
        assert row["text"] == text[row["start"] : row["end"]]
        assert row["item_text"] == (*short, *long)[int(row["item"])]["text"][row["item_start"] : row["item_end"]]


def test_what_stands_around_an_item_is_whole_characters_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.decontaminate.evidence.AROUND", 0)
    monkeypatch.setattr("pipelines.decontaminate.evidence.AT_LEAST", 10)
    text = f"{'é😀' * 9}Name a prime number{'😀é' * 9}"
    start = len(b"x" * 6) * 9
    asked = pl.DataFrame({"row": [0], "start": [start], "end": [start + len("Name a prime number")]})
    assert around(pl.Series([text]), asked).row(0) == ("😀é😀", "Name a prime number", "😀é😀")
    item = items_with({"text": "Name a prime number", "answers": ["two"]})
    texts = ["Name a prime number I said\n" * 2000, "Name a prime number, I said"]
    made = found(texts, item, lambda asked: [(pl.Series([None, "two"]), asked["row"])])
    assert by_rule(made, "short item") == {(1, "0")}
    assert len(made) == 1
