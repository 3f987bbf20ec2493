"""The code location: what loads, what is off until switched on, and how it is partitioned."""

import subprocess
import sys
import time

import dagster as dg
import pytest

from assets.definitions import build_definitions, defs
from pipelines.workspace import ROOT

STAGES = ("snapshot", "records", "signals", "verification")
LAKE = ("benchmarks", "state", "pairs", "contamination", "sides")
RECIPES = ("ledger", "publication", "exports")
RUNS = ("training_set", "model")


def keys_of(name: str) -> list[str]:
    partitions = defs.resolve_asset_graph().get(dg.AssetKey(name)).partitions_def
    return list(partitions.get_partition_keys()) if partitions else []


def test_the_definitions_are_valid_and_load_in_seconds() -> None:
    started = time.process_time()
    code = "from assets.definitions import build_definitions; import dagster as dg; d = build_definitions();"
    code += "dg.Definitions.validate_loadable(d); import sys;"
    code += "print(sorted({'torch', 'trl', 'datasets'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]", "what only some steps need is imported by those steps"
    assert time.process_time() - started < 30


def test_stages_are_partitioned_by_source_recipe_and_run() -> None:
    sources = keys_of("records")
    assert {"alpaca", "dolly", "oasst1", "hh_rlhf", "sky_t1", "gsm8k", "countdown"} <= set(sources)
    assert all(keys_of(name) == sources for name in (*STAGES, "upstream"))
    assert all(keys_of(name) == [] for name in LAKE)
    assert all({"default", "raw"} <= set(keys_of(name)) for name in RECIPES)
    assert all({"default.sft", "raw.sft"} <= set(keys_of(name)) for name in RUNS)


def test_nothing_starts_by_itself_until_switched_on() -> None:
    repository = defs.get_repository_def()
    assert [s.name for s in repository.schedule_defs] == ["nightly"]
    assert all(s.default_status == dg.DefaultScheduleStatus.STOPPED for s in repository.schedule_defs)
    assert all(s.default_status == dg.DefaultSensorStatus.STOPPED for s in repository.sensor_defs)


@pytest.mark.parametrize(
    "job", ["refresh_source", "curate", "train", "look_upstream", "look_at_benchmarks", "look_at_recipes"]
)
def test_each_way_of_using_it_has_a_job(job: str) -> None:
    assert build_definitions().resolve_job_def(job).name == job


def test_the_gpu_has_a_pool_of_one_and_the_network_a_retry_policy() -> None:
    graph = defs.resolve_asset_graph()
    model = graph.get(dg.AssetKey("model")).assets_def.node_def
    snapshot = graph.get(dg.AssetKey("snapshot")).assets_def.node_def
    assert isinstance(model, dg.OpDefinition) and model.pool == "gpu"
    assert isinstance(snapshot, dg.OpDefinition) and snapshot.retry_policy is not None


def test_every_asset_says_what_it_is() -> None:
    graph = defs.resolve_asset_graph()
    bare = [key.to_user_string() for key in graph.get_all_asset_keys() if not graph.get(key).description]
    assert bare == []
