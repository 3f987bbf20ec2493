"""Rules, thresholds, edits and recipes over one small corpus, against ledgers that are made for them."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from lakes import Lakes, instructions, known, pair

from pipelines.effects.changes import changes
from pipelines.effects.diff import diff
from pipelines.effects.preview import preview
from pipelines.effects.rules import rule_effects
from pipelines.effects.sweep import sweep
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.ledger import Published, ledger, publish_ledger
from pipelines.recipe import Duplicates, LicencePolicy, Recipe
from pipelines.workspace import workspace

KNOWN = known("aa", "bb")
WORDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
SYMBOLS = [0.0, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.95]


def rule(name: str, signal: str, comparison: str, threshold: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "signal": signal, "comparison": comparison, "threshold": threshold, "why": "a test", **more}


SHORT = rule("short", "completion_words", "<", 3)
LOUD = rule("loud", "completion_symbol_share", ">", 0.5)
LONG = rule("long", "completion_words", ">", 7, action="mark", sources=["aa"])


def recipe(*rules: dict[str, Any], **more: Any) -> Recipe:
    return Recipe.model_validate({"sources": {"aa": None, "bb": None}, "rules": list(rules), **more})


RULES = recipe(SHORT, LOUD, LONG)


def id_of(row: int, source: str = "aa") -> str:
    return f"{source}/instruction/default.train.0.{row}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Ten rows, published by RULES: 0 to 2 are short, of which 1 and 2 are loud too; 9 is loud.

    Row 4 of `bb` is near-equal to row 8 of `aa`, and row 5 of it equal to row 2, which is short.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAMIS_HOME", str(tmp_path_factory.mktemp("home")))
        lakes = Lakes(Lake(workspace("sample").lake))
        texts = [(f"Question {n}?", f"Answer {n} of ann@example.org.") for n in WORDS]
        lakes.source("aa", instructions("aa", texts), completion_words=WORDS, completion_symbol_share=SYMBOLS)
        others = [("Another?", "Yes."), texts[0], ("Question eight?", "Answer 8.")]
        more = {"completion_words": [5, 5, 5], "completion_symbol_share": [0.1, 0.1, None]}
        lakes.source("bb", instructions("bb", others), **more)
        held = dict(lakes.state().records("id", "content_hash").select("id", "content_hash").collect().rows())
        pairs = [
            pair(held[id_of(8)], held[id_of(2, "bb")], 0.75),
            pair(held[id_of(3)], held[id_of(4)], 0.72, "same text, other gold"),
            pair(held[id_of(5)], held[id_of(6)], 0.71),
        ]
        state = lakes.state(pl.DataFrame(pairs))
        yield publish_ledger(state, "default", recipe(SHORT, LOUD, LONG, duplicates={"near": 0.73}), KNOWN)


BEFORE = recipe(SHORT, LOUD, LONG, duplicates={"near": 0.73})


def kept(frame: pl.DataFrame) -> set[str]:
    return set(frame.filter(pl.col("fate") == "kept")["id"])


def test_a_rule_is_told_alone_and_among_the_others(made: Published) -> None:
    told = rule_effects(made.published, BEFORE)
    counts = told.frame.select("rule", "hits", "only", "first", "returns", "twins", "kept").rows()
    assert counts == [("short", 3, 1, 3, 1, 1, 0), ("loud", 3, 1, 1, 1, 0, 0), ("long", 2, 0, 0, 0, 0, 1)]
    assert told.reaching == 13
    text = str(told)
    assert "marks only; 1 of them are kept" in text
    assert "completion_words > 7, in aa" in text
    assert "edited" not in text
    assert "`tamis preview default`" in str(rule_effects(made.published, BEFORE, edited=True))


@pytest.mark.parametrize("name", ["short", "loud"])
def test_what_returns_without_a_rule_returns_in_a_ledger(made: Published, name: str) -> None:
    told = {one.rule.name: one for one in rule_effects(made.published, BEFORE).effects}[name]
    rest = [one for one in BEFORE.rules if one.name != name]
    without = ledger(made.published.state, "default", BEFORE.model_copy(update={"rules": rest}), KNOWN)
    back = kept(without) - kept(made.ledger)
    assert told.returns - told.twins <= len(back) <= told.returns


@pytest.mark.parametrize("name", ["short", *(pytest.param(name, marks=pytest.mark.slow) for name in ("loud", "long"))])
def test_a_sweep_counts_what_ledgers_without_duplicates_would(made: Published, name: str) -> None:
    told = sweep(made.published, BEFORE, name, steps=3)
    assert len(told.points) > 2
    assert sum(point.threshold == told.rule.threshold for point in told.points) == 1
    for point in told.points:
        moved = told.rule.model_copy(update={"threshold": point.threshold, "action": "drop"})
        rules = [moved if one.name == name else one for one in BEFORE.rules]
        new = ledger(made.published.state, "default", BEFORE.model_copy(update={"rules": rules}), KNOWN)
        lost, gained = kept(made.ledger) - kept(new), kept(new) - kept(made.ledger)
        assert point.lost <= len(lost) <= point.lost + point.gained, "a twin that returns may take another's place"
        assert point.gained <= len(gained) <= point.gained + point.may_return
        assert point.kept == len(kept(made.ledger)) - point.lost + point.gained


def test_a_sweep_shows_rows_from_between_the_thresholds(made: Published) -> None:
    told = sweep(made.published, BEFORE, "short", start=1, end=5, steps=5, examples=5)
    assert [point.threshold for point in told.points] == [1, 2, 3, 4, 5]
    between = {point.threshold: [(one.id, one.goes) for one in point.between] for point in told.points}
    assert between == {
        1: [],
        2: [],
        3: [],
        4: [(id_of(3), True)],
        5: [(id_of(4), True)],
    }, "rows 1 and 2 are loud too, and so do not come back"
    assert sweep(made.published, BEFORE, "short", start=0, end=1, steps=2, examples=5).points[0].between[0].id == id_of(
        0
    )
    text = str(told)
    assert f"goes: {id_of(4)} (4)" in text
    assert '"Question 4?" -> "Answer 4 of ann@example.org."' in text
    hidden = sweep(made.published, BEFORE.model_copy(update={"redact": ["emails"]}), "short", start=1, end=5)
    assert "[e-mail]" in str(hidden)
    assert "ann@" not in str(hidden)


def test_duplicates_of_what_a_threshold_takes_may_return(made: Published) -> None:
    told = sweep(made.published, BEFORE, "long", start=7, end=8, steps=2)
    assert [(p.threshold, p.lost, p.may_return) for p in told.points] == [(7, 1, 1), (8, 0, 0)]


def test_equality_is_swept_over_values_that_records_have(made: Published) -> None:
    exactly = recipe(rule("three", "completion_words", "==", 3), LOUD)
    published = publish_ledger(made.published.state, "equal", exactly, KNOWN).published
    told = sweep(published, exactly, "three", steps=3)
    assert [point.threshold for point in told.points] == [2, 3, 4]
    assert [point.hits for point in told.points] == [1, 1, 1]


def test_a_rule_that_is_not_there_and_an_empty_range_are_errors(made: Published) -> None:
    with pytest.raises(TamisError, match=r"no rule 'shrot'\. Did you mean 'short'"):
        sweep(made.published, BEFORE, "shrot")
    with pytest.raises(TamisError, match="nothing from 5 to 1"):
        sweep(made.published, BEFORE, "short", start=5, end=1)


EDITS = {
    "a threshold": recipe(SHORT | {"threshold": 5}, LOUD, LONG, duplicates={"near": 0.73}),
    "no rule": recipe(LOUD, LONG, duplicates={"near": 0.73}),
    "another rule": recipe(SHORT, LOUD, LONG, rule("four", "completion_words", "==", 8), duplicates={"near": 0.73}),
    "a mark that drops": recipe(SHORT, LOUD, LONG | {"action": "drop"}, duplicates={"near": 0.73}),
    "a source less": BEFORE.model_copy(update={"sources": {"aa": None}}),
    "a licence": BEFORE.model_copy(update={"licence": LicencePolicy(exclude=["mit"])}),
    "a higher similarity": BEFORE.model_copy(update={"duplicates": Duplicates(near=0.8)}),
    "a lower similarity": BEFORE.model_copy(update={"duplicates": Duplicates(near=0.7)}),
    "no near-duplicates": BEFORE.model_copy(update={"duplicates": Duplicates(near=None)}),
}


SOME = ("a threshold", "a source less", "a higher similarity", "a lower similarity")


@pytest.mark.parametrize(
    "edit", [edit if edit in SOME else pytest.param(edit, marks=pytest.mark.slow) for edit in EDITS]
)
def test_a_preview_says_what_a_ledger_does(made: Published, edit: str) -> None:
    after = EDITS[edit]
    told = preview(made.published, BEFORE, "default", after, KNOWN)
    new = ledger(made.published.state, "default", after, KNOWN)
    lost, gained = kept(made.ledger) - kept(new), kept(new) - kept(made.ledger)
    said_lost, said_gained = (sum(move.records for move in moves) for moves in (told.lost, told.gained))
    assert said_lost <= len(lost) <= said_lost + said_gained + told.may_go
    assert len(gained) <= said_gained + told.may_return
    assert len(gained) >= told.may_return, "in this corpus each that may return does"
    assert told.changes
    assert str(told).startswith(told.headline)


def test_a_preview_has_a_headline() -> None:
    assert changes(BEFORE, BEFORE) == []


def test_a_preview_counts_rules_and_rows(made: Published) -> None:
    after = recipe(SHORT | {"threshold": 4}, LONG, duplicates={"near": 0.73})
    told = preview(made.published, BEFORE, "default", after, KNOWN)
    assert told.headline == "2 rules changed: 1 rows lost, 1 gained"
    assert [(move.label, move.records, move.examples[0][0]) for move in (*told.lost, *told.gained)] == [
        ("short", 1, id_of(3)),
        ("loud", 1, id_of(9)),
    ]
    assert told.changes == ("rule short: threshold 3.0 -> 4.0", "rule loud: taken out")
    unedited = preview(made.published, BEFORE, "default", BEFORE, KNOWN)
    assert unedited.headline == "nothing changed"
    mine = preview(made.published, BEFORE, "mine", after, KNOWN)
    assert "of default, since mine has none yet" in str(mine)


def test_changes_are_told_by_key() -> None:
    after = Recipe.model_validate(
        {
            "sources": {"bb": {"limit": 5}, "aa": None},
            "rules": [LOUD, SHORT | {"why": "another"}],
            "licence": {"unknown": "drop"},
            "redact": ["emails"],
            "training": {"sft": {}},
        }
    )
    assert changes(recipe(SHORT, LOUD), after) == [
        "rule short: why",
        "rules: in another order, so the ledger may name another one of several that hit",
        "source bb: limit None -> 5",
        "sources: in another order, so other copies of equal records may stay",
        "licence.unknown: keep -> drop",
        "redact: nothing -> emails",
        "training.sft changed",
    ]


def test_two_recipes_differ_by_the_reasons_of_the_other(made: Published) -> None:
    other = recipe(LOUD | {"threshold": 0.05}, duplicates={"near": None, "exact": False})
    right = publish_ledger(made.published.state, "other", other, KNOWN).published
    told = diff(made.published, right, BEFORE, other)
    assert {id_ for reason in told.only_left for id_, _ in reason.examples} <= kept(made.ledger)
    only_left = kept(made.ledger) - kept(right.ledger().collect())
    only_right = kept(right.ledger().collect()) - kept(made.ledger)
    assert sum(reason.records for reason in told.only_left) == len(only_left)
    assert sum(reason.records for reason in told.only_right) == len(only_right)
    assert [(reason.label, reason.records) for reason in told.only_left] == [("loud", 8)]
    assert {(reason.label, reason.records, reason.stood_for) for reason in told.only_right} == {
        ("near-duplicate", 1, 0),
        ("short", 1, 0),
    }
    assert "kept by other only; what default says of them:" in str(told)
    same = diff(made.published, made.published, BEFORE, BEFORE)
    assert (same.both, same.only_left, same.only_right) == (len(kept(made.ledger)), (), ())
