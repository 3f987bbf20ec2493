import polars as pl
import pytest
from pydantic import ValidationError

from pipelines.catalogue import settings_now
from pipelines.errors import TamisError
from pipelines.quality.rules import Rule, hits
from pipelines.quality.signals import signals
from pipelines.recipe import read
from schemas.families import FAMILIES
from schemas.tables import TABLES

SOURCES = {"here": None, "there": None}


def rule(**given) -> Rule:
    base = {"name": "short", "signal": "completion_words", "comparison": "<", "threshold": 2.0, "why": "It is short."}
    return Rule.model_validate(base | given)


@pytest.fixture
def stored(make) -> pl.LazyFrame:
    rows = [
        {"id": "a", "completion": "One."},
        {"id": "b", "completion": "Two words."},
        {"id": "c", "source": "there", "completion": ""},
    ]
    return signals(make("instruction", rows), FAMILIES["instruction"]).lazy()


def found(stored: pl.LazyFrame, *rules: Rule, family: str = "instruction") -> list[tuple]:
    return hits(stored, rules, FAMILIES[family]).sort("order", "id").collect().rows()


def test_a_hit_names_rule_value_and_threshold(stored: pl.LazyFrame) -> None:
    both = [rule(), rule(name="empty", signal="completion_chars", comparison="==", threshold=0, action="mark")]
    assert found(stored, *both) == [
        ("a", 0, "short", 1.0, 2.0, "drop"),
        ("c", 0, "short", 0.0, 2.0, "drop"),
        ("c", 1, "empty", 0.0, 0.0, "mark"),
    ]


@pytest.mark.parametrize(("comparison", "ids"), [("<", "c"), ("<=", "ac"), ("==", "a"), (">=", "ab"), (">", "b")])
def test_comparisons(stored: pl.LazyFrame, comparison: str, ids: str) -> None:
    assert "".join(row[0] for row in found(stored, rule(comparison=comparison, threshold=1))) == ids


def test_sources_and_families(stored: pl.LazyFrame) -> None:
    assert [row[0] for row in found(stored, rule(sources=["there"]))] == ["c"]
    assert [row[0] for row in found(stored, rule(except_sources=["there"]))] == ["a"]
    assert found(stored, rule(families=["cot"])) == []


def test_null_is_never_a_hit(make) -> None:
    stored = signals(make("cot", [{"reasoning": None}]), FAMILIES["cot"]).lazy()
    for comparison in ("<", "<=", "==", ">=", ">"):
        assert found(stored, rule(signal="reasoning_words", comparison=comparison, threshold=0), family="cot") == []


def test_a_signal_of_parts_hits_where_one_part_does(make) -> None:
    rows = [
        {"id": "a", "chosen": "ok", "rejected": "b\x00\x00d"},
        {"id": "b", "chosen": "\x00", "rejected": "ok"},
        {"id": "c"},
    ]
    stored = signals(make("preference", rows), FAMILIES["preference"]).lazy()
    more = rule(signal="non_printing", comparison=">=", threshold=1)
    assert [(row[0], row[3]) for row in found(stored, more, family="preference")] == [("a", 2.0), ("b", 1.0)]
    exactly = rule(signal="non_printing", comparison="==", threshold=1)
    assert [(row[0], row[3]) for row in found(stored, exactly, family="preference")] == [("b", 1.0)]
    less = rule(signal="chars", comparison="<", threshold=2)
    assert [(row[0], row[3]) for row in found(stored, less, family="preference")] == [("b", 1.0)]


def test_no_rules_and_no_table_give_no_hits(stored: pl.LazyFrame) -> None:
    assert found(stored) == []
    absent = pl.DataFrame(pl.from_arrow(TABLES["signals_cot"].schema.empty_table())).lazy()
    assert found(absent, rule(signal="reasoning_words"), family="cot") == []


def test_signals_of_older_code_are_not_passed_over_in_silence(stored: pl.LazyFrame) -> None:
    with pytest.raises(TamisError, match="no signal completion_words yet"):
        found(stored.drop("completion_words"), rule())


def test_a_rule_is_strict() -> None:
    for given in (
        {"treshold": 1},
        {"comparison": "!="},
        {"threshold": "1"},
        {"sources": ["a"], "except_sources": ["b"]},
    ):
        with pytest.raises(ValidationError):
            rule(**given)


RECIPE = """\
sources: {{here: }}
rules:
  - name: short
    signal: completion_words
    comparison: "<"
    threshold: 2
    why: It is short.
  - name: {name}
    signal: {signal}
    comparison: "<"
    threshold: 2
    {more}
    why: Why not.
"""


@pytest.mark.parametrize(
    ("given", "line", "message"),
    [
        ({"signal": "completion_wrds"}, 9, r"rules\[1\].signal: there is no signal 'completion_wrds'. Did you mean "),
        ({"name": "short"}, 8, r"rules\[1\].name: a rule 'short' stands there already"),
        ({"more": "sources: [her]"}, 12, r"rules\[1\].sources: there is no source 'her'. Did you mean here"),
        ({"more": "except_sources: [x]"}, 12, r"rules\[1\].except_sources: there is no source 'x'. There are here"),
        ({"more": "families: [grpo]"}, 9, r"the families \['grpo'\] have no signal 'completion_words'"),
        ({"more": "families: [poems]"}, 12, r"rules\[1\].families"),
        ({"more": "treshold: 1"}, 12, r"rules\[1\].treshold: is not a key here. Known keys: name, signal"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_with_file_and_line(tmp_path, given, line, message) -> None:
    text = RECIPE.format(**({"name": "other", "signal": "completion_words", "more": "action: mark"} | given))
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(TamisError, match=rf"mine\.yaml:{line}: .*{message}"):
        read("mine", settings_now(), SOURCES, tmp_path)


def test_a_rule_that_is_inherited_is_told_where_it_stands(tmp_path) -> None:
    (tmp_path / "base.yaml").write_text(RECIPE.format(name="other", signal="completion_wrds", more="action: mark"))
    (tmp_path / "mine.yaml").write_text("extends: base\nduplicates: {exact: false}\n")
    with pytest.raises(TamisError, match=r"base\.yaml:9: .*completion_wrds"):
        read("mine", settings_now(), SOURCES, tmp_path)
