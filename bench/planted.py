"""Defects planted in real rows: how many each rule catches, what signals move, and where they move besides.

Every mutator of the sample Hub that is for rules is turned on real rows; the same rows without the plants are measured
beside them. A defect is caught where a rule that drops, and whose signal is for that defect, hits the record it is
planted in; it is planted in records that no rule hit before.
"""

import gzip
import json
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bench.data import hub_folder
from pipelines.catalogue import recipe_now
from pipelines.normalise import Place, normalise
from pipelines.quality import signal
from pipelines.quality.rules import Rule, hits
from pipelines.quality.signals import COMMON, signals
from pipelines.sample_hub.defects import ALL
from pipelines.sample_hub.defects.plant import Spoiler, choose
from pipelines.sample_hub.layouts import LAYOUTS
from pipelines.sample_hub.rows import Rows
from pipelines.sources import sources
from schemas.families import FAMILIES

SEED: Final = 20_261_125
PLANTS: Final = 100
"""Plants of a kind in a source, or as many as it has rows that suit."""

FILES: Final = {
    "alpaca": "data/train-00000-of-00001-a09b74b3ef9c3b56.parquet",
    "dolly": "databricks-dolly-15k.jsonl",
    "oasst1": "data/train-00000-of-00001-b42a775f407cee45.parquet",
    "hh_rlhf": "harmless-base/test.jsonl.gz",
    "sky_t1": "Sky-T1_data_17k.json",
    "gsm8k": "main/train-00000-of-00001.parquet",
}
_ROWS: Final = 2_000

MEANT: Final = {
    "empty answer": {"completion_visible_chars", "chosen_visible_chars"},
    "placeholder answer": {"placeholder"},
    "placeholder input": {"placeholder_input"},
    "answer echoes the prompt": {"echoed_chars", "echoed_words"},
    "looping answer": {"completion_loop_words", "chosen_loop_words"},
    "mojibake answer": {"mojibake", "mojibake_share"},
    "asks for a missing image": {"missing_attachment"},
    "empty turn": {"empty_turns"},
    "identical pair": {"equal_sides"},
    "unbalanced reasoning tags": {"reasoning_tags", "reasoning_marked"},
    "truncated reasoning": {"reasoning_tags", "reasoning_marked"},
    "empty reasoning": {"reasoning_visible_chars"},
    "looping reasoning": {"reasoning_loop_words"},
    "wrong gold answer": {"gold_in_last_line"},
}
"""The signals, or columns of some, that are for a kind of defect. A rule that hits by another has not caught it."""


def run(data: Path | None) -> str:
    """The table of kinds and sources, and what of the rows that nothing was planted in is dropped."""
    folder = hub_folder(data)
    lines = [
        f"data: {folder}; seed {SEED}; up to {PLANTS} plants a kind and source",
        "",
        "| kind | source | planted | its signal moved | caught by it | share | other rows with a signal that moved |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    clean = []
    for source, file in FILES.items():
        path = folder / sources()[source].repo / file
        if not path.is_file():
            continue
        rows = load(path, source, file)
        plain = _measured(rows)
        clean.append((source, plain))
        for defect in ALL:
            if isinstance(defect, Spoiler) and source in defect.sources and defect.outcomes == ("rule",):
                planted, moved, caught, others = _planted(defect, rows, plain)
                share = f"{caught / planted:.1%}" if planted else "-"
                lines.append(f"| {defect.kind} | {source} | {planted} | {moved} | {caught} | {share} | {others} |")
    lines += ["", "| source | family | records without plants | dropped by a rule | share |"]
    lines.append("| --- | --- | ---: | ---: | ---: |")
    for source, plain in clean:
        for family, (found, hit) in plain.items():
            dropped = hit["row"].n_unique()
            lines.append(f"| {source} | {family} | {found.height:,} | {dropped:,} | {dropped / found.height:.2%} |")
    return "\n".join(lines)


def load(path: Path, source: str, file: str) -> Rows:
    """The first rows of a file in upstream's layout; whole trees of OASST."""
    schema = LAYOUTS[source].schema
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path).select(pl.col(name).cast(kind) for name, kind in schema.items())
    else:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        found = json.loads(content) if path.suffix == ".json" else [json.loads(line) for line in content.splitlines()]
        frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in found], schema)
    if source == "oasst1":
        trees = frame["message_tree_id"].unique(maintain_order=True).head(_ROWS // 4)
        return Rows(source, file, frame.filter(pl.col("message_tree_id").is_in(trees.implode())))
    return Rows(source, file, frame.head(_ROWS))


Measured = dict[str, tuple[pl.DataFrame, pl.DataFrame]]
"""By family: the signals of its records with their `row` upstream, and the hits of rules that drop, `row` and `rule`.
"""


def _measured(rows: Rows) -> Measured:
    declared = sources()[rows.source]
    read = next((one for one in declared.reads if one.config == rows.file.partition("/")[0]), declared.reads[0])
    frame = rows.frame.with_row_index("row").select(
        pl.col("row").cast(pl.Int64), *[pl.col(name).cast(kind) for name, kind in read.columns.items()]  # type: ignore[arg-type]
    )  # fmt: skip
    place = Place(rows.source, "0" * 40, "c", "train", rows.file, 0, declared.license, declared.language)
    found: Measured = {}
    rules = _rules()
    for name, table in normalise(frame, read, place).records.items():
        made = signals(table, FAMILIES[name])
        hit = hits(made.lazy(), rules, FAMILIES[name]).select("id", "rule").collect()
        made = made.with_columns(row=table["origin"].struct.field("row"))
        found[name] = made, hit.join(made.select("id", "row"), on="id").drop("id")
    return found


def _rules() -> list[Rule]:
    return [rule for rule in recipe_now("default").rules if rule.action == "drop"]


def _planted(defect: Spoiler, rows: Rows, plain: Measured) -> tuple[int, int, int, int]:
    """How many were planted in records that no rule hit; in how many of these a signal that is for the defect moved;
    how many it drops; and how many other records have any signal that moved."""
    generator = np.random.default_rng(SEED)
    family = defect.families.get(rows.source) or next(iter(plain))
    before, dropped = plain[family]
    bad, known = set(dropped["row"]), set(before["row"])
    positions = [at for at in _some(rows, defect, generator) if at in known and at not in bad]
    made = defect.plant(rows, positions, generator)
    after, hit = _measured(made.rows)[family]
    columns = signal.columns(FAMILIES[family])
    meant = [name for name, of in columns.items() if not MEANT[defect.kind].isdisjoint({name, of.name})]
    by = [rule.name for rule in _rules() if set(rule.columns(FAMILIES[family])) & set(meant)]
    caught = hit.filter(pl.col("row").is_in(positions), pl.col("rule").is_in(by))["row"].n_unique()
    both = before.select("row", *columns).join(after.select("row", *columns), on="row", suffix="_now", how="full")
    both = both.with_columns(planted=pl.coalesce("row", "row_now").is_in(positions))
    moved = both.filter(pl.col("planted") & _any_moved(meant)).height
    others = both.filter(~pl.col("planted") & _any_moved(list(columns))).height
    assert set(COMMON) <= set(after.columns)
    return len(positions), moved, caught, others


def _any_moved(columns: list[str]) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in columns)


def _some(rows: Rows, defect: Spoiler, generator: np.random.Generator) -> list[int]:
    count = PLANTS
    while count:
        try:
            return choose(rows, defect, count, generator)
        except ValueError:  # fewer suit
            count //= 2
    return []
