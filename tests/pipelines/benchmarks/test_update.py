"""The index of benchmarks over the life of a Hub: built, brought up to date, kept when upstream vanishes."""

import json
import shutil
import uuid
from pathlib import Path

import polars as pl
import pytest
from hub_faults import Requests
from hub_repositories import settings, write
from hub_switch import CACHE, serving

from pipelines.benchmarks.benchmark import Benchmark, Place, at
from pipelines.benchmarks.catalogue import BENCHMARKS, NAMES
from pipelines.benchmarks.held import held, indexable
from pipelines.benchmarks.update import update
from pipelines.decontaminate.index import index
from pipelines.decontaminate.rules import hits
from pipelines.decontaminate.scan import scan
from pipelines.hub import Hub
from pipelines.lake import Lake
from pipelines.report.benchmarks import benchmarks_markdown, benchmarks_text
from pipelines.sample_hub.repositories import ensure

SECRET = "Which of the seven isotopes that were irradiated in the third run decays into a daughter with a magic number?"


def exam(repo: str, name: str = "exam", *, gated: bool = False) -> Benchmark:
    place = Place(
        repo=repo,
        files={"test": at("test", "main")},
        columns={"q": pl.String, "a": pl.String},
        texts={"q": pl.col("q")},
        answers=pl.concat_list("a"),
    )
    return Benchmark(name, (place,), gated=gated)


@pytest.fixture
def repo() -> str:
    return f"org/exam-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.rmtree(CACHE, ignore_errors=True)
    (tmp_path / "hub").mkdir()
    return tmp_path / "hub"


def put(folder: Path, repo: str, *questions: str) -> None:
    lines = [json.dumps({"q": question, "a": "one"}) for question in questions]
    write(folder / repo / "test.jsonl", "\n".join(lines))


def brought(folder: Path, lake: Lake, *benchmarks: Benchmark, online: bool = False) -> dict[str, tuple]:
    with serving(folder):
        made = update(lake, Hub(None, CACHE, online=online), benchmarks)
    return {row["benchmark"]: (row["status"], row["items"]) for row in made.statuses.to_dicts()}


def test_one_that_is_large_is_left_until_it_is_asked_for(folder: Path, repo: str, lake: Lake) -> None:
    put(folder, repo, "First?", "Second?")
    with serving(folder):
        hub = Hub(None, CACHE, online=False)
        (row,) = update(lake, hub, [exam(repo)], at_most=10).statuses.to_dicts()
        assert row["status"] == "NOT CHECKED" and "`tamis benchmarks`" in row["why"]
        (row,) = update(lake, hub, [exam(repo)]).statuses.to_dicts()
        assert (row["status"], row["items"]) == ("checked", 2)
        (row,) = update(lake, hub, [exam(repo)], at_most=10).statuses.to_dicts()
        assert row["status"] == "checked", "what was fetched needs no fetching"


def texts(lake: Lake) -> list[str]:
    return lake.scan("benchmarks").sort("position").collect()["text"].to_list()


def test_it_is_built_brought_up_to_date_and_kept(folder: Path, repo: str, lake: Lake) -> None:
    put(folder, repo, "First?", "Second?")
    assert brought(folder, lake, exam(repo)) == {"exam": ("checked", 2)}
    versions = lake.versions(["benchmarks", "benchmark_status"])
    assert brought(folder, lake, exam(repo)) == {"exam": ("checked", 2)}
    assert lake.versions(["benchmarks", "benchmark_status"]) == versions, "nothing moved, so nothing is written"
    put(folder, repo, "First?", "Third?", "Fourth?")
    assert brought(folder, lake, exam(repo)) == {"exam": ("checked", 3)}
    assert texts(lake) == ["First?", "Third?", "Fourth?"]
    shutil.rmtree(folder / repo)
    assert brought(folder, lake, exam(repo)) == {"exam": ("kept", 3)}
    assert texts(lake) == ["First?", "Third?", "Fourth?"]
    assert "this Hub does not have" in benchmarks_text(held(lake))


def test_what_is_not_there_is_not_checked_and_stops_nothing(folder: Path, repo: str, lake: Lake) -> None:
    put(folder, repo, "First?")
    write(folder / f"{repo}-empty" / "README.md", "nothing else")
    write(folder / f"{repo}-other" / "test.jsonl", '{"question": "Of another layout?"}')
    write(folder / f"{repo}-closed" / "test.jsonl", '{"q": "x", "a": "y"}')
    settings(folder / f"{repo}-closed", gated=True)
    others = [exam(f"{repo}-{name}", name) for name in ("absent", "empty", "other", "closed")]
    made = brought(folder, lake, *others, exam(repo))
    assert made == dict.fromkeys(("absent", "empty", "other", "closed"), ("NOT CHECKED", 0)) | {"exam": ("checked", 1)}
    why = dict(held(lake).not_checked.rows())
    assert "does not have" in why["absent"] and "no files" in why["empty"]
    assert "'q'" in why["other"] or " q" in why["other"]
    assert "gated" in why["closed"]
    assert all(f"{name} " in benchmarks_text(held(lake)) for name in why)
    assert benchmarks_markdown(held(lake)).count("NOT CHECKED") == 4


def test_of_several_places_the_first_that_is_there_is_read(folder: Path, repo: str, lake: Lake) -> None:
    put(folder, repo, "First?")
    places = (*exam(f"{repo}-gone").places, *exam(repo).places)
    assert brought(folder, lake, Benchmark("exam", places)) == {"exam": ("checked", 1)}
    assert held(lake).statuses["repo"].to_list() == [repo]


def test_a_gated_benchmark_is_held_as_hashes_and_still_found(folder: Path, repo: str, lake: Lake) -> None:
    put(folder, repo, SECRET)
    assert brought(folder, lake, exam(repo, gated=True)) == {"exam": ("checked", 1)}
    stored = b"".join(path.read_bytes() for path in lake.folder("benchmarks").rglob("*") if path.is_file())
    rows = lake.scan("benchmarks").collect()
    assert rows.select("text", "answers", "choices").null_count().row(0) == (1, 1, 1)
    assert not any(word.encode() in stored for word in ("isotopes", "irradiated", "daughter", "magic"))
    known = index(indexable(lake.scan("benchmarks")))
    found = hits(scan(pl.Series([f"Say: {SECRET}"]), known), known, lambda asked: pl.Series([None] * asked.height))
    assert found["rule"].to_list() == ["8-gram", "13-gram", "coverage"] and found["text"].null_count() == 3


def test_hashes_of_other_code_are_not_compared_with(folder: Path, repo: str, lake: Lake) -> None:
    put(folder, repo, SECRET)
    brought(folder, lake, exam(repo, gated=True))
    older = lake.scan("benchmarks").collect().with_columns(hashing=pl.lit("older"), code=pl.lit("older"))
    lake.replace("benchmarks", older, partition="exam")
    assert indexable(lake.scan("benchmarks")).is_empty()
    shutil.move(folder / repo, folder / "elsewhere")
    assert brought(folder, lake, exam(repo, gated=True)) == {"exam": ("NOT CHECKED", 0)}
    shutil.move(folder / "elsewhere", folder / repo)
    assert brought(folder, lake, exam(repo, gated=True)) == {"exam": ("checked", 1)}


def test_questions_that_differ_in_their_choices_alone_are_items_each(folder: Path, repo: str, lake: Lake) -> None:
    lines = [json.dumps({"q": "Which is true?", "a": answer}) for answer in ("one", "two", "one")]
    write(folder / repo / "main" / "test.jsonl", "\n".join(lines))
    assert brought(folder, lake, exam(repo)) == {"exam": ("checked", 2)}


def test_a_lake_that_was_never_asked_checks_nothing(lake: Lake) -> None:
    never = held(lake)
    assert never.statuses["benchmark"].to_list() == list(NAMES)
    assert set(never.statuses["status"]) == {"NOT CHECKED"}
    assert "No record is compared" in benchmarks_text(never)


def test_the_sample_hubs_benchmarks_are_read(folder: Path, tmp_path: Path, lake: Lake) -> None:
    ensure(folder, tmp_path / "planted.parquet")
    made = brought(folder, lake, *BENCHMARKS)
    checked = {name for name, (status, items) in made.items() if status == "checked" and items > 0}
    assert checked >= {"GSM8K", "MATH-500", "MMLU", "HumanEval", "IFEval", "TruthfulQA"}
    assert list(made) == list(NAMES)


def test_real_benchmarks_are_read_whole(real_hub: Path, lake: Lake) -> None:
    shutil.rmtree(CACHE, ignore_errors=True)
    seen = Requests()
    with serving(real_hub, seen.wrap):
        made = update(lake, Hub(None, CACHE, online=False))
    counts = dict(made.statuses.select("benchmark", "items").rows())
    whole = {"GSM8K": 1319, "MATH": 5000, "MATH-500": 500, "AIME 2024": 30, "AIME 2025": 30, "AMC 2023": 40}
    whole |= {"HumanEval": 164, "MBPP": 600, "IFEval": 541, "TruthfulQA": 817, "AlpacaEval": 805, "MT-Bench": 80}
    assert {name: counts[name] for name in whole} == whole
    assert counts["MMLU"] == 14_042 + 1_531 - 134, "134 repeat another with its choices"
    assert made.not_checked["benchmark"].to_list() == ["GPQA", "LiveCodeBench"]
    assert not any("auxiliary" in path or "train" in path for path in seen.paths("GET") if "mmlu" in path)


@pytest.mark.parametrize("gated", [False, True])
def test_items_keep_their_names_wherever_upstream_moves_them(folder: Path, lake: Lake, repo: str, gated: bool) -> None:
    def named() -> dict[int, str]:
        """The item that each question is known as."""
        items = index(indexable(lake.scan("benchmarks")))
        asked = pl.Series([f"{n} {SECRET}" for n in range(4)])
        made = hits(scan(asked, items), items, lambda _: []).filter(pl.col("rule") == "coverage")
        best = made.filter(pl.col("value") == 1).sort("row", "tokens", descending=[False, True])
        return dict(best.unique("row", keep="first").select("row", "item").rows())

    one, two, three, four = (f"{n} {SECRET}" for n in range(4))
    put(folder, repo, one, two, "Who?", "Who is that?", three)
    assert brought(folder, lake, exam(repo, gated=gated)) == {"exam": ("checked", 5)}
    assert named() == {0: "test.0", 1: "test.1", 2: "test.4"}
    put(folder, repo, four, three, "Who is it?", one)
    assert brought(folder, lake, exam(repo, gated=gated)) == {"exam": ("checked", 4)}
    moved = named()
    assert (moved[0], moved[2]) == ("test.0", "test.4"), "as they were"
    assert moved[3].startswith("test.0@"), "another item has that number"
    held_ = lake.scan("benchmarks").sort("position").collect()
    assert held_["item"].n_unique() == 4 and held_["item"][2].startswith("test.2@")
    put(folder, repo, one, two, three, four)
    brought(folder, lake, exam(repo, gated=gated))
    again = named()
    assert (again[0], again[2], again[3]) == (moved[0], moved[2], moved[3]) and again[1] == "test.1"
