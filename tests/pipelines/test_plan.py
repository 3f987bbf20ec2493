import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hub_faults import unreachable
from lakes import empty

from pipelines import timings
from pipelines.fates import shut_out
from pipelines.layouts.messages import turns
from pipelines.plan.read import reading
from pipelines.plan.what import Disk, Plan, RecipePlan, RunPlan, SourcePlan, duration, size
from pipelines.recipe import LicencePolicy
from pipelines.sources.source import Read, Source
from pipelines.wanted import Snapshot, UpstreamFile
from pipelines.workspace import ROOT, Workspace

SOURCE = Source(
    repo="org/set",
    license="mit",
    reads=(Read(config="main", splits=("train",), columns={}, families={"grpo": {"prompt": turns(user=pl.lit("?"))}}),),
)


def snapshot(*files: tuple[str, str, int], revision: str = "b" * 40) -> Snapshot:
    """Files as (path, etag, size)."""
    upstream = (
        UpstreamFile("main", "train", number, path, Path(path), size, etag)
        for number, (path, etag, size) in enumerate(files)
    )
    return Snapshot("org/set", "org/set", revision, "mit", tuple(upstream), ())


def known(*files: tuple[str, str, int, int, int | None], reader: str = SOURCE.code) -> pl.DataFrame:
    """What was read, as (path, etag, bytes, rows, limit)."""
    rows = [
        {"source": "set", "file": path, "position": n, "number": n, "config": "main", "split": "train"}
        | {"repo": "org/set", "revision": "a" * 40, "etag": etag, "reader": reader, "limit": limit, "rows": rows}
        | {"yielding": rows, "rejected": 0, "not_selected": 0, "records": None, "bytes": size, "license": "mit"}
        for n, (path, etag, size, rows, limit) in enumerate(files)
    ]
    return pl.DataFrame(rows, schema=empty("files").schema)


def test_a_file_is_read_for_one_of_four_reasons_or_stands() -> None:
    before = known(
        ("a", "1", 100, 10, None), ("b", "1", 100, 10, None), ("c", "1", 50, 5, 5), ("gone", "1", 1, 1, None)
    )
    now = snapshot(("a", "1", 100), ("b", "2", 200), ("c", "1", 100), ("d", "1", 400))
    planned = reading("set", SOURCE, now, before, None)
    assert planned.why == {"changed upstream": 1, "cut short by a row limit before": 1, "new": 1}
    assert (planned.word, planned.standing, planned.leaving) == ("changed", 1, 1)
    assert (planned.to_read, planned.upstream) == (700, 800)
    assert (planned.rows, planned.counted) == (21 + 10 + 42, False), "at the 21 rows in 201 bytes that were read whole"


def test_changed_code_reads_every_file_and_the_rows_are_known() -> None:
    before = known(("a", "1", 100, 10, None), ("b", "1", 100, 7, None), reader="other")
    planned = reading("set", SOURCE, snapshot(("a", "1", 100), ("b", "1", 100)), before, None)
    assert planned.why == {"read by code that changed": 2}
    assert (planned.rows, planned.counted) == (17, True)


def test_nothing_to_do_is_unchanged_even_at_another_commit() -> None:
    planned = reading("set", SOURCE, snapshot(("a", "1", 100)), known(("a", "1", 100, 10, None)), None)
    assert (planned.word, planned.rows, planned.why) == ("unchanged", 0, {})
    assert planned.said == f"unchanged {'a' * 12} -> {'b' * 12}"


def test_a_source_under_another_licence_is_read_again_and_a_policy_says_what_it_drops() -> None:
    now = replace(snapshot(("a", "1", 100)), license="cc-by-nc-4.0")
    planned = reading("set", SOURCE, now, known(("a", "1", 100, 10, None)), None)
    assert planned.why == {"under another licence": 1}
    assert planned.license == "cc-by-nc-4.0"
    policy = LicencePolicy(use="commercial", model_terms="drop")
    assert shut_out(policy, planned.license, SOURCE) == "cc-by-nc-4.0 (non-commercial)"
    assert shut_out(policy, "mit", SOURCE) == "made with models that are not known"
    assert shut_out(policy, "mit", replace(SOURCE, made_with=())) is None
    made = replace(SOURCE, made_with=("GPT-4",))
    assert shut_out(policy, "mit", made) == "made with GPT-4 (OpenAI)"
    told = str(Plan("sample", (planned,), (), (), (RecipePlan("r", shut_out=("set: cc-by-nc-4.0",)),), ()))
    assert "  licence: set: cc-by-nc-4.0\n" in told


def test_a_limit_bounds_the_rows_that_cannot_be_known() -> None:
    files = snapshot(("a", "1", 100), ("b", "1", 100))
    assert reading("set", SOURCE, files, known(), None).rows is None
    limited = reading("set", SOURCE, files, known(), 30)
    assert (limited.rows, limited.why, limited.to_read) == (30, {"new": 1}, 100)


def test_rows_once_read_stay_under_a_smaller_limit() -> None:
    before = known(("a", "1", 100, 10, None), ("b", "1", 100, 5, 5))
    planned = reading("set", SOURCE, snapshot(("a", "1", 100), ("b", "1", 100)), before, 3)
    assert (planned.word, planned.standing, planned.leaving) == ("unchanged", 2, 0)


def test_a_plan_adds_up_and_says_what_it_cannot_know(place: Workspace) -> None:
    plan = Plan(
        hub="sample",
        sources=(
            SourcePlan(
                "one", "new", commit="c" * 40, why={"new": 2}, to_fetch=1500, to_read=1500, rows=None, seconds=None
            ),
            SourcePlan("two", "ABSENT", "this Hub does not have it"),
        ),
        others=("three",),
        lake=("the first one",),
        recipes=(RecipePlan("default", ("its first ledger",), runs=(RunPlan("default.sft", 100_000, "tiny", 90.0),)),),
        disks=(Disk(place.path, 4000, 10**9),),
    )
    text = str(plan)
    assert plan.rows is None
    assert plan.holds
    assert plan.unknown == ("one",)
    assert re.search(r"one +1\.5 kB +1\.5 kB +unknown  new at cccccccccccc: 2 files new", text)
    assert "not refreshed: three" in text
    assert "time   about 1.5 min, as past runs of this workspace took; unknown for what never ran here: one" in text
    full = Plan("sample", (), (), (), (), (Disk(place.path, 4000, 3999),))
    assert not full.holds
    assert "NOT ENOUGH" in str(full)
    assert not Plan("sample", (SourcePlan("one", "FAILED", "is gated"),), (), (), (), ()).holds
    assert not Plan("sample", (), (), (), (RecipePlan("x", problem="cannot be read"),), ()).holds


def test_sizes_and_durations_are_said_as_people_say_them() -> None:
    assert [size(n) for n in (0, 999, 35_259, 1_225_432, 40 * 10**9)] == [
        "0 bytes",
        "999 bytes",
        "35.3 kB",
        "1.23 MB",
        "40 GB",
    ]
    assert [duration(s) for s in (3.4, 150, 7200)] == ["3 s", "2.5 min", "2.0 h"]


def test_minutes_follow_the_past_runs_of_the_same_step(place: Workspace) -> None:
    assert timings.estimate(timings.noted(place), "refresh", "aa", 1000) is None
    timings.note(place, "refresh", "aa", 4.0, 2000)
    timings.note(place, "refresh", "aa", 0.5, 0)
    timings.note(place, "curate", "default", 7.0, 7)
    notes = timings.noted(place)
    assert timings.estimate(notes, "refresh", "aa", 1000) == 2.0
    assert timings.estimate(notes, "refresh", "bb", 1000) == 2.0, "a new source as the others"
    assert timings.estimate(notes, "refresh", "aa", 0) == 0.5
    assert timings.estimate(notes, "train", "default.sft", 10) is None
    for _ in range(5):
        timings.note(place, "refresh", "aa", 1.0, 1000)
    assert timings.estimate(timings.noted(place), "refresh", "aa", 1000) == 1.0, "old notes count no more"


def test_a_torn_note_is_passed_over(place: Workspace) -> None:
    timings.note(place, "refresh", "aa", 4.0, 2000)
    with place.timings.open("a") as file:
        file.write('{"step": "refr')
    assert timings.noted(place).height == 1


# The rest asks a Hub: each in a process of its own, since its address freezes when the Hub's libraries are imported.

CARD = (
    "---\nlicense: mit\nconfigs:\n- config_name: main\n  data_files:\n  - split: train\n    path: main/train-*\n---\n"
)
PLANS = """
import sys
from pathlib import Path
import polars as pl
from pipelines import workspace
from pipelines.opening import served
folder = Path(sys.argv[1])
opened = workspace.workspace(str(folder))
with served(opened):
    from huggingface_hub import constants
    from pipelines.catalogue import recipes_now, settings_now
    from pipelines.hub import Hub
    from pipelines.lake import Lake
    from pipelines.plan.make import plan
    from pipelines.sources import sources
    from lakes import empty
    source = sources()["gsm8k"]
    pulled = Hub(None, Path(constants.HF_HUB_CACHE), online=False).snapshot(source.repo, source.wanted)
    read = {"source": "gsm8k", "file": pulled.files[0].path, "position": 0, "number": 0, "config": "main"}
    read |= {"split": "train", "repo": pulled.repo, "revision": pulled.revision, "etag": pulled.files[0].etag}
    read |= {"license": pulled.license, "reader": source.code}
    read |= {"rows": 40, "yielding": 40, "rejected": 0, "not_selected": 0}
    read |= {"bytes": pulled.files[0].size, "records": {"instruction": 0, "preference": 0, "cot": 40, "grpo": 40}}
    Lake(opened.lake).replace("files", pl.DataFrame([read], schema=empty("files").schema), partition="gsm8k")
    for limit in (None, None, 50):
        print(plan(opened, sources(), recipes_now(), settings_now(), only=["gsm8k"], limit=limit))
        print("next")
        train = folder / "openai" / "gsm8k" / "main"
        whole = pl.read_parquet(train / "train-00000-of-00001.parquet")
        whole.select(pl.all() + "!").write_parquet(train / "train-00001-of-00002.parquet")
"""


@pytest.fixture
def hub_folder(tmp_path: Path) -> Path:
    """A folder with the repository of GSM8K only: 40 rows in one file."""
    folder = tmp_path / "hub"
    repository = folder / "openai" / "gsm8k"
    (repository / "main").mkdir(parents=True)
    (repository / "README.md").write_text(CARD, encoding="utf-8")
    _problems(40, 0).write_parquet(repository / "main" / "train-00000-of-00001.parquet")
    return folder


def _problems(count: int, first: int) -> pl.DataFrame:
    numbers = range(first, first + count)
    return pl.DataFrame(
        {
            "question": [f"What is {n} plus {n}? {'Think. ' * (n % 7)}" for n in numbers],
            "answer": [f"It is <<{n}+{n}={2 * n}>>{2 * n}.\n#### {2 * n}" for n in numbers],
        }
    )


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_first_run_is_planned_without_fetching(place: Workspace, hub_folder: Path) -> None:
    done = _run("-m", "pipelines.cli", "plan", "--hub", str(hub_folder))
    assert (done.returncode, done.stderr) == (0, "")
    size_ = (hub_folder / "openai/gsm8k/main/train-00000-of-00001.parquet").stat().st_size
    assert re.search(rf"gsm8k +{size(size_)} +{size(size_)} +unknown  new at [0-9a-f]{{12}}: 1 file new", done.stdout)
    assert re.search(r"alpaca +- +- +-  ABSENT: this Hub does not have it", done.stdout)
    assert "lake state: the first one" in done.stdout
    assert "recipe default: its first ledger" in done.stdout
    assert f"fetch  {size(size_)}" in done.stdout
    blobs = list(place.path.parent.rglob("*.parquet"))
    assert blobs == [], "nothing was pulled and nothing written"


def test_a_later_run_is_planned_from_what_was_read(place: Workspace, hub_folder: Path) -> None:
    done = _run("-c", PLANS, str(hub_folder), PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
    unchanged, grown, limited, _ = done.stdout.split("next\n")
    assert re.search(r"gsm8k +- +- +-  unchanged at", unchanged)
    assert "fetch  0 bytes" in unchanged
    assert "not refreshed: alpaca, " in unchanged
    assert re.search(r"gsm8k .* ~\d+  changed [0-9a-f]{12} -> [0-9a-f]{12}: 1 file new, 1 as read", grown)
    assert re.search(r" ~10  changed", limited), "40 of the 50 rows are there"


def test_a_source_that_the_hub_refuses_fails_in_the_plan_and_not_the_others(place: Workspace, hub_folder: Path) -> None:
    shutil.copytree(hub_folder / "openai" / "gsm8k", hub_folder / "tatsu-lab" / "alpaca")
    (hub_folder / "tatsu-lab" / "alpaca" / ".hub.json").write_text(json.dumps({"gated": True}), encoding="utf-8")
    done = _run("-m", "pipelines.cli", "plan", "--hub", str(hub_folder), "--sources", "alpaca,gsm8k")
    assert done.returncode == 1
    assert re.search(r"alpaca .* FAILED: tatsu-lab/alpaca .* is gated", done.stdout)
    assert re.search(r"gsm8k .* new at", done.stdout)


def test_a_hub_that_cannot_be_reached_is_one_error(place: Workspace) -> None:
    endpoint = unreachable()
    done = _run("-m", "pipelines.cli", "plan", "--hub", "online", "--sources", "gsm8k", HF_ENDPOINT=endpoint)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: openai/gsm8k ({endpoint}): the Hub cannot be reached")
    assert done.stderr.count("\n") == 1


def test_a_source_that_is_not_there_is_named(place: Workspace, hub_folder: Path) -> None:
    done = _run("-m", "pipelines.cli", "plan", "--hub", str(hub_folder), "--sources", "gsm8")
    assert done.stderr == "error: SOURCES=gsm8: there is no such source. Did you mean gsm8k?\n"
