"""What the manifest says of the sample's repositories is true, and all else in them is clean."""

import json
from pathlib import Path

import polars as pl
import pytest
from defect_checks import Files, check
from sample_rows import lines, load, records, said

from pipelines.sample_hub import manifest, repositories, sample
from pipelines.sample_hub.content import load as content
from pipelines.sample_hub.defects import ALL, leaks
from pipelines.sample_hub.defects import lines as broken
from pipelines.sample_hub.generators import gsm8k, hh_rlhf
from pipelines.sample_hub.rows import Rows
from pipelines.sample_hub.similarity import alike, shingles
from pipelines.sources import sources
from schemas.families import FAMILIES
from schemas.vocabulary import FATES

_UNREADABLE = {breaker.kind for breaker in broken.ALL}
_LEAKED = {leaks.LEAKED, leaks.EDITED}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("planted")
    repositories.ensure(folder / "hub", folder / "planted.parquet")
    return folder / "hub", manifest.read(folder / "planted.parquet")


@pytest.fixture(scope="module")
def files(hub: tuple[Path, pl.DataFrame]) -> Files:
    """The files that sources read, but for the red-team attempts."""
    read = {(rows.source, rows.file) for rows in sample.clean()}
    skipped = {hh_rlhf.RED_TEAM, gsm8k.TEST, *(file for _, file in read if file.startswith("socratic"))}
    return Files({key: load(hub[0], *key) for key in sorted(read) if key[1] not in skipped})


def plants_of(hub: tuple[Path, pl.DataFrame], kinds: set[str]) -> list[dict]:
    return hub[1].filter(pl.col("kind").is_in(list(kinds))).to_dicts()


def test_every_kind_is_planted_some_times_in_files_that_are_read(hub: tuple[Path, pl.DataFrame], files: Files) -> None:
    counts = hub[1].group_by("kind").len()
    kinds = {defect.kind for defect in ALL} | _UNREADABLE | _LEAKED
    assert set(counts["kind"]) == kinds
    assert len(kinds) >= 25
    assert counts["len"].is_between(2, 6).all()
    assert set(hub[1].select("source", "file").iter_rows()) <= set(files.rows)
    assert hub[1].select("source", "file", "row").is_unique().all()
    assert set(hub[1]["outcomes"].explode()) <= {*FATES, "reject"}


def test_every_plant_is_where_the_manifest_says(hub: tuple[Path, pl.DataFrame], files: Files) -> None:
    others = {defect.kind for defect in ALL}
    checked = plants_of(hub, others)
    for plant in checked:
        check(plant, files)
    assert len(checked) + len(plants_of(hub, _UNREADABLE | _LEAKED)) == hub[1].height


def test_unreadable_lines_are_where_the_manifest_says(hub: tuple[Path, pl.DataFrame], files: Files) -> None:
    found = {
        (source, file, row)
        for source, file in files.rows
        if not file.endswith(".parquet")
        for row, line in enumerate(lines(hub[0] / sources()[source].repo / file))
        if said(line) is None
    }
    told = {(plant["source"], plant["file"], plant["row"]) for plant in plants_of(hub, _UNREADABLE)}
    assert found == told
    for plant in plants_of(hub, _UNREADABLE):
        line = lines(hub[0] / sources()[plant["source"]].repo / plant["file"])[plant["row"]]
        fault = {
            "broken JSON": lambda line: line.decode() and not line.endswith(b"}"),
            "invalid UTF-8": lambda line: json.loads(line.decode(errors="replace")) and b"\xe9 " in line,
            "lone surrogate": lambda line: json.loads(line) and b"\\ud83d " in line,
        }[plant["kind"]]
        assert fault(line), plant


def test_leaks_share_their_item(hub: tuple[Path, pl.DataFrame], files: Files) -> None:
    told = content("benchmarks")
    test = load(hub[0], "gsm8k", gsm8k.TEST)
    items = [
        *test.frame["question"],
        *(item["problem"] for item in told["math"]),
        *(item["question"] for item in told["mmlu"]),
        *(item["prompt"].strip() for item in told["humaneval"]),
        *(item["question"] for item in told["truthfulqa"]),
    ]
    found = []
    for plant in plants_of(hub, _LEAKED):
        for family in (plant["family"],) if plant["family"] else sources()[plant["source"]].families:
            if family == "preference":
                continue
            asked = files.record(plant["source"], plant["file"], plant["row"], family)["prompt"][-1]["content"]
            near = [item for item in items if len(shingles(item, 8) & shingles(asked, 8)) >= 5]
            assert len(near) == 1
            assert (near[0] in asked) == (plant["kind"] == leaks.LEAKED)
            found.append(near[0])
    assert len(set(found)) == len(plants_of(hub, _LEAKED))


def test_what_is_not_planted_is_clean_and_there_once(hub: tuple[Path, pl.DataFrame], files: Files) -> None:
    clean = {(rows.source, rows.file): rows for rows in sample.clean()}
    for (source, file), rows in files.rows.items():
        dirty = hub[1].filter(pl.col("source") == source, pl.col("file") == file)["row"].to_list()
        before = [json.dumps(row) for row in clean[source, file].frame.to_dicts()]
        after = [json.dumps(row) for n, row in enumerate(rows.frame.to_dicts()) if n not in dirty]
        added = rows.frame.height - len(before)
        strays = [row for row in after if row not in before]
        assert len(set(after)) == len(after)
        assert len(strays) <= _questions_of(rows, dirty), (file, strays)
        assert 0 <= added <= len(dirty) * (2 if source == "oasst1" else 1)


def _questions_of(rows: Rows, dirty: list[int]) -> int:
    """OASST's copies come with a message that asks."""
    return len(dirty) if rows.source == "oasst1" else 0


def test_enough_clean_rows_are_left(hub: tuple[Path, pl.DataFrame], files: Files) -> None:
    left = pl.DataFrame(
        [(s, rows.frame.height) for (s, _), rows in files.rows.items()], ["source", "rows"], orient="row"
    )
    planted = hub[1].group_by("source").len("planted")
    clean = (
        left.group_by("source").sum().join(planted, on="source").select("source", pl.col("rows") - pl.col("planted"))
    )
    assert clean.filter(~pl.col("rows").is_between(38, 80)).is_empty(), clean


def test_no_two_records_are_alike_that_are_not_meant_to_be(hub: tuple[Path, pl.DataFrame], files: Files) -> None:
    meant = {"exact duplicate", "near-duplicate", "kept"}
    related = set()
    for plant in hub[1].filter(pl.col("of_source").is_not_null()).to_dicts():
        assert set(plant["outcomes"]) <= meant
        own, of = ((plant[f"{p}source"], plant[f"{p}file"], plant[f"{p}row"]) for p in ("", "of_"))
        related |= {(own, of), (of, own)}
    spoilt = set(hub[1].select("source", "file", "row").iter_rows())  # what is left of a row can be more like another
    for family in FAMILIES:
        made = [
            records(rows, family).select("text", "group", "row", source=pl.lit(source), file=pl.lit(file))
            for (source, file), rows in files.rows.items()
            if family in sources()[source].families and source != "countdown"
        ]
        everything = pl.concat(made)
        places = list(everything.select("source", "file", "row").iter_rows())
        for left, right, similarity in alike(everything["text"], 0.5):
            group = everything["group"][left]
            same_group = group is not None and group == everything["group"][right]
            pair = places[left], places[right]
            assert same_group or pair in related or (similarity < 0.65 and spoilt & set(pair)), (pair, similarity)
