import unicodedata

import dedup_reference as reference
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dedup import shingles as module
from pipelines.dedup.normal_form import composed
from pipelines.dedup.shingles import OPERATORS, gather, shingles

SCRIPTS = "aZ9_ éßİΣςя漢字かナ한ไทยก็ລາວខ្មែមြन्दी²½𝔸𠀀\U0001f600 \t\n\r ,;:?\"'#@$\\+-*/=<>^%&|~!.()[]{}×÷≤−∑"
texts = st.text(st.sampled_from(SCRIPTS), max_size=60) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def of(text: str) -> tuple[list[int], list[int]]:
    """Hashes of the words and of the operators of each shingle."""
    hashes = shingles(pl.Series([text])).hashes
    return (hashes & ~OPERATORS).tolist(), (hashes & OPERATORS).tolist()


@given(rows=st.lists(texts, min_size=1, max_size=5))
def test_kernels_split_texts_as_plain_python_does(rows: list[str]) -> None:
    found = shingles(pl.Series(rows, dtype=pl.String))
    expected = [reference.shingles(text) for text in rows]
    assert np.diff(found.offsets).tolist() == [len(said) for said in expected]
    assert found.words.tolist() == [len(reference.words(reference.nfc(text))[0]) for text in rows]
    said = [words for row in expected for words, _ in row]
    assert reference.group((found.hashes & ~OPERATORS).tolist()) == reference.group(said)  # type: ignore[arg-type]
    both = [shingle for row in expected for shingle in row]
    assert reference.group(found.hashes.tolist()) == reference.group(both)  # type: ignore[arg-type]


@given(rows=st.lists(st.text("ab =-1(\n*", max_size=40), min_size=1, max_size=5), size=st.integers(1, 9))
def test_operators_are_split_as_plain_python_does(rows: list[str], size: int) -> None:
    found = shingles(pl.Series(rows, dtype=pl.String), size)
    both = [shingle for text in rows for shingle in reference.shingles(text, size)]
    assert reference.group(found.hashes.tolist()) == reference.group(both)  # type: ignore[arg-type]


@given(rows=st.lists(st.text("ab5 =-!.(\n*\u201c\u2014\u2019\u2026\u2028\xa0", max_size=80), min_size=1, max_size=5))
def test_what_says_nothing_may_be_beyond_ascii(rows: list[str]) -> None:
    behind = "what stands behind lets all that comes before be read sixty-four bytes at a time, and so on"
    found = shingles(pl.Series([*rows, behind]))
    both = [shingle for text in (*rows, behind) for shingle in reference.shingles(text)]
    assert reference.group(found.hashes.tolist()) == reference.group(both)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sin 60", "sin(-60)"),
        ("a == b", "a != b"),
        ("a == b", "a = b"),
        ("x - y", "x + y"),
        ("5!", "5"),
        ("3.5", "3 5"),
        ("[0, 1)", "(0, 1)"),
        ("2 * (3 + 4)", "(2 * 3) + 4"),
        ("50% of it", "50 of it"),
        ("a ≤ b", "a ≥ b"),
        ("x**2", "x 2"),
    ],
)
def test_operators_make_another_text_of_the_same_words(one: str, other: str) -> None:
    assert of(one)[0] == of(other)[0]
    assert of(one)[1] != of(other)[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It is well-known. Yes!", "it is well known, yes"),
        ("some **bold** words", "some bold words"),
        ("- one\n- two", "* one\n* two"),
        ("> quoted", "quoted"),
        ("it rains -- again", "it rains: again"),
        ("(see above)", "see above"),
        ("HELLO   World", "hello\nworld"),
    ],
)
def test_punctuation_markers_and_emphasis_say_nothing(one: str, other: str) -> None:
    assert of(one) == of(other)


def test_texts_that_are_longer_in_nfc_have_room() -> None:
    rows = pl.Series(["\u0958 " * count for count in range(1, 40)])
    assert shingles(rows).words.tolist() == list(range(1, 40))
    assert shingles(rows).hashes.tolist() == shingles(rows.str.normalize("NFC")).hashes.tolist()


@pytest.mark.parametrize(
    "typed", ["\u0958", "\u2126", "\u212b", "\U0002f800", "\uf900", "\u1112\u1161\u11ab", "e\u0301"]
)
def test_a_letter_is_the_same_however_it_was_typed(typed: str) -> None:
    assert unicodedata.normalize("NFC", typed) != typed
    assert of(f"a {typed}b") == of(unicodedata.normalize("NFC", f"a {typed}b"))


def test_nothing_that_nfc_changes_is_passed_over() -> None:
    changed = [
        chr(code)
        for code in (*range(0xD800), *range(0xE000, 0x110000))
        if not unicodedata.is_normalized("NFC", chr(code))
    ]
    assert composed(pl.Series(changed)).to_list() == [unicodedata.normalize("NFC", typed) for typed in changed]


def test_room_that_is_given_is_used_where_it_is_enough() -> None:
    rows, room = pl.Series(["one two three four five six"] * 9), np.empty(1_000, np.uint64)
    assert np.shares_memory(shingles(rows, room=room).hashes, room)
    assert not np.shares_memory(shingles(rows, room=room[:10]).hashes, room)
    assert shingles(rows, room=room).hashes.tolist() == shingles(rows).hashes.tolist()


def test_digits_are_never_folded() -> None:
    assert of("I have 20 apples")[0] != of("I have 30 apples")[0]


def test_scripts_without_spaces_are_read_by_character() -> None:
    assert shingles(pl.Series(["我喜歡吃蘋果", "ฉันกินข้าว", "私はりんごを食べる"])).words.tolist() == [6, 7, 9]


def test_a_decomposed_letter_is_the_composed_one() -> None:
    assert of("cafe\u0301 au lait") == of("caf\u00e9 au lait")
    assert of("\u1112\u1161\u11ab") == of("\ud55c")


def test_null_is_an_empty_text() -> None:
    found = shingles(pl.Series([None, "", "a b c d e"]))
    assert found.words.tolist() == [0, 0, 5]
    assert found.offsets.tolist() == [0, 1, 2, 3]


def test_hashes_are_the_same_on_every_machine() -> None:
    assert hex(shingles(pl.Series(["one two three four five"])).hashes[0]) == "0x82c9bd6526900000"


WORDS_AND_SIGNS = st.lists(st.sampled_from([*"aZ9_ é中-=.!(\n,'", "longwords"]), max_size=60).map("".join)


@given(st.lists(WORDS_AND_SIGNS, min_size=1, max_size=4))
def test_a_text_says_the_same_at_the_end_of_its_buffer_and_before_others(rows: list[str]) -> None:
    alone = [shingles(pl.Series([text])) for text in rows]
    among = shingles(pl.Series([*rows, "behind all others " * 9]))
    assert among.words[:-1].tolist() == [int(one.words[0]) for one in alone]
    assert among.hashes[: among.offsets[-2]].tolist() == [h for one in alone for h in one.hashes.tolist()]


def test_gathered_parts_are_one_after_the_other_in_memory_and_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pl.Series([f"some words of text number {n} and {n * n} more" for n in range(200)])
    whole = shingles(rows)
    for limit in (module._IN_MEMORY, 1_000):
        monkeypatch.setattr(module, "_IN_MEMORY", limit)
        parts = gather(shingles(rows.slice(start, 30)) for start in range(0, 200, 30))
        assert (parts.hashes == whole.hashes).all()
        assert (parts.offsets == whole.offsets).all()
        assert (parts.words == whole.words).all()
