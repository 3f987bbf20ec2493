"""The assets of review on a small lake: what is asked, and the check on the rules."""

import dagster as dg
import polars as pl
import pytest
from lakes import Lakes, instructions, known
from verdict_rows import verdict, verdicts

from assets.resources import Tamis
from assets.verdicts import corrections, review_measures, review_queue
from pipelines.catalogue import recipe_now
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.quality.rules import Rule
from pipelines.review.verdicts import append
from pipelines.workspace import Workspace

SHORT = Rule(name="empty answer", signal="completion_words", comparison="<", threshold=5, why="It says nothing.")


@pytest.fixture(autouse=True)
def sample_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The assets work on the test's workspace, not on the clone's last run."""
    monkeypatch.setenv("TAMIS_HUB", "sample")


def materialised(asset: dg.AssetsDefinition, partition: str | None) -> dg.ExecuteInProcessResult:
    instance = dg.DagsterInstance.ephemeral()
    return dg.materialize([asset], partition_key=partition, resources={"tamis": Tamis()}, instance=instance)


def test_a_rule_that_people_contradict_is_a_warning(place: Workspace, lake: Lake) -> None:
    lakes = Lakes(lake)
    asked = [(f"Question {n}?", f"Answer {n}.") for n in range(24)]
    lakes.source("aa", instructions("aa", asked), completion_words=list(range(24)))
    said = recipe_now("default").model_copy(update={"sources": {"aa": None}, "rules": [SHORT]})
    publish_ledger(lakes.state(), "default", said, known("aa"))
    # The rules of the recipe's file read signals that this lake has not; their names are what is compared.
    quiet = materialised(review_measures, "default")
    (check,) = quiet.get_asset_check_evaluations()
    assert check.passed and quiet.success
    dropped = lake.scan("ledger").filter(pl.col("fate") == "rule").collect()["content_hash"]
    sent = {"ground": "random dropped", "weight": 5 / 3, "rules": ["empty answer"]}
    append(lake, verdicts(*(verdict(content, "keep", **sent) for content in dropped[:3])))
    warned = materialised(review_measures, "default")
    (check,) = warned.get_asset_check_evaluations()
    assert warned.success and not check.passed and check.severity == dg.AssetCheckSeverity.WARN
    assert check.description is not None and "rule empty answer: precision 0.00 is below 0.8" in check.description


def test_nothing_was_written_and_a_recipe_may_ask_nothing(place: Workspace, lake: Lake) -> None:
    lakes = Lakes(lake)
    lakes.source("aa", instructions("aa", [("One?", "Two.")]), completion_words=[9])
    raw = recipe_now("raw").model_copy(update={"sources": {"aa": None}})
    publish_ledger(lakes.state(), "raw", raw, known("aa"))
    done = materialised(corrections, None)
    assert done.asset_materializations_for_node("corrections")[0].metadata["dagster/row_count"].value == 0
    assert materialised(review_queue, "raw").success
    assert lake.scan("review_queue").collect().is_empty()
