"""Ties as a graph: each tie holds contents, and a component is what ties connect."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.kernels.kernel import Bools, Int32s, Int64s, kernel


@dataclass(frozen=True)
class Graph:
    """Contents by number, in the order of their hashes. The members of tie `t` are
    `members[starts[t]:starts[t + 1]]`; the ties of content `c` are `ties[tie_starts[c]:tie_starts[c + 1]]`."""

    starts: Int64s
    members: Int32s
    tie_starts: Int64s
    ties: Int32s


def graph(contents: pl.Series, ties: pl.DataFrame) -> Graph:
    """`contents`: sorted, each once; `ties`: columns `tie`, `content_hash`, of contents among them."""
    numbered = pl.DataFrame({"content_hash": contents}).with_row_index("content")
    held = ties.join(numbered, on="content_hash", how="inner").select("content", tie=pl.col("tie").rank("dense") - 1)
    count = held["tie"].n_unique()
    by_tie, by_content = held.sort("tie", "content"), held.sort("content", "tie")
    return Graph(
        _starts(by_tie["tie"], count),
        by_tie["content"].cast(pl.Int32).to_numpy(writable=True),
        _starts(by_content["content"], len(contents)),
        by_content["tie"].cast(pl.Int32).to_numpy(writable=True),
    )


def components(found: Graph, among: Bools) -> Int32s:
    """For each content the smallest one that ties connect it with, by way of contents that are `among`."""
    roots = np.arange(len(found.tie_starts) - 1, dtype=np.int32)
    _connect(found.starts, found.members, among, roots)
    return roots


def _starts(numbers: pl.Series, count: int) -> Int64s:
    return np.searchsorted(numbers.to_numpy(), np.arange(count + 1)).astype(np.int64)


@kernel
def _connect(starts: Int64s, members: Int32s, among: Bools, roots: Int32s) -> None:
    """Union-find with path halving; the smaller root stays."""
    for tie in range(len(starts) - 1):
        first = np.int32(-1)
        for place in range(starts[tie], starts[tie + 1]):
            content = members[place]
            if not among[content]:
                continue
            while roots[content] != content:
                roots[content] = roots[roots[content]]
                content = roots[content]
            if first < 0:
                first = content
            elif content < first:
                roots[first] = content
                first = content
            else:
                roots[content] = first
    for content in range(len(roots)):
        # Roots are smaller than what they stand for, so they are settled before.
        roots[content] = roots[roots[content]]
