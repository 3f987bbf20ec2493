"""Text queries against a real FTS5 table: what they find, and that nothing typed is an error."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.argilla.engine.query import DEPTH, EVERY, TooDeepError, expression
from pipelines.argilla.engine.words import TOKENIZER, segmented

ROWS = {
    1: ("Alpha beta gamma", "first"),
    2: ("alpha delta", "second gamma"),
    3: ("beta beta-delta Überraschung", ""),
    4: ("我喜欢机器学习。", "東京タワーへ行きました"),
    5: ("ＡＢＣ ｶﾀｶﾅ", "학교에서 배운다"),
    6: ("x = foo_bar(1); print(x)", 'say "hello there world"'),
}


@pytest.fixture(scope="module")
def table() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:", check_same_thread=False)
    db.execute(f'CREATE VIRTUAL TABLE t USING fts5({EVERY}, "f_one", "f_two", tokenize="{TOKENIZER}")')
    for row, texts in ROWS.items():
        db.execute(
            "INSERT INTO t(rowid, every, f_one, f_two) VALUES (?, ?, ?, ?)", (row, EVERY, *map(segmented, texts))
        )
    yield db
    db.close()


def found(table: sqlite3.Connection, query: str, column: str | None = None) -> list[int]:
    match = expression(query, column)
    if match is None:
        return []
    return [row for (row,) in table.execute("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rowid", (match,))]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("alpha", [1, 2]),
        ("alpha gamma", [1, 2]),  # a word in each of two fields
        ("alpha beta", [1]),
        ("first | second", [1, 2]),
        ("alpha -delta", [1]),
        ("-alpha", [3, 4, 5, 6]),
        ("- alpha", [1, 2]),  # a minus that stands alone is nothing
        ("first | -alpha", [1, 3, 4, 5, 6]),
        ("first | delta alpha", [1, 2]),  # from left to right: (first | delta) alpha
        ("first | (delta beta)", [1, 3]),
        ("(first | second", [1, 2]),
        ("first) alpha", [1]),
        ('"beta gamma"', [1]),
        ('"gamma beta"', []),
        ('"alpha gamma"~1', [1]),
        ('"alpha gamma"~0', []),
        ("gam*", [1, 2]),
        ("gam", []),
        ("gamma~1", [1, 2]),
        ("uberraschung", [3]),
        ("UBERRASCHUNG", [3]),
        ("beta-delta", [3]),
        ("foo_bar", [6]),
        ("print(x)", [6]),
        ('"hello there', [6]),
        (r"\"hello\"", [6]),
        ("*", [1, 2, 3, 4, 5, 6]),
        ("机器", [4]),
        ("器学", [4]),
        ("学机", []),
        ("喜欢 -学习", []),
        ("タワー", [4]),
        ("東京*", [4]),
        ("abc", [5]),
        ("カタカナ", [5]),
        ("학교", [5]),
        ("alpha |", [1, 2]),
        ("| alpha", [1, 2]),
        ("alpha || second", [1, 2]),
        ("alpha !", [1, 2]),
        ("!?", []),
        ("。", []),
        ("-!?", []),
        ("", []),
        ("()", []),
        ("+", []),
    ],
)
def test_a_query_finds(table: sqlite3.Connection, query: str, rows: list[int]) -> None:
    assert found(table, query) == rows


def test_a_field_is_searched_alone(table: sqlite3.Connection) -> None:
    assert found(table, "gamma", "f_one") == [1]
    assert found(table, "-gamma", "f_one") == [2, 3, 4, 5, 6]
    assert found(table, "gamma | first", "f_two") == [1, 2]


@given(st.text(alphabet=st.sampled_from('ab 机。|+-()"*~\\!1NOT:^{}\x00\ud800'), max_size=40))
def test_whatever_is_typed_is_answered(table: sqlite3.Connection, query: str) -> None:
    found(table, query)


WORDS = ["alpha", "beta", "gamma", "delta", "first", "nowhere"]
Meaning = Callable[[int], bool]


def word(text: str) -> tuple[str, Meaning]:
    return text, lambda row: text in " ".join(ROWS[row]).lower().replace("-", " ").split()


def joined(pair: tuple[tuple[str, Meaning], str, tuple[str, Meaning]]) -> tuple[str, Meaning]:
    (left, one), sign, (right, two) = pair
    both = sign == " "
    return f"({left}){sign}({right})", lambda row: (one(row) and two(row)) if both else (one(row) or two(row))


def negated(part: tuple[str, Meaning]) -> tuple[str, Meaning]:
    text, meaning = part
    return f"-({text})", lambda row: not meaning(row)


QUERIES = st.recursive(
    st.sampled_from(WORDS).map(word),
    lambda part: st.one_of(st.tuples(part, st.sampled_from([" ", "|"]), part).map(joined), part.map(negated)),
    max_leaves=8,
)


@given(QUERIES)
def test_groups_and_signs_mean_what_they_say(table: sqlite3.Connection, query: tuple[str, Meaning]) -> None:
    text, meaning = query
    assert found(table, text) == [row for row in ROWS if meaning(row)]


def test_a_pasted_page_is_answered_and_a_tower_of_groups_is_refused(table: sqlite3.Connection) -> None:
    assert found(table, "alpha " * 3000) == [1, 2]
    assert found(table, "(" * (DEPTH - 1) + "alpha") == [1, 2]
    assert found(table, "alpha | first beta " * (DEPTH // 3)) is not None
    with pytest.raises(TooDeepError):
        expression("(a | b c " * 200)
