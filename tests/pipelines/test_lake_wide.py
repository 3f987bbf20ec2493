import polars as pl
import pytest
from dedup_records import records, turn

from pipelines.dedup import signed
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.lake_wide import Sided, build_contamination, build_pairs, build_sides, built_with
from pipelines.states import State
from schemas.families import FAMILIES, GRPO

QUESTION = "Ann has {} apples and buys {} more at the market today, how many apples does she have now in all?"


def tasks(count: int) -> pl.DataFrame:
    frame = pl.DataFrame({"text": [QUESTION.format(n // 2 * 17, n // 2) + " Say." * (n % 2) for n in range(count)]})
    origin = pl.struct(config=pl.lit("c"), split=pl.lit("train"), file=pl.lit("f"), row=pl.int_range(pl.len()))
    made = records(GRPO, frame, prompt=turn("user", pl.col("text")), verifier=pl.lit("math"))
    return made.with_columns(origin=origin, revision=pl.lit("r"))


def opened(lake: Lake, number: int, rows: pl.DataFrame) -> State:
    lake.replace("records_grpo", rows, partition="s")
    return State(lake, number, lake.versions(f"records_{name}" for name in FAMILIES), "code", ready=False)


def built(lake: Lake, number: int, rows: pl.DataFrame) -> Sided:
    settings = LakeSettings()
    state, counts = build_pairs(opened(lake, number, rows), settings)
    assert build_pairs(state, settings)[1] == counts
    return build_sides(build_contamination(state).state, settings)


def test_a_refresh_signs_new_content_only(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    sign = signed._sign
    monkeypatch.setattr(signed, "_sign", lambda batch: (seen.append(batch.height), sign(batch))[1])
    built(lake, 1, tasks(20))
    assert sum(seen) == 40, "each compared text, and each prompt"
    seen.clear()
    built(lake, 2, tasks(23))
    assert sum(seen) == 6
    seen.clear()
    monkeypatch.setattr(signed, "code", lambda: "another")
    built(lake, 3, tasks(23))
    assert sum(seen) == 46
    assert lake.scan("signatures").collect().height == 46, "what other code signed is gone"


def test_pairs_ties_and_sides_of_a_state_do_not_depend_on_the_order_of_its_rows(lake: Lake, tmp_path_factory) -> None:
    other = Lake(tmp_path_factory.mktemp("other"))
    rows = tasks(60)
    one, shuffled = built(lake, 1, rows), built(other, 1, rows.sample(fraction=1, shuffle=True, seed=1))
    assert one.records == shuffled.records
    for table in ("pairs_grpo", "crowds_grpo", "ties", "placements", "sides"):
        assert one.state.scan(table).collect().equals(shuffled.state.scan(table).collect()), table
    assert one.state.ready
    assert one.state.scan("pairs_grpo").collect().height >= 30


def test_old_records_stay_where_they_are_when_newcomers_come(lake: Lake) -> None:
    built(lake, 1, tasks(40))
    before = lake.scan("sides").collect()
    second = built(lake, 2, tasks(90))
    after = lake.scan("sides").collect()
    both = before.join(after, on="content_hash", suffix="_now")
    assert both.height == 40
    assert both["side"].equals(both["side_now"])
    assert after["content_hash"].is_unique().all()
    assert sum(second.records.values()) == 90


def test_built_with_follows_the_settings() -> None:
    assert built_with(LakeSettings()) == built_with(LakeSettings(rejects_at_most=0.5))
    assert built_with(LakeSettings()) != built_with(LakeSettings(pair_floor=0.8))
