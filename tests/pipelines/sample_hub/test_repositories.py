"""The sample's repositories as they lie on disk, and as the real clients see them."""

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import polars as pl
import pytest
from sample_rows import lines

from pipelines.sample_hub import catalogue, files, manifest, repositories, sample
from pipelines.sample_hub.generators.samples import Sample
from pipelines.sample_hub.server import serve
from pipelines.sources import sources

LISTED = {
    "tatsu-lab/alpaca",
    "databricks/databricks-dolly-15k",
    "OpenAssistant/oasst1",
    "Anthropic/hh-rlhf",
    "NovaSky-AI/Sky-T1_data_17k",
    "openai/gsm8k",
    "Jiayi-Pan/Countdown-Tasks-3to4",
    "HuggingFaceH4/MATH-500",
    "cais/mmlu",
    "openai/openai_humaneval",
    "google/IFEval",
    "truthfulqa/truthful_qa",
    *(made.repo for made in catalogue.SAMPLES),
}


CONVERTED = {made.repo for made in catalogue.SAMPLES if made.ref}
"""Repositories that are scripts on `main`, whose files lie in another revision."""


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def unspoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repositories without defects: lines that are broken on purpose stop the real clients."""
    folder = tmp_path_factory.mktemp("hub")
    repositories.write(folder)
    for rows in sample.clean():
        path = folder / sources()[rows.source].repo / rows.file
        path.write_bytes(files.encoded(rows.file, rows.frame))
    return folder


def test_one_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    plants = [repositories.write(tmp_path / name) for name in ("a", "b")]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert plants[0].equals(plants[1])
    assert not repositories.write(tmp_path / "c", seed=2).equals(plants[0])
    assert {f"{path.parent.name}/{path.name}" for path in (tmp_path / "a").glob("*/*")} == LISTED
    assert sum(map(len, contents(tmp_path / "a").values())) < 1 << 20


def test_they_are_written_once_and_again_when_the_code_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, planted = tmp_path / "hub", tmp_path / "planted.parquet"
    assert repositories.ensure(folder, planted)
    before = contents(folder)
    assert manifest.read(planted).schema == manifest.SCHEMA
    times = {path: path.stat().st_mtime_ns for path in (*folder.rglob("*"), planted)}
    assert not repositories.ensure(folder, planted)
    assert {path: path.stat().st_mtime_ns for path in (*folder.rglob("*"), planted)} == times

    planted.unlink()
    assert repositories.ensure(folder, planted)
    (folder / "tatsu-lab/alpaca/stray.txt").write_text("left over")
    monkeypatch.setattr(repositories, "identity", lambda: "another")
    assert repositories.ensure(folder, planted)
    assert set(contents(folder)) == set(before)


def test_what_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, planted = tmp_path / "hub", tmp_path / "planted.parquet"
    repositories.ensure(folder, planted)
    before = contents(folder)
    monkeypatch.setattr(repositories, "identity", lambda: "another")
    monkeypatch.setattr(repositories, "card", lambda repo: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        repositories.ensure(folder, planted)
    assert contents(folder) == before
    assert planted.is_file()


def test_of_two_at_once_one_writes(tmp_path: Path) -> None:
    folder, planted = tmp_path / "hub", tmp_path / "planted.parquet"
    wrote: list[bool] = []
    threads = [threading.Thread(target=lambda: wrote.append(repositories.ensure(folder, planted))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wrote) == [False, True]


SCRIPT = """
import json, sys
from datasets import get_dataset_config_names, load_dataset

wanted = json.loads(sys.argv[1])
made = {}
for repo, config, files in wanted:
    given = {"data_files": files} if files else {}
    loaded = load_dataset(repo, config, **given)
    for split, rows in loaded.items():
        made[f"{repo}|{config}|{split}"] = [rows.num_rows, sorted(rows.features)]
made["configs"] = get_dataset_config_names("openai/gsm8k")
print(json.dumps(made))
"""


def configs(made: Sample) -> list[str | None]:
    """What can be asked for: the configs that the card names, the default one else."""
    named = [described["config_name"] for described in made.card.get("configs", ())]
    return [None] if named in ([], ["default"]) else named


WANTED = [
    ("tatsu-lab/alpaca", None, None),
    ("databricks/databricks-dolly-15k", None, None),
    ("OpenAssistant/oasst1", None, None),
    ("Anthropic/hh-rlhf", None, {"train": "helpful-base/train.jsonl.gz", "test": "helpful-base/test.jsonl.gz"}),
    ("NovaSky-AI/Sky-T1_data_17k", None, None),
    ("openai/gsm8k", "main", None),
    ("openai/gsm8k", "socratic", None),
    ("Jiayi-Pan/Countdown-Tasks-3to4", None, None),
    ("HuggingFaceH4/MATH-500", None, None),
    ("cais/mmlu", "all", None),
    ("openai/openai_humaneval", None, None),
    ("google/IFEval", None, None),
    ("truthfulqa/truthful_qa", "generation", None),
    ("truthfulqa/truthful_qa", "multiple_choice", None),
    *((made.repo, config, None) for made in catalogue.SAMPLES if not made.ref for config in configs(made)),
]


@pytest.fixture(scope="module")
def loaded(unspoilt: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """What `datasets` makes of every repository: rows and features by repository, config and split."""
    import json

    home = tmp_path_factory.mktemp("home")
    with serve(unspoilt) as endpoint:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), json.dumps(WANTED)],
            env={**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_real_clients_load_every_repository(loaded: dict[str, list]) -> None:
    rows = {name: made[0] for name, made in loaded.items() if name != "configs"}
    assert loaded["configs"] == ["main", "socratic"]
    assert {name.split("|")[0] for name in rows} == LISTED - CONVERTED
    assert rows["openai/gsm8k|main|train"] == rows["openai/gsm8k|socratic|train"] == 46
    assert {name.split("|")[2] for name in rows if name.startswith("cais/mmlu")} == {"test", "validation", "dev"}
    assert {name.split("|")[2] for name in rows if name.startswith("OpenAssistant")} == {"train", "validation"}
    assert min(rows.values()) >= 1


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("tatsu-lab/alpaca|None|train", {"instruction", "input", "output", "text"}),
        ("databricks/databricks-dolly-15k|None|train", {"instruction", "context", "response", "category"}),
        ("Anthropic/hh-rlhf|None|test", {"chosen", "rejected"}),
        ("NovaSky-AI/Sky-T1_data_17k|None|train", {"system", "conversations"}),
        ("openai/gsm8k|main|test", {"question", "answer"}),
        ("Jiayi-Pan/Countdown-Tasks-3to4|None|train", {"target", "nums"}),
        ("HuggingFaceH4/MATH-500|None|test", {"problem", "solution", "answer", "subject", "level", "unique_id"}),
        ("cais/mmlu|all|test", {"question", "subject", "choices", "answer"}),
        (
            "openai/openai_humaneval|None|test",
            {"task_id", "prompt", "canonical_solution", "test", "entry_point"},
        ),
        ("google/IFEval|None|train", {"key", "prompt", "instruction_id_list", "kwargs"}),
        ("truthfulqa/truthful_qa|multiple_choice|validation", {"question", "mc1_targets", "mc2_targets"}),
    ],
)
def test_columns_are_upstreams(loaded: dict[str, list], name: str, columns: set[str]) -> None:
    assert set(loaded[name][1]) == columns


def test_parquet_files_have_the_types_of_the_real_ones(unspoilt: Path, real_hub: Path) -> None:
    compared = 0
    for path in unspoilt.rglob("*.parquet"):
        real = real_hub / path.relative_to(unspoilt)
        if real.is_file():
            ours, theirs = pl.read_parquet_schema(path), pl.read_parquet_schema(real)
            assert {name: ours[name] for name in theirs} == dict(theirs), path
            compared += 1
    assert compared >= 9


def test_json_files_have_the_keys_of_the_real_ones(unspoilt: Path, real_hub: Path) -> None:
    compared = 0
    for path in unspoilt.rglob("*.json*"):
        real = real_hub / path.relative_to(unspoilt)
        if real.is_file():
            ours, theirs = (
                pl.read_ndjson(b"\n".join(line.replace(b"\n", b"") for line in lines(p))) for p in (path, real)
            )
            assert set(ours.columns) == set(theirs.columns), path
            nested = {name for name in ours.columns if name != "kwargs"}  # IFEval's arguments differ by item
            assert {name: ours.schema[name] for name in nested} == {name: theirs.schema[name] for name in nested}
            compared += 1
    assert compared >= 6


def test_repositories_are_those_of_the_sources() -> None:
    ours = sample.REPOSITORIES | {made.source: made.repo for made in catalogue.SAMPLES}
    assert ours == {name: sources()[name].repo for name in ours}


def test_the_generator_imports_no_library_of_the_hub() -> None:
    """They freeze the Hub's address when they are imported, and the sample is written before it is known."""
    script = (
        "import sys; from pipelines.sample_hub import repositories, server; print('huggingface_hub' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"


def test_licences_are_those_that_the_sources_state() -> None:
    import yaml

    for name in (*sample.REPOSITORIES, *(made.source for made in catalogue.SAMPLES)):
        source = sources()[name]
        front = yaml.safe_load(repositories.card(source.repo).decode().split("---\n")[1])
        stated = front.get("license")
        assert (stated[0] if isinstance(stated, list) else stated) == source.license
