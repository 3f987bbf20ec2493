"""How alike texts are, by shingles of five words."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.sample_hub.similarity import alike, jaccard, shingles

texts = st.lists(st.sampled_from("abcdefg"), max_size=12).map(" ".join)


@given(left=texts, right=texts)
def test_similarity_is_symmetric_and_counts_shared_shingles(left: str, right: str) -> None:
    a, b = (
        ({tuple(t.split()[i : i + 5]) for i in range(len(t.split()) - 4)} or {tuple(t.split())}) - {()}
        for t in (left, right)
    )
    assert jaccard(left, right) == jaccard(right, left) == (len(a & b) / len(a | b) if a | b else 0)


def test_case_and_punctuation_do_not_count() -> None:
    assert jaccard("One, two; three four FIVE six!", "one two three four five six") == 1
    assert shingles("über den wolken") == {("über", "den", "wolken")}


def test_pairs_that_are_alike() -> None:
    told = ["a b c d e f", "a b c d e f g", "x y"]
    assert list(alike(told, 0.5)) == [(0, 1, 2 / 3)]
