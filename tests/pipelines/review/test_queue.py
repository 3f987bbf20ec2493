"""What people are asked: on small lakes with a pass each."""

import polars as pl
import pytest
from lakes import Lakes, empty, instructions, known, pair
from verdict_rows import verdict, verdicts

from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.quality.rules import Rule
from pipelines.recipe import Duplicates, Recipe, Review
from pipelines.review.queue import queue
from pipelines.review.verdicts import SCHEMA
from pipelines.states import Pass

NOBODY = pl.DataFrame(schema=SCHEMA)
SHORT = Rule(name="short", signal="completion_words", comparison="<", threshold=5, why="It says nothing.")
LONG = Rule(name="long", signal="completion_words", comparison=">", threshold=90, action="mark", why="It says a lot.")
ODD = Rule(name="odd", signal="prompt_words", comparison="==", threshold=3, action="mark", why="It is odd.")
ROWS = 100


@pytest.fixture
def lakes(lake: Lake) -> Lakes:
    """A hundred records, the nth with an answer of n words."""
    made = Lakes(lake)
    asked = [(f"Question {n}?", f"Answer {n}.") for n in range(ROWS)]
    made.source("aa", instructions("aa", asked), completion_words=list(range(ROWS)), prompt_words=[3] * 99 + [4])
    return made


def recipe(**review) -> Recipe:
    return Recipe(sources={"aa": None}, rules=[SHORT, LONG, ODD], review=Review(**review))


def published(lakes: Lakes, said: Recipe, pairs: pl.DataFrame | None = None) -> Pass:
    return publish_ledger(lakes.state(pairs), "default", said, known("aa")).published


def row_of(queued: pl.DataFrame) -> pl.Series:
    return queued["id"].str.split(".").list.last().cast(pl.Int64)


def test_controls_stand_for_exactly_what_they_were_drawn_from(lakes: Lakes) -> None:
    said = recipe(budget=40)
    made = queue(published(lakes, said), said, NOBODY)
    assert made.height == 40
    weights = made.group_by("ground").agg(pl.col("weight").sum())
    told = dict(weights.filter(pl.col("weight") > 0).rows())
    assert told == {"random kept": pytest.approx(95), "random dropped": pytest.approx(5)}
    controls = made.filter(pl.col("weight").is_not_null())
    assert controls["shown"].list.len().sum() == 0, "an annotator would lean towards what is shown"
    assert controls.filter(pl.col("fate") == "rule")["rules"].to_list() == [["short", "odd"]] * 2
    assert made["content_hash"].n_unique() == made.height
    assert made["priority"].to_list() == list(range(1, 41))
    assert made.head(4)["ground"].n_unique() > 2, "who answers a few has some of each ground"


def test_what_is_near_a_threshold_is_asked_in_the_scale_of_its_rule(lakes: Lakes) -> None:
    said = recipe(budget=20, shares={"near a threshold": 100})
    made = queue(published(lakes, said), said, NOBODY)
    assert set(made["ground"]) == {"near a threshold"}
    rows = set(row_of(made))
    assert rows >= {3, 4, 5, 6, 88, 89, 90, 91, 92} and not rows & set(range(20, 75))
    shown = dict(zip(row_of(made), made["shown"].to_list(), strict=True))
    assert list(shown[4]) == ["rule:short", "rule:odd"] and list(shown[6]) == ["rule:odd"]


def test_a_second_pass_draws_the_same_ones_until_they_are_decided(lakes: Lakes) -> None:
    said = recipe(budget=30)
    first = published(lakes, said)
    made = queue(first, said, NOBODY)
    assert queue(first, said, NOBODY).equals(made)
    answered = [verdict(content, "keep") for content in made["content_hash"][:3]]
    answered.append(verdict(made["content_hash"][3], "keep", status="draft"))
    again = queue(first, said, verdicts(*answered), made)
    asked = set(again["content_hash"])
    assert not asked & set(made["content_hash"][:3]) and made["content_hash"][3] in asked
    assert again.height == 30


def test_a_record_stays_as_it_was_sent_until_enough_people_answered(lakes: Lakes) -> None:
    said = recipe(budget=10, overlap=2)
    first = published(lakes, said)
    made = queue(first, said, NOBODY)
    content = made["content_hash"][5]
    one = verdict(content, "keep")
    again = queue(first, said, verdicts(one), made)
    assert again.row(0, named=True) == made.row(5, named=True) | {"priority": 1}
    both = verdicts(one, verdict(content, "drop", user="ben"))
    assert content not in set(queue(first, said, both, again)["content_hash"])


def test_conflicts_come_with_both_rows(lakes: Lakes) -> None:
    said = recipe(budget=3, shares={"conflict": 100})
    contents = lakes.state().records("id", "content_hash").select("id", "content_hash").collect()
    by_row = dict(zip(row_of(contents), contents["content_hash"], strict=True))
    conflicts = [pair(by_row[n], by_row[n + 1], 1.0, "a pair and its swap") for n in (50, 60)]
    conflicts.append(pair(by_row[2], by_row[70], 1.0, "same text, other gold"))
    first = published(lakes, said, pl.DataFrame(conflicts, schema=empty("pairs_instruction").schema))
    made = queue(first, said, NOBODY).filter(pl.col("ground") == "conflict")
    rows = sorted(row_of(made))
    assert rows in ([50, 51], [60, 61]), "one of the third is dropped, and half a pair helps nobody"
    others = dict(made.select("id", "other").rows())
    assert all(others[other] == id_ for id_, other in others.items())
    decided = verdicts(verdict(made["content_hash"][0], "keep"))
    left = queue(first, recipe(budget=9, shares={"conflict": 100}), decided).filter(pl.col("ground") == "conflict")
    assert left.height == 3 and made["id"][1] in set(left["id"]), "its other was decided; it was not"


def test_disputed_duplicates_are_those_just_above_the_threshold(lakes: Lakes) -> None:
    said = recipe(budget=4, shares={"disputed duplicate": 100})
    said = said.model_copy(update={"duplicates": Duplicates(near=0.7), "rules": []})
    contents = lakes.state().records("id", "content_hash").select("id", "content_hash").collect()
    by_row = dict(zip(row_of(contents), contents["content_hash"], strict=True))
    near = [pair(by_row[10], by_row[20], 0.95), pair(by_row[11], by_row[21], 0.72), pair(by_row[12], by_row[22], 0.8)]
    first = published(lakes, said, pl.DataFrame(near, schema=empty("pairs_instruction").schema))
    made = queue(first, said, NOBODY)
    assert made["similarity"].to_list() == [0.72, 0.8], "0.95 is hardly in dispute"
    row = made.row(0, named=True)
    gone = row["content_hash"]
    other = by_row[11] if gone == by_row[21] else by_row[21]
    assert row["shown"] == [f"near-duplicate:{other.hex()}"] and row["fate"] == "near-duplicate"


def test_a_recipe_without_a_budget_asks_nothing(lakes: Lakes) -> None:
    said = recipe(budget=0)
    assert queue(published(lakes, said), said, NOBODY).is_empty()
