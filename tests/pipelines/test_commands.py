"""The commands that ask about rules and recipes, as a user types them."""

import pytest
from lakes import Lakes, instructions
from typer.testing import CliRunner

from pipelines.catalogue import recipe_now
from pipelines.cli import app
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.quality.signals import signals
from pipelines.sources import sources
from pipelines.timings import noted
from pipelines.workspace import Workspace, remember
from schemas.families import FAMILIES


@pytest.fixture
def lake_of_alpaca(place: Workspace, lake: Lake) -> Lake:
    """Four records of a source that the recipes know, one of them empty, published by both recipes."""
    lakes = Lakes(lake)
    records = instructions(
        "alpaca", [("Who sings?", "A bird does."), ("Why?", ""), ("Where?", "Here."), ("When?", "Now.")]
    )
    measured = signals(records, FAMILIES["instruction"]).drop("id", "source", "content_hash", "code")
    lakes.source("alpaca", records, **{name: measured[name].to_list() for name in measured.columns})
    state = lakes.state()
    for recipe in ("default", "raw"):
        publish_ledger(state, recipe, recipe_now(recipe), sources())
    remember(place)
    return lake


def said(*arguments: str) -> str:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False).stdout


def test_each_command_answers(lake_of_alpaca: Lake) -> None:
    assert "4 records that no earlier fate takes" in said("rules")
    swept = said("sweep", "empty answer", "--steps", "3", "--examples", "2")
    assert "drops where completion_visible_chars == threshold" in swept
    assert "<- the recipe's" in swept
    assert "1 kept by raw only; what default says of them:" in said("diff", "raw", "default")
    assert said("preview").startswith("nothing changed")
    against = said("preview", "raw", "--against", "default", "--examples", "0")
    assert "rules changed" in against
    assert "1  empty answer" in against
    assert "would be forgotten" in said("forget", "alpaca/instruction/default.train.0.0")


def test_their_help_says_what_they_touch() -> None:
    for command in ("rules", "sweep", "diff", "preview", "new", "forget", "score"):
        told = said(command, "--help")
        assert "Examples:" in told
        assert f"tamis {command}" in told


def test_a_plan_tells_what_an_edit_changes(place: Workspace, lake_of_alpaca: Lake) -> None:
    from pipelines.plan.make import _recipe

    said = recipe_now("default")
    edited = said.model_copy(update={"rules": [rule for rule in said.rules if rule.name != "empty answer"]})
    told = [_recipe(lake_of_alpaca, "default", one, False, 0, noted(place), sources()) for one in (said, edited)]
    assert [(one.why, one.effect) for one in told] == [
        ((), ""),
        (("a new ledger", "the recipe was edited since pass 1"), "1 rule changed: 0 rows lost, 1 gained"),
    ]
