import pytest
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(alphabet="ab é🙂\n", max_size=12)


def test_equal_sides(measure) -> None:
    rows = [
        {"chosen": "Yes, sure.", "rejected": "yes,  sure.\n"},
        {"chosen": "Yes.", "rejected": "Yes!"},
        {"chosen": "", "rejected": ""},
    ]
    assert measure("preference", "equal_sides", rows) == [1, 0, 1]


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_how_far_the_sides_are_the_same(measure, pairs: list[tuple[str, str]]) -> None:
    def prefix(left: str, right: str) -> int:
        return next(
            (n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
        )

    rows = [{"chosen": left, "rejected": right} for left, right in pairs]
    expected = [prefix(left, right) for left, right in pairs]
    assert measure("preference", "common_prefix_chars", rows) == expected


def test_characters_that_begin_with_the_same_byte_are_not_the_same(measure) -> None:
    rows = [{"chosen": "aé", "rejected": "aè"}, {"chosen": "你好", "rejected": "你们"}]
    assert measure("preference", "common_prefix_chars", rows) == [1, 1]
    assert measure("preference", "common_prefix_share", rows) == [0.5, 0.5]


def test_scores_lengths_and_turns(measure) -> None:
    rows = [
        {"chosen": "one two", "rejected": "one", "chosen_score": 4.0, "rejected_score": 4.5},
        {"chosen": "one", "rejected": [("assistant", "a"), ("user", "b"), ("assistant", "c")]},
    ]
    assert measure("preference", "score_margin", rows) == [pytest.approx(-0.5), None]
    assert measure("preference", "extra_words", rows) == [1, -2]
    assert measure("preference", "chosen_turns", rows) == [1, 1]
    assert measure("preference", "rejected_turns", rows) == [1, 3]
