"""Forms, the texts in them, the kinds that rules map to, and the vectors: as pure functions."""

import dataclasses

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalogue import recipe_now
from pipelines.quality.rules import Rule
from pipelines.review.fields import BOUND, bounded, escaped, inline
from pipelines.review.forms import FORMS, parsed
from pipelines.review.guidelines import guidelines
from pipelines.review.kinds import kind_of, kinds_shown
from pipelines.review.vectors import hashed_words
from schemas.families import FAMILIES
from schemas.vocabulary import DEFECTS


def shown(expression: pl.Expr) -> str:
    return pl.select(expression).item()


@given(st.text(alphabet=st.sampled_from("<>&;amp lt\n\r$`*'\"éß漢"), max_size=60))
def test_escaped_text_comes_out_as_it_went_in(text: str) -> None:
    line = shown(inline(pl.lit(text)))
    assert "\n" not in line and "\r" not in line
    if text.strip():
        assert not set("<>") & set(line)
        back = line.replace("&#10;", "\n").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert back == text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        assert line == "<i>(empty)</i>"


def test_a_long_text_shows_its_start_and_its_end() -> None:
    text = "a" * BOUND + "the end"
    short = shown(bounded(pl.lit(text)))
    assert len(short) < BOUND + 100
    assert short.startswith("a" * (BOUND // 2)) and short.endswith("the end")
    assert "[... 7 characters left out ...]" in short
    assert shown(bounded(pl.lit("a" * BOUND))) == "a" * BOUND
    assert shown(escaped(bounded(pl.lit(None, dtype=pl.String)))) is None


def test_a_form_is_known_by_what_cannot_change_in_a_published_dataset() -> None:
    identities = {form.identity for form in FORMS.values()}
    assert len(identities) == len(FAMILIES) == len(FORMS)
    form = FORMS["cot"]
    assert dataclasses.replace(form).identity == form.identity
    fewer = dataclasses.replace(form.questions[1], options={"cut off": "cut off"})
    assert dataclasses.replace(form, questions=(form.questions[0], fewer)).identity != form.identity
    assert dataclasses.replace(form, fields=form.fields[:-1]).identity != form.identity
    assert parsed(form.dataset("my recipe")) == ("my recipe", "cot", form.identity)
    assert parsed("somebody's dataset") is None
    for one in FORMS.values():
        assert len(guidelines(one.family, one.questions_titles())) < 10_000, "what Argilla takes"
        assert set(one.labels("reasons")) <= set(DEFECTS)
        assert [question.name for question in one.questions if question.required] == ["decision"]


def test_most_rules_of_the_default_recipe_speak_of_a_kind_that_is_named() -> None:
    rules = recipe_now("default").rules
    others = [rule.name for rule in rules if kind_of(rule) == "other"]
    assert len(others) * 10 <= len(rules), others


@pytest.mark.parametrize(
    ("signal", "comparison", "kind"),
    [
        ("completion_visible_chars", "==", "empty or placeholder"),
        ("mojibake", ">=", "stray text"),
        ("score_margin", "==", "sides too alike"),
        ("score_margin", "<", "sides swapped"),
        ("completion_words", ">", "other"),
    ],
)
def test_a_rule_speaks_of_what_its_signal_measures(signal: str, comparison: str, kind: str) -> None:
    rule = Rule(name="r", signal=signal, comparison=comparison, threshold=0, why="w")
    assert kind_of(rule) == kind


def test_hits_of_every_sort_have_a_kind_and_labels_bound_them() -> None:
    rule = Rule(name="a: b", signal="mojibake", comparison=">", threshold=0, why="w")
    hits = [["rule:a: b", "rule:gone", "contamination:GSM8K:1", "near-duplicate:00"], []]
    frame = pl.DataFrame({"shown": hits}, schema={"shown": pl.List(pl.String)})
    named = frame.select(kinds_shown("shown", [rule], FORMS["cot"].labels("reasons"))).to_series().to_list()
    assert named == [["duplicate", "item of a benchmark", "other", "stray text"], []]
    assert frame.select(kinds_shown("shown", [rule], ["other"])).to_series()[0].to_list().count("other") == 1


def test_vectors_are_near_where_words_are_shared() -> None:
    texts = [
        "the barge left the lock at noon",
        "The barge left the lock at nine.",
        "colourless green ideas sleep",
        "",
        None,
    ]
    vectors = np.array(hashed_words(pl.Series(texts), 256).to_list())
    assert vectors.shape == (5, 256)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.7 > 0.3 > abs(alike[0, 2])
    assert (hashed_words(pl.Series(texts), 256) == hashed_words(pl.Series(texts), 256)).all(), "the same on every day"
