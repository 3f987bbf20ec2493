"""What the default recipe keeps of real rows: a bad edit of a rule or a signal shows here."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.catalogue import recipe_now
from pipelines.normalise import Place, batches, normalise
from pipelines.quality.rules import hits
from pipelines.quality.signals import signals
from pipelines.reading import read
from pipelines.sources import sources
from schemas.families import FAMILIES

FILES = {
    "alpaca": ["data/train-00000-of-00001-a09b74b3ef9c3b56.parquet"],
    "countdown": ["data/train-00000-of-00001.parquet"],
    "dolly": ["databricks-dolly-15k.jsonl"],
    "gsm8k": ["main/train-00000-of-00001.parquet"],
    "hh_rlhf": ["harmless-base/train.jsonl.gz", "harmless-base/test.jsonl.gz"],
    "oasst1": ["data/train-00000-of-00001-b42a775f407cee45.parquet"],
    "sky_t1": ["Sky-T1_data_17k.json"],
}
DROPPED = {
    ("alpaca", "instruction"): (0.018, 0.024),
    ("countdown", "grpo"): (0, 0),
    ("dolly", "instruction"): (0, 0.0007),
    ("gsm8k", "cot"): (0.001, 0.0025),
    ("gsm8k", "grpo"): (0, 0.0003),
    ("hh_rlhf", "preference"): (0.015, 0.022),
    ("oasst1", "instruction"): (0.001, 0.003),
    ("oasst1", "preference"): (0.003, 0.005),  # 7 of 1,571; two echo because the prompt asks for it
    ("sky_t1", "cot"): (0.68, 0.71),  # 194 of the 280 answers were cut off at the length limit
}
"""At least and at most this share of the records is dropped by some rule."""

JUNK = {
    "empty answer": ("alpaca", 10),
    "placeholder answer": ("alpaca", 24),
    "runs on into another task": ("alpaca", 23),
    "same speaker twice": ("hh_rlhf", 9),
    "equal sides": ("oasst1", 3),
    "reasoning tags left": ("sky_t1", 179),
    "gold not reached": ("gsm8k", 13),
    "answer loops": ("sky_t1", 97),
    "placeholder input": ("alpaca", 285),
    "missing attachment": ("alpaca", 126),
}
"""Hits of which those drawn for `bench.precision`, or all, were read one by one, and how many there are."""


def records(source: str, hub: Path) -> dict[str, pl.DataFrame]:
    """The records of a source by family, as a refresh makes them."""
    declared = sources()[source]
    made: dict[str, list[pl.DataFrame]] = {}
    for number, file in enumerate(FILES[source]):
        rows = (b.rows for b in read(hub / declared.repo / file, columns=declared.reads[0].columns))
        for frame in batches(rows, whole_file=declared.reads[0].whole_file):
            place = Place(source, "r", "c", "train", file, number, declared.license, declared.language)
            for family, table in normalise(frame, declared.reads[0], place).records.items():
                made.setdefault(family, []).append(table)
    return {family: pl.concat(tables) for family, tables in made.items()}


@pytest.fixture(scope="module")
def judged(real_hub: Path) -> tuple[dict[tuple[str, str], int], pl.DataFrame]:
    """Records by source and family, and every hit of the default recipe: `id`, `rule`, `action`, `source`, `family`."""
    rules = recipe_now("default").rules
    counts, found = {}, []
    for source in FILES:
        for name, table in records(source, real_hub).items():
            counts[source, name] = table.height
            hit = hits(signals(table, FAMILIES[name]).lazy(), rules, FAMILIES[name]).collect()
            found.append(hit.select("id", "rule", "action", source=pl.lit(source), family=pl.lit(name)))
    return counts, pl.concat(found)


def dropped(hit: pl.DataFrame, **where: Any) -> int:
    return hit.filter(pl.col("action") == "drop", **where)["id"].n_unique()


@pytest.mark.parametrize(("source", "family"), DROPPED)
def test_good_rows_are_kept(judged, source: str, family: str) -> None:
    counts, hit = judged
    least, most = DROPPED[source, family]
    assert least <= dropped(hit, source=source, family=family) / counts[source, family] <= most


@pytest.mark.parametrize("rule", JUNK)
def test_junk_is_found(judged, rule: str) -> None:
    source, count = JUNK[rule]
    assert dropped(judged[1], source=source, rule=rule) == count


def test_every_record_of_the_seven_sources_was_judged(judged) -> None:
    assert set(judged[0]) == set(DROPPED)


def test_the_raw_recipe_has_no_rules() -> None:
    assert recipe_now("raw").rules == []
