"""How often the rules that drop most are right: rows read one by one, hits mixed with as many rows that were not hit.

`python -m bench.precision draw FOLDER` prints the rows in an order that says nothing about which were hit; what was
made of each stands in `precision.csv` (content hash, junk or fine, a word why). The benchmark joins the two.
"""

import argparse
import math
from pathlib import Path
from typing import Final

import polars as pl

from bench.data import hub_folder
from bench.planted import FILES
from pipelines.catalogue import recipe_now
from pipelines.normalise import Place, batches, normalise
from pipelines.quality.rules import hits
from pipelines.quality.signals import signals
from pipelines.reading import read
from pipelines.sources import sources
from schemas.families import FAMILIES

SEED: Final = 11
RULES: Final = 10
HITS: Final = 50
JUDGEMENTS: Final = Path(__file__).with_name("precision.csv")
_EXCERPT: Final = 110
_content: Final = pl.element().struct.field("content")


def run(data: Path | None) -> str:
    """The table: of each rule its hits, how many were read, how many of these are junk, and the 95 % interval."""
    judged = pl.read_csv(JUDGEMENTS).with_columns(content_hash=pl.col("hash").str.decode("hex"))
    drawn = draw(hub_folder(data)).drop("prompt", "said")
    rows = drawn.join(judged, on="content_hash", how="left")
    lines = [
        f"seed {SEED}; {judged.height:,} rows judged, in an order that hid which were hit",
        "",
        "| rule | hits | drawn | read | junk | precision | 95 % interval |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rule, group in rows.drop_nulls("rule").group_by("rule", maintain_order=True):
        told = group.drop_nulls("judgement")
        junk = int((told["judgement"] == "junk").sum())
        lines.append(f"| {rule[0]} | {group['hits'][0]:,} | {group.height} | {_shares(junk, told.height)} |")
    missed = rows.filter(pl.col("rule").is_null()).drop_nulls("judgement")
    junk = int((missed["judgement"] == "junk").sum())
    lines.append(f"| none: rows that were not hit | - | {missed.height} | {_shares(junk, missed.height)} |")
    return "\n".join(lines)


def _shares(junk: int, read_: int) -> str:
    if read_ == 0:
        return "0 | - | - | -"
    low, high = wilson(junk, read_)
    return f"{read_} | {junk} | {junk / read_:.0%} | {low:.0%} to {high:.0%}"


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def draw(folder: Path) -> pl.DataFrame:
    """The rows to be read: `rule` and its `hits`, or null for rows that none hit; `content_hash`, `prompt`, `said`."""
    rules = [rule for rule in recipe_now("default").rules if rule.action == "drop"]
    records, found = [], []
    for source in FILES:
        for name, table in _records(source, folder).items():
            parts = [part for part in ("reasoning", "completion", "chosen") if part in table.columns]
            texts = [
                pl.col(part) if part == "reasoning" else pl.col(part).list.eval(_content).list.join(" ")
                for part in parts
            ]
            records.append(
                table.select(
                    "id", "content_hash", "source",
                    prompt=pl.col("prompt").list.last().struct.field("content"),
                    said=pl.concat_str(texts, separator=" =>> ", ignore_nulls=True) if texts else pl.lit(""),
                )
            )  # fmt: skip
            found.append(
                hits(signals(table, FAMILIES[name]).lazy(), rules, FAMILIES[name]).select("id", "rule").collect()
            )
    known, hit = pl.concat(records), pl.concat(found).unique(maintain_order=True)
    most = hit.group_by("rule").len("hits").sort(["hits", "rule"], descending=[True, False]).head(RULES)
    chosen = []
    for rule, count in most.rows():
        ids = hit.filter(pl.col("rule") == rule).select("id").sort("id")
        drawn = ids.sample(min(HITS, ids.height), seed=SEED)
        chosen.append(drawn.select("id", rule=pl.lit(rule), hits=pl.lit(count, dtype=pl.Int64)))
    read_ = pl.concat(chosen)
    sizes = known.join(read_.select("id").unique(), on="id", how="semi").group_by("source").len().sort("source")
    free = known.join(hit, on="id", how="anti").sort("id")
    for source, size in sizes.rows():
        others = free.filter(pl.col("source") == source)
        drawn = others.sample(min(size, others.height), seed=SEED)
        nothing = drawn.select("id", rule=pl.lit(None, dtype=pl.String), hits=pl.lit(None, dtype=pl.Int64))
        read_ = pl.concat([read_, nothing])
    return read_.join(known, on="id", how="left", maintain_order="left").drop("id")


def _records(source: str, hub: Path) -> dict[str, pl.DataFrame]:
    declared = sources()[source]
    path = hub / declared.repo / FILES[source]
    if not path.is_file():
        return {}
    made: dict[str, list[pl.DataFrame]] = {}
    rows = (batch.rows for batch in read(path, columns=declared.reads[0].columns))
    for frame in batches(rows, whole_file=declared.reads[0].whole_file):
        place = Place(source, "r", "c", "train", FILES[source], 0, declared.license, declared.language)
        for family, table in normalise(frame, declared.reads[0], place).records.items():
            made.setdefault(family, []).append(table)
    return {family: pl.concat(tables) for family, tables in made.items()}


def _shown(text: str) -> str:
    flat = " / ".join(text.split("\n"))
    return flat if len(flat) <= 2 * _EXCERPT else f"{flat[:_EXCERPT]} [...] {flat[-_EXCERPT:]}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["draw"])
    parser.add_argument("folder", type=Path)
    blind = draw(parser.parse_args().folder).unique("content_hash", maintain_order=True).sort("content_hash")
    for row in blind.select("content_hash", "prompt", "said").iter_rows(named=True):
        print(f"{row['content_hash'].hex()[:12]} Q: {_shown(row['prompt'])}\n    A: {_shown(row['said'] or '')}")
