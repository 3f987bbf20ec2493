import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.toxicity import OBSCENITIES, SLURS, toxicity


def counts(text: str | None) -> tuple[int, ...]:
    return toxicity(pl.Series([text], dtype=pl.String)).row(0)


def test_words_of_the_lists_are_counted_whole_and_in_any_case() -> None:
    assert counts("Shit, what SHITTY weather; he lives in Scunthorpe.") == (0, 2, 0)
    assert counts(None) == (None, None, None)
    assert counts("A classic assassin passed through Essex with a raccoon and a chinking spice.") == (0, 0, 0)


@given(st.sampled_from(SLURS), st.sampled_from(OBSCENITIES))
def test_each_word_is_on_its_list(slur: str, obscene: str) -> None:
    assert counts(f"{slur} {obscene}. {slur.upper()}") == (2, 1, 0)


def test_threats_are_of_people() -> None:
    assert counts("I'll kill you! Go die, they should all be shot, kill yourself.")[2] == 4
    assert counts("How do I kill a process? I will shoot you an e-mail; you should not go.")[2] == 1
    assert counts("kill the child processes yourself")[2] == 0
