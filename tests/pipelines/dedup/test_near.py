import dedup_corpora as corpora
import dedup_reference as reference
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.greedy import Apart, Known, choose
from pipelines.dedup.near import near_duplicates
from pipelines.identity import fold


def assert_nothing_is_lost(texts: pl.Series, removed: pl.DataFrame, threshold: float) -> None:
    """Each row that goes has a kept survivor that is equal, or as similar as is said."""
    gone = set(removed["row"])
    folded = fold(texts)
    for row, survivor, similarity in removed.rows():
        assert survivor not in gone
        assert survivor < row
        if len(reference.words(texts[row])[0]) < 5:
            assert folded[row] == folded[survivor]
        else:
            assert similarity == pytest.approx(reference.jaccard(texts[row], texts[survivor]))
            assert similarity >= threshold


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), threshold=st.sampled_from([0.6, 0.7, 0.8, 0.95, 1.0]))
def test_a_row_leaves_only_with_a_similar_kept_survivor(seed: int, threshold: float) -> None:
    texts = pl.Series(corpora.corpus(seed))
    found = near_duplicates(texts, threshold)
    assert_nothing_is_lost(texts, found.removed, threshold)
    assert found.at(0.85).removed.equals(near_duplicates(texts, 0.85).removed)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_has_no_near_duplicate_left(seed: int) -> None:
    texts = pl.Series(corpora.corpus(seed))
    kept = texts.filter(near_duplicates(texts, 0.7).kept).to_list()
    long = [text for text in kept if len(reference.words(text)[0]) >= 5]
    for place, text in enumerate(long):
        assert all(reference.jaccard(text, other) < 0.72 for other in long[:place])


@pytest.mark.parametrize("again", [1_000, 1 << 30])
def test_it_does_not_matter_how_much_is_read_at_once(again: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = pl.Series([*corpora.corpus(3), None])
    whole = near_duplicates(texts)
    for name, size in {
        "near.HELD": 1_000,
        "near._HELD_AGAIN": again,
        "near._PART": 5_000,
        "shingles._BLOCK": 2_000,
    }.items():
        monkeypatch.setattr(f"pipelines.dedup.{name}", size)
    parts = near_duplicates(texts)
    assert parts.removed.equals(whole.removed)
    assert parts.short == whole.short


def test_no_rows_are_no_clusters() -> None:
    assert near_duplicates(pl.Series([], dtype=pl.String)).removed.is_empty()


def test_a_chain_is_cut() -> None:
    words = [f"w{n}" for n in range(50)]
    links = [" ".join([*words[: 3 * n], *(f"x{k}" for k in range(3 * n, 50))]) for n in range(17)]
    found = near_duplicates(pl.Series(links), 0.7)
    assert 2 < found.kept.sum() < 17
    assert_nothing_is_lost(pl.Series(links), found.removed, 0.7)


def test_different_operators_keep_equal_words_apart() -> None:
    texts = pl.Series(
        [
            "What is the value of sin 60 in degrees",
            "What is the value of sin(-60) in degrees",
            "Why does a == b hold here for all a",
            "Why does a != b hold here for all a",
            "why does a == b hold here, for all a?",
        ]
    )
    assert near_duplicates(texts).removed.rows() == [(4, 2, 1.0)]


def test_rows_that_disagree_stay_and_those_that_say_nothing_agree_with_all() -> None:
    text = "how many apples does she have left in the basket"
    found = near_duplicates(pl.Series([text] * 5), agree=pl.Series(["5", "6", None, "6", "5"]))
    assert found.removed.select("row", "survivor").rows() == [(2, 0), (3, 1), (4, 0)]
    short = near_duplicates(pl.Series(["two plus"] * 5), agree=pl.Series(["5", "6", None, "6", "5"]))
    assert short.removed.select("row", "survivor").rows() == [(2, 0), (3, 1), (4, 0)]


def test_short_and_null_texts_go_by_equality() -> None:
    found = near_duplicates(pl.Series([None, "Yes.", "No.", "yes.", None, "", "yes", " "]))
    assert found.removed.rows() == [(3, 1, 1.0), (7, 5, 1.0)]
    assert found.short == 8
    assert found.share_removed == 0.25


def test_many_equal_rows_cost_one_comparison_each() -> None:
    found = near_duplicates(pl.Series(["the same row over and over again"] * 200_000))
    assert found.removed.height == 199_999
    assert found.not_compared_further == 0


ASKED = "please add {} {} then tell me what you get and why it is so and what you would have got"


def test_a_template_of_thousands_is_bounded_and_counted() -> None:
    rows = [ASKED.format(n, n * 7919) for n in range(5_000)]
    found = near_duplicates(pl.Series(rows))
    assert found.removed.is_empty()
    assert 0 < found.not_compared_further <= 5_000


def test_a_twin_is_found_in_a_crowd_of_strangers() -> None:
    rows = [ASKED.format(n, n * 7919) for n in range(5_000)]
    twins = [f"{row} indeed" for row in rows[::100]]
    found = near_duplicates(pl.Series(rows + twins))
    assert found.removed["row"].to_list() == list(range(5_000, 5_050))
    assert found.removed["survivor"].to_list() == list(range(0, 5_000, 100))


def test_what_a_person_set_apart_stays_both() -> None:
    words = [f"word{n}" for n in range(40)]
    found = near_duplicates(pl.Series([" ".join(words), " ".join([*words, "more"]), " ".join([*words, "words"])]))
    assert found.removed["row"].to_list() == [1, 2]
    apart = Apart(np.array([0], np.int32), np.array([1], np.int32))
    chosen = choose(found.rows, 0.7, Known.none(), found.meetings, apart=apart)
    assert chosen.survivor.tolist() == [-1, -1, 0], "the third may still go"
