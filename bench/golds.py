"""What the rule that golds must agree saves: removed prompts that have no survivor of an equal gold or arguments.

The check is in plain Python and shares nothing with what it checks: a removed row is saved by any kept row of the same
set of rows that has an equal gold and a Jaccard similarity of the threshold or more over sets of 5 words.
"""

import re
from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bench.data import hub_folder
from bench.prompts import SETS, prompts
from pipelines.dedup.buckets import buckets
from pipelines.dedup.candidates import candidates
from pipelines.dedup.golds import codes, normalised
from pipelines.dedup.jaccard import similarities
from pipelines.dedup.minhash import signatures
from pipelines.dedup.near import near_duplicates
from pipelines.dedup.shingles import WORDS, shingles
from pipelines.sides.graph import components, graph
from pipelines.sides.near import SMALL
from pipelines.sides.tying import MANY

_THRESHOLD: Final = 0.7
_TIED: Final = 0.8
_WORD: Final = re.compile(r"\w+")


def run(data: Path | None) -> str:
    """The table: sets of mathematics together, Countdown by itself."""
    folder = hub_folder(data)
    rows = prompts(folder)
    mathematics = [name for name in SETS if name != "Countdown"]
    lines = [
        f"data: {folder}; threshold {_THRESHOLD}; ties from {_TIED} on",
        "",
        "| prompts | rows | removed | of them without a survivor of equal gold | removed without the rule | of them "
        "without a survivor of equal gold | largest component of ties |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, mine in ((", ".join(mathematics), rows.filter(pl.col("set").is_in(mathematics))),
                       ("Countdown", rows.filter(pl.col("set") == "Countdown"))):  # fmt: skip
        if mine.is_empty():
            lines.append(f"| {name} | not in the data |{' |' * 5}")
            continue
        ruled = near_duplicates(mine["text"], _THRESHOLD, mine.select(normalised(pl.col("gold"))).to_series()).kept
        free = near_duplicates(mine["text"], _THRESHOLD).kept
        counts = " | ".join(f"{(~kept).sum():,} | {unsaved(mine, kept):,}" for kept in (ruled, free))
        lines.append(f"| {name} | {mine.height:,} | {counts} | {largest_component(mine):,} |")
    return "\n".join(lines)


def unsaved(rows: pl.DataFrame, kept: pl.Series) -> int:
    """Removed rows (`text`, `gold`) that have no kept row of an equal gold and a similarity of the threshold."""
    by_gold: defaultdict[str, list[frozenset[tuple[str, ...]]]] = defaultdict(list)
    held = list(zip(rows["text"], (plain(gold) for gold in rows["gold"]), kept, strict=True))
    for text, gold, stays in held:
        if stays:
            by_gold[gold].append(five_words(text))
    lost = 0
    for text, gold, stays in held:
        if not stays:
            said = five_words(text)
            lost += not any(_alike(said, other) for other in by_gold[gold])
    return lost


def plain(gold: str | None) -> str:
    r"""A gold as a person compares it: `\$1,200`, `1200` and `1200.0` are one, so are `\dfrac` and `\frac`."""
    said = re.sub(r"[\s$]|\\left|\\right|\\[!,;: ]", "", gold or "").lower().replace("dfrac", "frac")
    said = re.sub(r"^\\(?:text|mathrm|boxed)\{(.*)\}$", r"\1", said.replace("tfrac", "frac")).rstrip(".")
    number = re.sub(r"(?<=\d),(?=\d{3})", "", said)
    return str(Fraction(number)) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", number) else said


def five_words(text: str) -> frozenset[tuple[str, ...]]:
    """The set of runs of 5 words of a text, or all its words where they are fewer."""
    words = _WORD.findall(text.lower())
    return frozenset(tuple(words[at : at + 5]) for at in range(len(words) - 4)) or frozenset([tuple(words)])


def _alike(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    # Their sizes alone tell most of them apart.
    if min(len(one), len(other)) < _THRESHOLD * max(len(one), len(other)):
        return False
    shared = len(one & other)
    return shared >= _THRESHOLD * (len(one) + len(other) - shared)


def largest_component(rows: pl.DataFrame) -> int:
    """Rows of the largest component of equal prompts and near-equal ones whose golds agree, as sides are tied by."""
    sets = shingles(rows["text"])
    golds = codes(rows.select(normalised(pl.col("gold"))).to_series())
    long = np.flatnonzero(sets.words >= WORDS).astype(np.int32)
    keys = np.ascontiguousarray(signatures(sets)[:, long])
    met = candidates(buckets(keys), golds[long], np.zeros_like(golds[long]), small=SMALL, chained=MANY)
    left, right = long[met.left], long[met.right]
    tied = similarities(sets, left, right, _TIED) >= _TIED
    near = pl.DataFrame({"left": left[tied], "right": right[tied]}).with_row_index("tie")
    ties = near.unpivot(index="tie", on=["left", "right"], value_name="content_hash").select("tie", "content_hash")
    equal = rows.select(tie=pl.col("text").rank("dense") + near.height).with_row_index("content_hash")
    equal = equal.filter((pl.len().over("tie") > 1) & (pl.len().over("tie") <= MANY))
    every = [table.select(pl.col("tie", "content_hash").cast(pl.Int64)) for table in (ties, equal)]
    contents = pl.Series(np.arange(rows.height))
    roots = components(graph(contents, pl.concat(every)), np.ones(rows.height, np.bool_))
    return int(np.bincount(roots).max())
