"""How often the rules that drop most are right: rows read one by one, hits mixed with as many rows that were not hit.

`python -m bench.precision draw FOLDER` prints the rows in an order that says nothing about which were hit; what was
made of each stands in `precision.csv`: content hash, junk or fine, a word why, and whether the whole row was read or
its ends. The benchmark joins the two.
"""

import argparse
import math
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
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
SOUND: Final = "sound answer"
"""Ends the word why of a row whose prompt alone makes it junk."""
_EXCERPT: Final = 110
_content: Final = pl.element().struct.field("content")


def run(data: Path | None) -> str:
    """The tables: of each rule its hits, how many were read, how many of these are junk, and the 95 % interval; and of
    the rows that are fine the share that is dropped."""
    judged = pl.read_csv(JUDGEMENTS).with_columns(content_hash=pl.col("hash").str.decode("hex"))
    known, hit = measured(hub_folder(data))
    rows = draw(known, hit).drop("prompt", "said").join(judged, on="content_hash", how="left")
    whole = judged.filter(read="whole").height
    lines = [
        f"seed {SEED}; {judged.height:,} rows judged by one reader, in an order that hid which were hit. {whole} were "
        f"read whole; of the others, chains of thought of thousands of words, {_EXCERPT} characters at each end. A row "
        "whose prompt alone is broken is junk too, and junk need not be what the rule says it is.",
        "",
        "| rule | hits | drawn | read | whole | junk | precision | 95 % interval |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for rule, group in rows.drop_nulls("rule").group_by("rule", maintain_order=True):
        lines.append(f"| {rule[0]} | {group['hits'][0]:,} | {group.height} | {_shares(group)} |")
    missed = rows.filter(pl.col("rule").is_null())
    lines.append(f"| none: rows that were not hit | - | {missed.height} | {_shares(missed)} |")
    sound = rows.filter(pl.col("why").str.ends_with(SOUND))["content_hash"].n_unique()
    lines += [
        "",
        f"{sound} of the rows counted as junk have a sound answer to a prompt with a stand-in in it.",
        "",
        "| rows judged fine that a rule drops, of all that are fine | share | 95 % interval |",
        "| --- | ---: | ---: |",
        f"| as judged | {_interval(lost(known, hit, rows, strict=False))} |",
        f"| a sound answer makes a row fine | {_interval(lost(known, hit, rows, strict=True))} |",
    ]
    return "\n".join(lines)


def lost(known: pl.DataFrame, hit: pl.DataFrame, rows: pl.DataFrame, *, strict: bool) -> tuple[float, float, float]:
    """Of all rows that are fine, the share that is dropped, and its 95 % interval: of 10,000 draws from what the
    judgements leave open (Jeffreys' prior for each rule, and for the rows of each source that none hit).

    Too high rather than too low: a row that several rules hit counts for each, and those whose rule was not among the
    ones that were read count as fine. `strict`: so do those with a sound answer to a prompt with a stand-in in it.
    """
    rng, draws = np.random.default_rng(SEED), 10_000
    sound = pl.col("why").fill_null("").str.ends_with(SOUND) if strict else pl.lit(value=False)
    told = rows.drop_nulls("judgement").with_columns(fine=(pl.col("judgement") == "fine") | sound)
    dropped = [np.zeros(draws + 1)]
    for rule, hits_ in hit.group_by("rule").len().rows():
        read_ = told.filter(rule=rule)["fine"]
        dropped.append(hits_ * _share(read_, rng, draws) if len(read_) else np.full(draws + 1, float(hits_)))
    kept = [np.zeros(draws + 1)]
    free, read_free = known.join(hit, on="id", how="anti"), told.filter(pl.col("rule").is_null())
    for source, count in free.group_by("source").len().rows():
        of_source = read_free.filter(source=source)["fine"]
        kept.append(count * _share(of_source if len(of_source) else read_free["fine"], rng, draws))
    gone, stay = np.sum(dropped, axis=0), np.sum(kept, axis=0)
    shares = gone / (gone + stay)
    low, high = np.quantile(shares[1:], [0.025, 0.975])
    return float(shares[0]), float(low), float(high)


def _share(fine: pl.Series, rng: np.random.Generator, draws: int) -> npt.NDArray[np.float64]:
    """The share that is fine, and as many values that it may as well have."""
    yes = int(fine.sum())
    return np.concatenate([[yes / len(fine)], rng.beta(yes + 0.5, len(fine) - yes + 0.5, draws)])


def _interval(found: tuple[float, float, float]) -> str:
    share, low, high = found
    return f"{share:.2%} | {low:.2%} to {high:.2%}"


def _shares(drawn: pl.DataFrame) -> str:
    told = drawn.drop_nulls("judgement")
    if told.is_empty():
        return "0 | 0 | - | - | -"
    junk = told.filter(judgement="junk").height
    low, high = wilson(junk, told.height)
    whole = told.filter(read="whole").height
    return f"{told.height} | {whole} | {junk} | {junk / told.height:.0%} | {low:.0%} to {high:.0%}"


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def measured(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The records: `id`, `content_hash`, `source`, `prompt`, `said`; and what is dropped: `id`, `rule`."""
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
    return pl.concat(records), pl.concat(found).unique(maintain_order=True)


def draw(known: pl.DataFrame, hit: pl.DataFrame) -> pl.DataFrame:
    """The rows to be read: `rule` and its `hits`, or null for rows that none hit; `content_hash`, `prompt`, `said`."""
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
    blind = draw(*measured(parser.parse_args().folder)).unique("content_hash", maintain_order=True).sort("content_hash")
    for row in blind.select("content_hash", "prompt", "said").iter_rows(named=True):
        print(f"{row['content_hash'].hex()[:12]} Q: {_shown(row['prompt'])}\n    A: {_shown(row['said'] or '')}")
