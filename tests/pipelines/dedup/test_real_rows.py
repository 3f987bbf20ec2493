"""On rows that nobody planted anything in."""

from pathlib import Path

import polars as pl
from dedup_records import chosen

from pipelines.dedup.golds import normalised
from pipelines.dedup.pairs import pairs
from pipelines.normalise import Place, normalise
from pipelines.sources import sources
from schemas.families import GRPO


def tasks(folder: Path, source: str) -> pl.DataFrame:
    """Records of the family grpo, of all the files of a source that lie there and can be read as parquet."""
    declared = sources()[source]
    read = next(r for r in declared.reads if "grpo" in r.families)
    files = [p for p in sorted((folder / declared.repo).rglob("*.parquet")) if p.stem.split("-")[0] in read.splits]
    rows = pl.concat([pl.read_parquet(path, columns=list(read.columns)) for path in files])
    place = Place(source, "r", "default", "train", "f", 0, declared.license, declared.language)
    return normalise(rows.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64)), read, place).records["grpo"]


def test_no_task_goes_for_one_of_another_gold_or_other_numbers(real_hub: Path) -> None:
    rows = pl.concat([tasks(real_hub, name) for name in ("gsm8k", "countdown")])
    found = pairs(rows.lazy(), GRPO, 0.7)
    done = chosen(GRPO, rows, found=found)
    said = rows.select("id", "verifier_args", gold=normalised(pl.col("answer")))
    both = done.removed.join(said, on="id").join(said, left_on="survivor", right_on="id", suffix="_kept")
    assert rows.height > 15_000
    assert both.filter(pl.col("verifier_args").ne_missing(pl.col("verifier_args_kept"))).is_empty()
    assert both.filter(pl.col("gold") != pl.col("gold_kept")).is_empty()
    assert not set(done.removed["survivor"]) & set(done.removed["id"])
    assert found.table.height < 100
    assert done.removed.height < 400
