import polars as pl
import pytest

from pipelines.quality.language import languages

GERMAN = "Wie geht es dir heute, mein lieber Freund, und was macht die Arbeit?"
ENGLISH = "I am very well, thank you, and the work is going as it always does."
CHINESE = "这是一个关于中文的想法，我们需要继续思考这个问题。"


def test_the_language_of_a_text() -> None:
    found = languages(pl.Series([GERMAN, ENGLISH, ENGLISH.upper(), CHINESE, None, "", "42 + 1"]), mix=False)
    assert found["language"].to_list() == ["de", "en", "en", "zh", None, None, None]
    assert found["language_score"].head(4).min() > 0.5
    assert found["language_score"].tail(3).null_count() == 3


def test_fenced_code_is_not_read() -> None:
    assert languages(pl.Series([f"```\n{ENGLISH * 9}\n```\n{GERMAN}"]), mix=False)["language"][0] == "de"


def test_a_mixture_is_the_part_of_the_windows_in_other_languages() -> None:
    pure, half, few = ENGLISH * 40, ENGLISH * 20 + CHINESE * 53, "word"
    mix = languages(pl.Series([pure, half, few, None, "1" * 900]), mix=True)["language_mix"].to_list()
    assert mix[0] == pytest.approx(0, abs=1e-9)
    assert 0.3 < mix[1] < 0.7
    assert mix[2:] == [pytest.approx(0, abs=1e-9), None, None]


def test_an_answer_in_another_language_than_the_prompt(measure) -> None:
    rows = [
        {"prompt": GERMAN, "completion": ENGLISH, "language": "en"},
        {"prompt": GERMAN, "completion": GERMAN, "language": "de-AT"},
        {"prompt": GERMAN, "completion": "42", "language": None},
    ]
    switched = measure("instruction", "completion_switches_language", rows)
    assert switched[0] > 0.8
    assert switched[1:] == [0, None]
    other = measure("instruction", "other_language", rows)
    assert other[0] > 0.8
    assert other[1:] == [0, None]
    assert [value > 0.8 for value in measure("instruction", "completion_english", rows[:2])] == [True, False]
