"""What verdicts do to rows: on small lakes, with a ledger and its gates each."""

import polars as pl
import pytest
from lakes import Lakes, empty, instructions, known, pair
from verdict_rows import verdict, verdicts

from pipelines.accounting import accounts
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.lake_wide import build_contamination, build_pairs, build_sides
from pipelines.ledger import gates, ledger, publish_ledger, verified
from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe, Review
from pipelines.review.corrections import UNCHANGED, refresh_corrections
from pipelines.review.effect import effect
from pipelines.review.verdicts import append
from pipelines.states import Pass, open_state
from pipelines.story.tell import tell
from pipelines.workspace import Workspace

SHORT = Rule(name="short", signal="completion_words", comparison="<", threshold=5, why="It says nothing.")
SHOUTED = Rule(name="shouted", signal="completion_words", comparison=">", threshold=50, why="It is loud.")
RECIPE = Recipe(sources={"bb": None, "aa": None}, rules=[SHORT])
KNOWN = known("aa", "bb")
SETTINGS = LakeSettings()
LONG = " ".join(f"word{n}" for n in range(60))


def id_of(row: int, source: str = "aa") -> str:
    return f"{source}/instruction/default.train.0.{row}"


def contents(lake: Lake) -> dict[str, bytes]:
    return dict(lake.scan("records_instruction").select("id", "content_hash").collect().rows())


def fates(made: pl.DataFrame) -> dict[str, str]:
    return dict(made.select("id", "fate").rows())


@pytest.fixture
def lakes(lake: Lake) -> Lakes:
    made = Lakes(lake)
    asked = [("One?", "A bad answer."), ("Two?", "A good answer."), ("Three?", LONG)]
    made.source("aa", instructions("aa", asked), completion_words=[3, 3, 60])
    made.source("bb", instructions("bb", asked[1:2]), completion_words=[3])
    return made


def judged(lakes: Lakes, *rows, recipe: Recipe = RECIPE, pairs: pl.DataFrame | None = None) -> pl.DataFrame:
    """A ledger whose gates hold."""
    state, said = lakes.state(pairs), effect(verdicts(*rows))
    made = ledger(state, "default", recipe, KNOWN, said)
    assert set(gates(state, recipe, made, said).values()) == {None}
    return made


def test_keep_on_one_of_two_exact_copies_keeps_one(lakes: Lakes) -> None:
    content = contents(lakes.lake)[id_of(1)]
    before = fates(judged(lakes))
    assert before[id_of(1)] == before[id_of(0, "bb")] == "rule"
    made = judged(lakes, verdict(content, "keep", shown=["rule:short"]))
    told = fates(made)
    assert sorted((told[id_of(1)], told[id_of(0, "bb")])) == ["exact duplicate", "kept"]


def test_keep_clears_what_was_shown_and_nothing_else(lakes: Lakes) -> None:
    content = contents(lakes.lake)[id_of(2)]
    shown = verdict(content, "keep", shown=["rule:shouted"])
    strict = RECIPE.model_copy(update={"rules": [SHORT, SHOUTED]})
    assert fates(judged(lakes, shown, recipe=strict))[id_of(2)] == "kept"
    assert fates(judged(lakes, verdict(content, "keep"), recipe=strict))[id_of(2)] == "rule", "a control clears nothing"
    newer = SHOUTED.model_copy(update={"name": "too loud"})
    later = RECIPE.model_copy(update={"rules": [SHOUTED, newer]})
    row = judged(lakes, shown, recipe=later).filter(pl.col("id") == id_of(2)).row(0, named=True)
    assert (row["fate"], row["reason"]) == ("rule", "too loud"), "a rule that came after the verdict"


def test_keep_clears_neither_licence_nor_split_bridge(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", [("One?", LONG)], license="nc"), completion_words=[60])
    content = contents(lakes.lake)[id_of(0)]
    said = verdict(content, "keep", shown=["rule:short"])
    licensed = RECIPE.model_copy(update={"licence": RECIPE.licence.model_copy(update={"exclude": ["nc"]})})
    assert fates(judged(lakes, said, recipe=licensed))[id_of(0)] == "licence"
    state = lakes.state(bridges=[content])
    assert fates(ledger(state, "default", RECIPE, KNOWN, effect(verdicts(said))))[id_of(0)] == "split bridge"


def test_drop_is_a_fate_and_a_tie_is_none(lakes: Lakes) -> None:
    content = contents(lakes.lake)[id_of(2)]
    dropped = judged(lakes, verdict(content, "drop", reasons=["repeats itself"]))
    row = dropped.filter(pl.col("id") == id_of(2)).row(0, named=True)
    assert (row["fate"], row["reason"]) == ("verdict", "repeats itself")
    tied = [verdict(content, "drop"), verdict(content, "keep", user="ben")]
    assert fates(judged(lakes, *tied))[id_of(2)] == "kept"
    assert fates(judged(lakes, *tied, verdict(content, "drop", user="eva")))[id_of(2)] == "verdict"
    edited = [*tied, verdict(content, "keep", minute=5)]
    assert fates(judged(lakes, *edited))[id_of(2)] == "kept", "ana changed her mind"
    draft = verdict(content, "drop", status="draft")
    assert fates(judged(lakes, draft))[id_of(2)] == "kept"


def test_a_disputed_duplicate_that_is_kept_stays_beside_the_other(lakes: Lakes) -> None:
    lakes.source("aa", instructions("aa", [("One?", LONG), ("Two?", LONG)]), completion_words=[60, 60])
    one, two = (contents(lakes.lake)[id_of(n)] for n in (0, 1))
    near = pl.DataFrame([pair(one, two, 0.75)], schema=empty("pairs_instruction").schema)
    assert sorted(fates(judged(lakes, pairs=near)).values()).count("near-duplicate") == 1
    gone = judged(lakes, pairs=near).filter(pl.col("fate") == "near-duplicate").row(0, named=True)
    other = two if gone["content_hash"] == one else one
    said = verdict(gone["content_hash"], "keep", shown=[f"near-duplicate:{other.hex()}"])
    told = fates(judged(lakes, said, pairs=near))
    assert told[id_of(0)] == told[id_of(1)] == "kept"
    unshown = judged(lakes, verdict(gone["content_hash"], "keep"), pairs=near)
    assert fates(unshown)[gone["id"]] == "kept", "the verdict ranks first"
    assert unshown.filter(pl.col("fate") == "near-duplicate")["survivor"].to_list() == [gone["id"]]


def ready(place: Workspace, lakes: Lakes) -> Pass:
    state = open_state(place, lakes.lake, "code")
    build_pairs(state, SETTINGS)
    build_contamination(open_state(place, lakes.lake, "code"))
    sided = build_sides(open_state(place, lakes.lake, "code"), SETTINGS)
    return publish_ledger(sided.state, "default", RECIPE, KNOWN).published


def test_a_correction_replaces_its_parent_once_it_passes(place: Workspace, lakes: Lakes) -> None:
    lake, content = lakes.lake, contents(lakes.lake)[id_of(2)]
    short = verdict(content, "fix", correction="No.")
    append(lake, verdicts(short))
    done = refresh_corrections(place, lake, SETTINGS)
    assert done.refreshed is not None and done.refreshed.records == {"instruction": 1} and done.orphans == 0
    assert accounts(lake, "argilla") is None
    first = ready(place, lakes)
    told = {row["id"]: row for row in first.ledger().collect().to_dicts()}
    made = "argilla/instruction/instruction.train.0.0"
    assert (told[made]["fate"], told[made]["reason"]) == ("rule", "short")
    assert told[id_of(2)]["fate"] == "kept", "its correction is no better"
    append(lake, verdicts(verdict(content, "fix", correction="A much better answer than that.", minute=9)))
    assert refresh_corrections(place, lake, SETTINGS).refreshed is not None
    second = ready(place, lakes)
    assert set(verified(second, RECIPE).values()) == {None}
    told = {row["id"]: row for row in second.ledger().collect().to_dicts()}
    assert (told[id_of(2)]["fate"], told[id_of(2)]["survivor"], told[made]["fate"]) == ("replaced", made, "kept")
    assert told[made]["side"] == told[id_of(2)]["side"]
    record = lake.scan("records_instruction").filter(pl.col("id") == made).collect().row(0, named=True)
    assert record["completion"][0]["content"] == "A much better answer than that." and record["license"] == "mit"
    again = refresh_corrections(place, lake, SETTINGS)
    assert again.refreshed is not None and again.refreshed.read_again == ()
    lost = (
        second.ledger()
        .collect()
        .with_columns(fate=pl.when(pl.col("id") == made).then(pl.lit("rule")).otherwise("fate"))
    )
    wrong = gates(second.state, RECIPE, lost)["replaced_live_on"]
    assert wrong is not None and "does not live on" in wrong
    story = str(tell(lake, id_of(2), {"default": RECIPE}, KNOWN))
    assert f"replaced by {made}" in story and "people: ana said fix; wrote another answer" in story
    assert f"corrects {id_of(2)}" in str(tell(lake, made, {"default": RECIPE}, KNOWN))
    append(lake, verdicts(verdict(content, "fix", minute=10)))
    unchanged = refresh_corrections(place, lake, SETTINGS)
    assert unchanged.refreshed is not None and unchanged.refreshed.records == {}
    assert lake.scan("rejects").filter(pl.col("source") == "argilla").collect()["reason"].to_list() == [UNCHANGED]


def test_a_recipe_that_takes_no_verdicts_is_as_before(place: Workspace, lakes: Lakes) -> None:
    content = contents(lakes.lake)[id_of(2)]
    append(lakes.lake, verdicts(verdict(content, "fix", correction="A much better answer than that.")))
    refresh_corrections(place, lakes.lake, SETTINGS)
    ready(place, lakes)
    raw = RECIPE.model_copy(update={"review": Review(budget=0, verdicts=False)})
    state = open_state(place, lakes.lake, "code")
    done = publish_ledger(state, "raw", raw, KNOWN)
    assert "verdicts" not in done.published.versions
    told = {row["id"]: (row["fate"], row["reason"]) for row in done.ledger.to_dicts()}
    assert told["argilla/instruction/instruction.train.0.0"] == ("not in recipe", "verdicts")
    assert told[id_of(2)] == ("kept", None)
