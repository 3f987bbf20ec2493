"""What of a source would be read: its files now, compared with those that were read before."""

from collections import Counter

import polars as pl

from pipelines.plan.what import SourcePlan
from pipelines.sources.source import Source
from pipelines.staleness import extent, in_order, why_again
from pipelines.wanted import Snapshot


def reading(name: str, source: Source, snapshot: Snapshot, known: pl.DataFrame, limit: int | None) -> SourcePlan:
    """What of a snapshot would be read, and why.

    `known`: the source's rows of the table `files`, as its last run left them; `limit`: rows to read of the source.
    """
    before = {str(row["file"]): row for row in known.iter_rows(named=True)}
    density = _rows_per_byte(known)
    why: Counter[str] = Counter()
    seen: set[str] = set()
    standing = to_read = taken = 0
    rows: int | None = 0
    counted = True
    for _, file in in_order(source, snapshot):
        old = before.get(file.path)
        left = extent(old, None if limit is None else max(limit - taken, 0))
        reason = why_again(old, file, source.code, left, snapshot.license or source.license)
        if reason is not None and left == 0:
            continue
        seen.add(file.path)
        if reason is None:
            standing += 1
            taken += int(str(before[file.path]["rows"]))
            continue
        why[reason] += 1
        to_read += file.size
        whole = old is not None and old["etag"] == file.etag and old["limit"] is None
        expected = int(str(before[file.path]["rows"])) if whole else _expected(density, file.size)
        if left is not None:
            expected = left if expected is None else min(expected, left)
        counted &= whole
        rows = None if rows is None or expected is None else rows + expected
        taken += expected or 0
    leaving = len(set(before) - seen)
    commits = known["revision"].unique()
    return SourcePlan(
        name=name,
        word="new" if known.is_empty() else "changed" if why or leaving else "unchanged",
        license=snapshot.license or source.license,
        commit=snapshot.revision,
        read_at=str(known["revision"][-1]) if len(commits) else "",
        why=why,
        standing=standing,
        leaving=leaving,
        absent=snapshot.absent,
        to_read=to_read,
        upstream=sum({file.path: file.size for file in snapshot.files}.values()),
        rows=rows,
        counted=counted,
    )


def _rows_per_byte(known: pl.DataFrame) -> float | None:
    """Of the source's files that were read to their end."""
    whole = known.filter(pl.col("limit").is_null())
    size = int(whole["bytes"].sum())
    return int(whole["rows"].sum()) / size if size else None


def _expected(density: float | None, size: int) -> int | None:
    return None if density is None else round(density * size)
