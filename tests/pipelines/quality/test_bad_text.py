"""Any text at all: signals come in bounded time and memory, and stop no run."""

import resource
import sys
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.catalogue import recipe_now
from pipelines.quality import signal
from pipelines.quality.code import blocks_judged, parsers
from pipelines.quality.language import languages
from pipelines.quality.rules import hits
from pipelines.quality.signals import Tools, signals
from pipelines.quality.toxicity import toxicity
from pipelines.quality.web_filters import web_filters
from schemas.families import FAMILIES

# A column of texts is UTF-8, so a lone surrogate can only come as its escape or as the replacement character.
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=200) | st.text(
    alphabet="`\n #.…'’-=/\\\"(){}[]<>0\x00\x85\u2028\ufeff\ufffd\U0001f600aAé漢", max_size=120
)


@pytest.fixture(scope="module")
def tools():
    with parsers(1) as workers:
        yield Tools(None, workers)


@given(st.lists(st.none() | TEXTS, max_size=6))
@settings(max_examples=60)
def test_any_text_gives_as_many_rows_of_sane_counts(texts: list[str | None]) -> None:
    given_ = pl.Series(texts, dtype=pl.String)
    for found in (web_filters(given_), toxicity(given_), languages(given_, mix=True)):
        assert found.height == len(texts)
        numbers = found.select(pl.selectors.numeric())
        assert all((column.drop_nulls() >= -1e-9).all() for column in numbers)
        assert all(column.is_null().to_list()[at] for column in found for at, text in enumerate(texts) if text is None)


@given(TEXTS)
@settings(max_examples=60)
def test_lines_are_those_of_python(text: str) -> None:
    found = web_filters(pl.Series([text])).row(0, named=True)
    lines = text.splitlines()
    assert found["web_lines"] == len(lines)
    assert found["web_bullet_lines"] == sum(line.lstrip().startswith(("•", "-")) for line in lines)
    assert found["web_ellipsis_lines"] == sum(line.rstrip().endswith(("...", "…")) for line in lines)
    assert found["web_chars"] == len(text)
    assert found["web_newlines"] == text.count("\n")
    assert found["web_hashes"] == text.count("#")
    assert found["web_ellipses"] == text.count("...") + text.count("…")
    assert found["web_full_lines"] == sum(bool(line.strip()) for line in text.split("\n"))


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=15, deadline=None)
def test_any_fences_are_counted(tools, texts: list[str]) -> None:
    found = blocks_judged(pl.Series([f"```py\n{text}\n```" for text in texts], dtype=pl.String), tools.parsers)
    assert found.height == len(texts)
    assert (found["broken_code_blocks"] <= found["judged_code_blocks"]).all()
    assert (found["judged_code_blocks"] <= found["code_blocks"]).all()


@given(st.sampled_from(sorted(FAMILIES)), st.lists(TEXTS, min_size=4, max_size=12))
@settings(max_examples=6, deadline=None)
def test_any_text_in_any_part_has_all_signals_and_meets_all_rules(make, tools, name: str, texts: list[str]) -> None:
    family = FAMILIES[name]
    parts = [*family.parts, "answer"] if "answer" in family.schema.names else family.parts
    rows = [{part: texts[(row + at) % len(texts)] for at, part in enumerate(parts)} for row in range(len(texts))]
    found = signals(make(name, rows), family, tools)
    assert found["id"].to_list() == [str(row) for row in range(len(rows))]
    floats = found.select(pl.selectors.float())
    assert floats.select(pl.all().drop_nulls().is_finite().all()).row(0) == (True,) * floats.width
    hit = hits(found.lazy(), recipe_now("default").rules, family).collect()
    assert set(hit["id"]) <= set(found["id"])


BOMBS = {
    "letters": "a" * 10_000_000,
    "words": "sorry I cannot " * 660_000,
    "fences": "```py\nx\n```\n" * 200_000,
    "open fences": "```py\n" * 400_000,
    "addresses": "https://www." * 400_000,
    "digits": "4111-" * 1_000_000,
    "phones": "+1 (" * 1_000_000,
    "letters and digits": "GB82 " * 1_000_000,
    "brackets": "[({<" * 1_000_000,
    "apostrophes": "'" * 4_000_000,
    "ideographs": "漢字" * 1_500_000,
    "new lines": "\n\r\u2028" * 1_000_000,
    "at": "@" * 4_000_000,
    "dots": "a." * 2_000_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_megabytes_in_one_row_take_bounded_time_and_memory(make, tools, bomb: str) -> None:
    text = BOMBS[bomb]
    signals(make("cot", [{}]), FAMILIES["cot"], tools)
    started = time.process_time()
    for name in ("cot", "preference"):
        parts = dict.fromkeys(FAMILIES[name].parts, text)
        assert signals(make(name, [parts, {}]), FAMILIES[name], tools).height == 2
    assert time.process_time() - started < 90
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    assert peak < 8_000


@pytest.mark.parametrize("turns", [10_000])
def test_many_turns(make, tools, turns: int) -> None:
    said = [("user" if at % 2 == 0 else "assistant", f"Turn {at}.") for at in range(turns)]
    table = make("preference", [{"prompt": said[:-1], "chosen": "Yes.", "rejected": "No."}])
    started = time.process_time()
    found = signals(table, FAMILIES["preference"], tools)
    assert time.process_time() - started < 10
    assert found["prompt_turns"].to_list() == [turns - 1]


def test_no_signal_is_infinite_or_not_a_number(make, tools) -> None:
    odd = ["", " ", "\n\n", "\x00", "\ufffd", "🙂" * 9, "1", ".", "```", "```py\n```", "a" * 500]
    for name, family in FAMILIES.items():
        parts = [part for part in family.parts if part != "prompt"]
        table = make(name, [{"prompt": text, **dict.fromkeys(parts, text)} for text in odd])
        found = signals(table, family, tools).select(list(signal.columns(family)))
        floats = found.select(pl.selectors.float())
        assert floats.select(pl.all().drop_nulls().is_finite().all()).row(0) == (True,) * floats.width
