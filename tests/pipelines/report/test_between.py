"""What a report says of conflicts and ties."""

import polars as pl
from lakes import Lakes, empty, instructions, known, pair

from pipelines.dedup.pairs import NEAR, OTHER_GOLD, SWAP
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.recipe import Recipe
from pipelines.report.between import between
from pipelines.report.summary import RunOutcome, summarise
from pipelines.report.terminal import terminal_summary
from pipelines.workspace import Workspace


def test_conflicts_are_told_with_both_records_and_the_largest_component(place: Workspace, lake: Lake) -> None:
    lakes = Lakes(lake)
    records = instructions("aa", [(f"Is {n} odd?", "Yes.") for n in range(5)])
    lakes.source("aa", records)
    one, two, three, four, five = records["content_hash"]
    told = [
        pair(one, two, 1.0, OTHER_GOLD),
        pair(one, three, 1.0, OTHER_GOLD),
        pair(four, five, 1.0, SWAP),
        pair(two, three, 0.9, NEAR),
    ]
    state = lakes.state(pl.DataFrame(told, schema=empty("pairs_instruction").schema))
    published = publish_ledger(state, "default", Recipe(sources={"aa": None}), known("aa")).published
    said = between(published)
    assert said == [
        "a pair and its swap: 1 pair of instruction records, such as aa/instruction/default.train.0.3 and "
        "aa/instruction/default.train.0.4",
        "same text, other gold: 2 pairs of instruction records, such as aa/instruction/default.train.0.0 and "
        "aa/instruction/default.train.0.1",
        "the largest component of ties: 1 record",
    ]
    page = terminal_summary(summarise(place, lake, RunOutcome({}, ("default",), (), (), 1.0)), place.path)
    assert all(line in " ".join(page.split()) for line in said)


def test_where_nothing_is_in_conflict_nothing_is_said_of_it(lake: Lake) -> None:
    lakes = Lakes(lake)
    lakes.source("aa", instructions("aa", [("Who?", "Ann.")]))
    published = publish_ledger(lakes.state(), "default", Recipe(sources={"aa": None}), known("aa")).published
    assert between(published) == ["the largest component of ties: 1 record"]
