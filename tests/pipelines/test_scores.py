import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lakes import Lakes, instructions, known

from pipelines.effects.sweep import sweep
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings, ScoreFile, lake_settings
from pipelines.lake_wide import built_with
from pipelines.ledger import publish_ledger
from pipelines.quality.rules import faults
from pipelines.recipe import Recipe
from pipelines.report.cuts import cuts
from pipelines.scores import changed_scores, scored, update_scores
from pipelines.states import State, open_state
from pipelines.story.tell import tell
from pipelines.workspace import Workspace

KNOWN = known("aa")
TEXTS = [("Who?", "Ann."), ("What?", "A bird."), ("Where?", "Here."), ("When?", "Now.")]


def id_of(row: int) -> str:
    return f"aa/instruction/default.train.0.{row}"


BY_ID = {"reward": ScoreFile(path="reward.parquet", key="id", column="score")}


def recipe(**more: Any) -> Recipe:
    rule = {"name": "poor", "signal": "reward", "comparison": "<", "threshold": 0.5, "why": "a test", **more}
    return Recipe.model_validate({"sources": {"aa": None}, "rules": [rule]})


@pytest.fixture
def lakes(lake: Lake) -> Lakes:
    made = Lakes(lake)
    made.source("aa", instructions("aa", TEXTS), completion_words=[1, 2, 1, 1])
    return made


def written(folder: Path, scores: dict[str, float | None], name: str = "reward.parquet") -> None:
    pl.DataFrame({"id": list(scores), "score": list(scores.values())}).write_parquet(folder / name)


def state_with(lakes: Lakes) -> State:
    """A ready state that has the scores as they are in the lake."""
    ready = lakes.state()
    versions = {**ready.versions, **lakes.lake.versions(["scores"])}
    return State(lakes.lake, ready.number, versions, ready.built_with, ready=True)


def fates(lakes: Lakes, said: Recipe) -> dict[str, tuple[str, float | None]]:
    made = publish_ledger(state_with(lakes), "default", said, KNOWN).ledger
    return {id_[-1]: (fate, value) for id_, fate, value in made.select("id", "fate", "value").rows()}


def test_a_score_is_a_signal_that_rules_can_name_and_a_missing_one_is_no_hit(lakes: Lakes, tmp_path: Path) -> None:
    written(tmp_path, {id_of(0): 0.25, id_of(1): 0.75, id_of(2): float("nan"), "elsewhere/instruction/x": 0.1})
    update_scores(lakes.lake, BY_ID, folder=tmp_path)
    assert fates(lakes, recipe()) == {
        "0": ("rule", 0.25),
        "1": ("kept", None),
        "2": ("kept", None),
        "3": ("kept", None),
    }
    assert {n: fate for n, (fate, _) in fates(lakes, recipe(missing="hit")).items()} == {
        "0": "rule",
        "1": "kept",
        "2": "rule",
        "3": "rule",
    }
    assert {fate for fate, _ in fates(lakes, recipe(missing="hit", sources=["bb"])).values()} == {"kept"}
    assert scored(state_with(lakes)) == {"reward": 2}


def test_scores_by_content_hash_reach_every_copy(lakes: Lakes, tmp_path: Path) -> None:
    lakes.source("aa", instructions("aa", [*TEXTS, TEXTS[0]]), completion_words=[1, 2, 1, 1, 1])
    held = lakes.lake.scan("records_instruction").sort("id").collect()
    for column in (held["content_hash"], held["content_hash"].bin.encode("hex")):
        frame = pl.DataFrame({"content_hash": column[:2], "mean": [1, 2], "more": ["a", "b"]})
        frame.write_parquet(tmp_path / "judge.parquet")
        update_scores(lakes.lake, {"judge": ScoreFile(path="judge.parquet", column="mean")}, folder=tmp_path)
        signals = state_with(lakes).signals("instruction").sort("id").collect()
        assert signals["judge"].to_list() == [1.0, 2.0, None, None, 1.0]
        assert signals["completion_words"].to_list() == [1, 2, 1, 1, 1]
    assert "judge" not in state_with(lakes).signals("cot").collect_schema(), "there is no table of this family yet"


def test_a_changed_file_is_noticed_and_one_that_is_not_named_any_more_leaves(
    place: Workspace, lakes: Lakes, tmp_path: Path
) -> None:
    written(tmp_path, {id_of(0): 0.25})
    assert changed_scores(lakes.lake, BY_ID, tmp_path) == ["reward"]
    told: list[str] = []
    update_scores(lakes.lake, BY_ID, told.append, tmp_path)
    version = lakes.lake.version("scores")
    first = open_state(place, lakes.lake, "test")
    update_scores(lakes.lake, BY_ID, told.append, tmp_path)
    assert (lakes.lake.version("scores"), told) == (version, ["score reward: 1 scores read"])
    assert open_state(place, lakes.lake, "test").number == first.number, "nothing changed"
    written(tmp_path, {id_of(0): 0.25, id_of(1): 1.0})
    assert changed_scores(lakes.lake, BY_ID, tmp_path) == ["reward"]
    update_scores(lakes.lake, BY_ID, folder=tmp_path)
    second = open_state(place, lakes.lake, "test")
    assert second.number > first.number
    assert [scored(state)["reward"] for state in (first, second)] == [1, 2], (
        "a state has the scores that it was made of"
    )
    update_scores(lakes.lake, {}, told.append, tmp_path)
    assert told[-1] == "score reward: not named any more"
    assert open_state(place, lakes.lake, "test").scores() == {}


def test_it_is_told_by_why_and_shown_in_the_report_and_swept(lakes: Lakes, tmp_path: Path) -> None:
    written(tmp_path, {id_of(0): 0.25, id_of(1): 0.75})
    written(tmp_path, {id_of(0): 3.0}, "other.parquet")
    other = ScoreFile(path="other.parquet", key="id", column="score")
    update_scores(lakes.lake, {**BY_ID, "unread": other}, folder=tmp_path)
    state = state_with(lakes)
    lakes.lake.append("states", _row(state))
    published = publish_ledger(state, "default", recipe(), KNOWN).published
    found = {cut.spread.name: cut for cut in cuts(published, recipe())}
    assert found["reward"].spread.before == 2
    assert [threshold.value for threshold in found["reward"].thresholds] == [0.5]
    assert found["unread"].thresholds == (), "every score has its histogram"
    moved = sweep(published, recipe(), "poor", start=0.1, end=0.9, steps=3)
    assert [(p.threshold, p.hits, p.kept) for p in moved.points] == [(0.1, 0, 4), (0.5, 1, 3), (0.9, 2, 2)]
    assert tell(lakes.lake, id_of(0), {}, KNOWN).recipes[0].signals == {"reward": 0.25}


def _row(state: State) -> pl.DataFrame:
    last = state.lake.scan("states").sort("at").tail(1).collect()
    return last.with_columns(at=datetime.now(UTC), versions=pl.lit(json.dumps(dict(state.versions))))


def test_settings_do_not_rebuild_pairs_for_a_score() -> None:
    assert built_with(LakeSettings(scores=BY_ID)) == built_with(LakeSettings())


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"id": ["a"], "sorce": [1.0]}, r"has no column 'score'\. Did you mean sorce"),
        ({"ids": ["a"], "score": [1.0]}, r"has no column 'id'\. Did you mean ids"),
        ({"id": ["a"], "score": ["high"]}, r"'score' is String, no number"),
        ({"id": [1], "score": [1.0]}, r"'id' is Int64"),
        ({"id": ["a", None], "score": [1.0, 2.0]}, r"row 1 has no id"),
        ({"id": ["a", "b", "a"], "score": [1.0, 3.0, 2.0]}, r"a has 1 and 2"),
        ({"id": ["a"], "score": [None]}, r"no number|holds no score"),
    ],
)
def test_a_file_that_is_wrong_says_how_and_changes_nothing(
    lake: Lake, tmp_path: Path, frame: dict[str, list[Any]], said: str
) -> None:
    pl.DataFrame(frame, strict=False).write_parquet(tmp_path / "reward.parquet")
    with pytest.raises(TamisError, match=said) as error:
        update_scores(lake, BY_ID, folder=tmp_path)
    assert "scores.reward of lake.yaml" in str(error.value)
    assert not lake.exists("scores")


@pytest.mark.parametrize("hashed", ["ab", "zz" * 16, "a" * 31])
def test_a_hash_has_sixteen_bytes(lake: Lake, tmp_path: Path, hashed: str) -> None:
    pl.DataFrame({"content_hash": [hashed], "score": [1.0]}).write_ndjson(tmp_path / "r.jsonl")
    with pytest.raises(TamisError, match="row 0 has no content_hash"):
        update_scores(lake, {"r": ScoreFile(path="r.jsonl")}, folder=tmp_path)


def test_a_file_that_is_not_there_is_an_error(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(TamisError, match=r"'reward' is not there.*take `scores\.reward` out of lake\.yaml"):
        update_scores(lake, BY_ID, folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scores: {completion_words: {path: x}}", "there is such a signal already"),
        ("scores: {refusal: {path: x}}", "there is such a signal already"),
        ("scores: {source: {path: x}}", "there is such a signal already"),
        ("scores: {A-b: {path: x}}", "cannot be the name"),
        ("scores: {good: {path: x, key: row}}", "'id' or 'content_hash'"),
        ("scores: {good: {column: x}}", r"scores\.good\.path: is missing"),
    ],
)
def test_what_is_wrong_in_lake_yaml_is_told_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "lake.yaml").write_text(text)
    with pytest.raises(TamisError, match=rf"lake\.yaml:1: .*{said}"):
        lake_settings(tmp_path / "lake.yaml")


def test_a_rule_may_name_only_a_score_that_the_lake_has() -> None:
    assert not [*faults(recipe().rules, {"aa": None}, ["reward"])]
    wrong = [*faults(recipe(signal="rewrad").rules, {"aa": None}, ["reward"])]
    assert wrong == [(("rules", 0, "signal"), "there is no signal 'rewrad'", "Did you mean reward?")]
