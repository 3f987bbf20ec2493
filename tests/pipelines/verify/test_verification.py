"""The table `verification` in a source's run, and who reads it: signals, ledger and story."""

import dataclasses
from pathlib import Path

import polars as pl
import pytest

from pipelines.catalogue import recipe_now, settings_now
from pipelines.hub import Snapshot, UpstreamFile
from pipelines.lake import Lake
from pipelines.ledger import _rank
from pipelines.refresh import refresh
from pipelines.sources import sources
from pipelines.states import unpublished
from pipelines.story.tell import _verified
from pipelines.verify import verification as verifying
from pipelines.verify.verification import outcome_counts, outcome_sums
from pipelines.workspace import Workspace

SOLUTIONS = [
    "She has 1+1=2\n#### 2",
    "2+2=4\nSo she has 4.\n#### 5",
    "She has \\boxed{3} left.\n#### 4",
    "6 hats\n#### \\sqrt{36}",
]


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    path = tmp_path / "0.parquet"
    pl.DataFrame({"question": [f"How many ({n})?" for n in range(4)], "answer": SOLUTIONS}).write_parquet(path)
    file = UpstreamFile("main", "train", 0, path.name, path, path.stat().st_size, "etag")
    return Snapshot("openai/gsm8k", "openai/gsm8k", "r" * 40, "mit", (file,), ())


def run(place: Workspace, lake: Lake, snapshot: Snapshot) -> None:
    refresh(place, lake, "gsm8k", sources()["gsm8k"], snapshot, settings=settings_now())


def stored(lake: Lake, family: str) -> pl.DataFrame:
    return lake.scan("verification").filter(pl.col("family") == family).sort("id").collect()


def test_a_run_verifies_every_record_once(
    place: Workspace, lake: Lake, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(place, lake, snapshot)
    cot, grpo = stored(lake, "cot"), stored(lake, "grpo")
    assert cot["outcome"].to_list() == ["verified", "unverifiable", "refuted", "verified"]
    assert cot["by"].to_list() == ["comparison", "comparison", "comparison", "Math-Verify"]
    assert grpo["outcome"].to_list() == ["verified"] * 4
    assert outcome_sums(outcome_counts(lake, "gsm8k")) == {
        "verified": 6,
        "refuted": 1,
        "unverifiable": 1,
        "timed out": 0,
    }
    signals = lake.scan("signals_cot").sort("id").select("verified", "refuted").collect()
    assert signals["verified"].to_list() == [1, 0, 0, 1]
    assert signals["refuted"].to_list() == [0, None, 1, 0]

    # The file changes upstream, its rows do not: what is known of them is taken.
    asked: list[int] = []
    check = verifying.checked
    monkeypatch.setattr(verifying, "checked", lambda claims, pool: asked.append(claims.height) or check(claims, pool))
    run(place, lake, dataclasses.replace(snapshot, files=(dataclasses.replace(snapshot.files[0], etag="newer"),)))
    assert sum(asked) == 0
    assert stored(lake, "cot").equals(cot)


def test_new_code_verifies_again(
    place: Workspace, lake: Lake, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(place, lake, snapshot)
    before = stored(lake, "cot")
    records = lake.version("records_cot")
    monkeypatch.setattr(verifying, "code", lambda: "newer")
    run(place, lake, snapshot)
    after = stored(lake, "cot")
    assert set(after["code"]) == {"newer"}
    assert after.drop("code").equals(before.drop("code"))
    assert lake.version("records_cot") == records


def test_verification_that_is_missing_is_made_up_for(place: Workspace, lake: Lake, snapshot: Snapshot) -> None:
    run(place, lake, snapshot)
    before = stored(lake, "grpo")
    lake.commit("verification", [], replace="gsm8k")
    run(place, lake, snapshot)
    assert stored(lake, "grpo").equals(before)


def test_a_verified_answer_survives_before_the_source_that_comes_first() -> None:
    recipe = recipe_now("default")
    first, second = list(recipe.sources)[:2]
    rows = pl.DataFrame(
        {
            "id": ["a", "b", "c"],
            "source": [first, second, first],
            "license": ["mit"] * 3,
            "gold": ["1"] * 3,
            "outcome": ["refuted", "verified", None],
            "confirmed": [False] * 3,
        }
    ).with_columns(of_source="source")
    assert rows.select(_rank(recipe)).to_series().to_list() == [2, 0, 1]
    people = rows.with_columns(confirmed=pl.Series([True, False, False]))
    assert people.select(_rank(recipe)).to_series().to_list() == [0, 1, 2], "what people keep comes before all"


def test_the_story_tells_the_outcome(place: Workspace, lake: Lake, snapshot: Snapshot) -> None:
    run(place, lake, snapshot)
    id_ = stored(lake, "cot")["id"][2]
    told = _verified(unpublished(lake), id_)
    assert told is not None
    assert told.startswith("refuted by comparison: the answer is")
    assert "\\boxed{3}" in told
    assert _verified(unpublished(lake), "nobody") is None
