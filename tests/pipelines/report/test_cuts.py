from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe
from pipelines.report.cuts import cuts


def rule(name: str, signal: str, comparison: str, threshold: float, **more: object) -> Rule:
    return Rule.model_validate(
        {"name": name, "signal": signal, "comparison": comparison, "threshold": threshold, "why": "to see it"} | more
    )


def recipe(*rules: Rule) -> Recipe:
    return Recipe(sources={"alpaca": None}, rules=list(rules))


def test_a_signal_is_drawn_once_with_every_rule_that_reads_it(corpus):
    found = cuts(
        corpus.published,
        recipe(
            rule("empty answer", "completion_words", ">", 3, families=["instruction"], except_sources=["hh_rlhf"]),
            rule("refusal", "completion_words", "<=", 1, families=["instruction"], action="mark"),
        ),
    )
    (cut,) = found
    assert (cut.spread.family, cut.spread.name, cut.spread.before) == ("instruction", "completion_words", 30)
    assert [(t.value, t.side, t.text) for t in cut.thresholds] == [(4, "above", "> 3"), (2, "below", "<= 1")]
    dropped = corpus.count("family", "fate", "reason")["instruction", "rule", "empty answer"]
    marked = sum(1 for record in corpus.ledger if "refusal" in record["marks"])
    assert cut.notes == (f"empty answer drops {dropped}, not in hh_rlhf", f"refusal marks {marked}")
    assert cut.hits == dropped + marked


def test_signals_whose_rules_hit_most_come_first(corpus):
    found = cuts(
        corpus.published,
        recipe(
            rule("idle", "prompt_words", ">", 10_000, families=["instruction"]),
            rule("empty answer", "completion_words", "<", 1, families=["instruction"]),
        ),
    )
    assert [cut.spread.name for cut in found] == ["completion_words", "prompt_words"]
    assert [cut.hits for cut in found] == [2, 0]


def test_a_family_without_the_signal_has_no_picture(corpus):
    assert cuts(corpus.published, recipe(rule("short", "prompt_words", "<", 1, families=["grpo"]))) == []
