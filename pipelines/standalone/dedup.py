"""`tamis dedup`: near-duplicates of any files, and the same on a frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from pipelines.dedup import near
from pipelines.dedup.minhash import BANDS, ROWS
from pipelines.dedup.near import Clusters
from pipelines.errors import TamisError
from pipelines.files import check_writable, whole
from pipelines.standalone.files import ROW, columns_of, nameless, names_of, write_rows
from pipelines.standalone.progress import Step

STEPS = 4
_BETWEEN = "\n\n"

SURE: Final = 0.7
"""The least similarity of which signatures miss one pair in a hundred only: they meet by 25 bands of 5 places."""


@dataclass(frozen=True)
class Deduplicated:
    """What a command did. `rows`: of the files, without those they were compared with.

    `nameless`: rows that the column of ids does not tell from others.
    """

    rows: int
    removed: int
    equal: int
    by_against: int
    short: int
    not_compared_further: int
    threshold: float
    nameless: int = 0

    def __str__(self) -> str:
        share = self.removed / self.rows if self.rows else 0.0
        lines = [
            f"{self.rows:>12,}  rows",
            f"{self.removed:>12,}  removed ({share:.1%}) from similarity {self.threshold:g} on; {self.equal:,} of them "
            "at 1",
            f"{self.rows - self.removed:>12,}  kept",
            f"{self.short:>12,}  of all that were compared are of under 5 words: equality alone counts for them",
        ]
        if self.by_against:
            lines.insert(2, f"{self.by_against:>12,}  of them for a row of the file that was compared with")
        if self.not_compared_further:
            lines.append(f"{self.not_compared_further:>12,}  kept, and not compared further: their like are too many")
        if self.nameless:
            lines.append(f"{self.nameless:>12,}  have no id of their own: the pairs do not tell which row is meant")
        if self.threshold < SURE:
            met = 1 - (1 - self.threshold**ROWS) ** BANDS
            lines.append(
                f"{met:>12.0%}  of the pairs of similarity {self.threshold:g} are looked at: from .7 on it is 99 %"
            )
        return "\n".join(lines)


def near_duplicates(
    frame: pl.DataFrame,
    columns: str | Sequence[str],
    threshold: float = 0.7,
    *,
    agree: str | None = None,
    against: pl.DataFrame | None = None,
) -> Clusters:
    """The near-duplicates of a frame's rows by the text of some columns, the first of similar rows survives.

    `agree`: a column; rows with different values there are never duplicates. `against`: rows that the frame's are
    compared with first, with the same columns: they stand before the frame's in the numbers of rows, and are only
    removed where they are equal to each other. Below a threshold of .7 not all pairs that similar are found: 55 % at
    .5. ValueError for a threshold that is not in (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold is above 0 and at most 1, not {threshold:g}")
    names = list(dict.fromkeys([columns] if isinstance(columns, str) else columns))
    wanted = list(dict.fromkeys([*names, *([agree] if agree else [])]))
    rows = frame.select(wanted) if against is None else pl.concat([against.select(wanted), frame.select(wanted)])
    clusters = near.near_duplicates(
        rows.select(_joined(names)).to_series(), threshold, None if agree is None else rows[agree]
    )
    if against is None:
        return clusters
    # Rows of one group are duplicates only if they are equal.
    groups = np.where(np.arange(rows.height) < against.height, 1, 0).astype(np.int32)
    return replace(clusters, rows=replace(clusters.rows, groups=groups))


def deduplicate(
    files: Sequence[Path],
    columns: Sequence[str],
    threshold: float,
    out: Path,
    *,
    pairs: Path | None = None,
    agree: str | None = None,
    against: Path | None = None,
    id_: str | None = None,
    step: Step = lambda _: None,
) -> Deduplicated:
    """Write the rows of files that are kept, and which row each other one is a duplicate of.

    `pairs` gets `removed`, `survivor` and `similarity`: the value of the column `id_`, else the row's number from 0,
    behind the file's name where there are several. Raises TamisError for files and columns that cannot be read.
    """
    if not 0 < threshold <= 1:
        raise TamisError(f"--threshold is above 0 and at most 1, not {threshold:g}")
    if not columns:
        raise TamisError("no column is named", cure="Name the texts that are compared: --column text.")
    _check_places(files, against, out, pairs)
    step("reading")
    all_files = [*([against] if against else []), *files]
    first = len(all_files) - len(files)
    rows = columns_of(all_files, [*columns, *([agree] if agree else [])], id_ if pairs else None)
    before = int((rows["file"] < first).sum())
    mine = rows.slice(before)
    check_writable(out, *([pairs] if pairs else []))
    step("comparing")
    known = rows.head(before) if against else None
    clusters = near_duplicates(mine, columns, threshold, agree=agree, against=known)
    removed = clusters.removed.filter(pl.col("row") >= before)
    step("writing what is kept")
    kept = mine.filter(clusters.kept.slice(before)).select(pl.col("file") - first, ROW)
    write_rows(files, kept, out)
    step("writing the pairs")
    if pairs is not None:
        names = names_of(rows, all_files)
        told = removed.select(
            removed=names.gather(removed["row"]), survivor=names.gather(removed["survivor"]), similarity="similarity"
        )
        with whole(pairs) as part:
            told.write_parquet(part)
    return Deduplicated(
        rows=mine.height,
        removed=removed.height,
        equal=removed.filter(pl.col("similarity") == 1).height,
        by_against=removed.filter(pl.col("survivor") < before).height,
        short=clusters.short,
        not_compared_further=clusters.not_compared_further,
        threshold=threshold,
        nameless=nameless(rows),
    )


def _joined(names: Sequence[str]) -> pl.Expr:
    """The text of several columns; null where all are."""
    text = pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator=_BETWEEN, ignore_nulls=True)
    return pl.when(pl.any_horizontal(pl.col(list(names)).is_not_null())).then(text).alias("text")


def _check_places(files: Sequence[Path], against: Path | None, out: Path, pairs: Path | None) -> None:
    if pairs is not None and pairs.resolve() == out.resolve():
        raise TamisError("the kept rows and the pairs would be one file", where=str(out), cure="Name another one.")
    read = {path.resolve() for path in (*files, *([against] if against else []))}
    for written in (out, pairs):
        if written is not None and written.resolve() in read:
            raise TamisError("the file is read and would be written", where=str(written), cure="Name another one.")
