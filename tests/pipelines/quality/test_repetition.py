import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.repetition import repetition

texts = st.lists(st.sampled_from(["a", "b", "cc", "d1", "\n", "\n\n", ". ", "  "]), max_size=60).map(" ".join)


def count(text: str) -> dict[str, int]:
    return repetition(pl.Series([text])).row(0, named=True)


def repeated_words(words: list[str], n: int) -> int:
    seen, covered = set(), set()
    for begin in range(len(words) - n + 1):
        gram = tuple(words[begin : begin + n])
        if gram in seen:
            covered |= set(range(begin, begin + n))
        seen.add(gram)
    return len(covered)


def repeated_bytes(pieces: list[str]) -> int:
    seen, total = set(), 0
    for piece in (p.strip() for p in pieces):
        if piece in seen:
            total += len(piece.encode())
        elif piece:
            seen.add(piece)
    return total


@given(texts)
def test_repeats_are_those_of_a_loop(text: str) -> None:
    words = re.findall(r"\w+", text.lower())
    counted = count(text)
    assert counted["distinct_words"] == len(set(words))
    assert counted["words_in_repeated_5grams"] == repeated_words(words, 5)
    assert counted["words_in_repeated_10grams"] == repeated_words(words, 10)
    assert counted["repeated_line_bytes"] == repeated_bytes(text.split("\n"))
    assert counted["bytes"] == len(text.encode())


@given(st.lists(texts, max_size=5))
def test_a_text_is_counted_alike_in_any_company(many: list[str]) -> None:
    together = repetition(pl.Series(many, dtype=pl.String)).rows()
    assert together == [repetition(pl.Series([text])).row(0) for text in many]


@given(st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=12, unique=True), st.integers(3, 9))
def test_a_block_said_n_times_loops_from_its_third_copy_on(block: list[str], copies: int) -> None:
    before, after = "once upon a time there was", "and then it went on quite otherwise"
    text = " ".join([before, *block * copies, after])
    assert count(text)["loop_words"] == len(block) * (copies - 2)


def test_what_is_said_twice_is_no_loop() -> None:
    assert count("the cat sat on the mat. The cat sat on the mat.")["loop_words"] == 0
    assert count("one two three four, then one two three four, then five")["loop_words"] == 0


def test_one_word_over_and_over_is_a_loop() -> None:
    assert count("ha " * 40)["loop_words"] == 38
    assert count("哈" * 40)["loop_words"] == 38


def test_paragraphs_are_parted_by_blank_lines() -> None:
    assert count("same\nlines\n\nother\n\nsame\nlines")["repeated_paragraph_bytes"] == len("same\nlines")


def test_a_null_has_no_counts() -> None:
    assert repetition(pl.Series([None, "a"], dtype=pl.String))["bytes"].to_list() == [None, 1]
