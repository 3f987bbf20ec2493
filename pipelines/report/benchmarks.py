"""Which benchmarks records are compared with, in words: for the terminal, Dagster's page and the report."""

import polars as pl

from pipelines.benchmarks.held import Held
from schemas.vocabulary import CONTAMINATION


def benchmarks_text(held: Held) -> str:
    """One line a benchmark, and below them how many items the rules cannot see."""
    rows = _rows(held)
    wide = max(len(str(row["benchmark"])) for row in rows)
    lines = [
        f"{row['benchmark']!s:<{wide}}  {row['status']!s:<11}  {row['items'] or '-':>6}  {_where(row)}" for row in rows
    ]
    return "\n".join([f"{'benchmark':<{wide}}  {'':<11}  {'items':>6}", *lines, "", *_unseen(held)])


def benchmarks_markdown(held: Held) -> str:
    """The same as tables of markdown."""
    lines = ["| benchmark | | items | where, or why not |", "| --- | --- | ---: | --- |"]
    lines += [f"| {row['benchmark']} | {row['status']} | {row['items']:,} | {_where(row)} |" for row in _rows(held)]
    return "\n".join([*lines, "", *_unseen(held)])


def _rows(held: Held) -> list[dict[str, object]]:
    return held.statuses.to_dicts()


def _where(row: dict[str, object]) -> str:
    read = f"{row['repo']} at {str(row['revision'])[:8]}" if row["revision"] else ""
    hashed = "hashes only" if row["gated"] and row["revision"] else ""
    return "; ".join(part for part in (read, hashed, str(row["why"] or "")) if part)


def _unseen(held: Held) -> list[str]:
    total = held.unseen.select(pl.col("items", *CONTAMINATION, "no rule").sum())
    if not held.unseen.height:
        return ["No record is compared with any benchmark."]
    counts = total.row(0, named=True)
    told = ", ".join(f"{rule} {counts[rule]:,}" for rule in CONTAMINATION if rule != "short item")
    return [f"Of {counts['items']:,} items these rules are blind to, since they are too short: {told}; no rule sees "
            f"{counts['no rule']:,}."]  # fmt: skip
