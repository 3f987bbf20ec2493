"""OpenAssistant's trees of messages: the conversations in them, and the pairs that people's ranks make.

A row is one message. An assistant's message that nobody carried on yields the conversation up to it; a sibling that
people ranked below the best yields a pair with the best. `rank` is null where siblings were not ranked; messages that
upstream deleted break the paths through them. `message_id` is not unique in every copy (equal openings of several
trees share one), so it is kept in `meta` and no id is made of it.
"""

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.kernels.kernel import Bools, Int64s, kernel
from pipelines.layouts.messages import message, role
from pipelines.sources.source import Read

DEPTH: Final = 64
"""Longest path that is followed; upstream's deepest tree has some 20 levels."""


def paths(frame: pl.DataFrame) -> pl.DataFrame:
    """Each message with the conversation that leads to it (`path`), and what became of it.

    Adds `path` (messages up to and with this one; null where the path is broken), `carried` (id of a message that
    continues this one's answer, so that the longer path yields instead), and `best` (the message of its best-ranked
    sibling that was not deleted, where this one is ranked below it).
    """
    said = frame.with_columns(
        message=message(role(pl.col("role")), pl.col("text")),
        alive=~pl.col("deleted").fill_null(value=False) & pl.col("text").is_not_null(),
    )
    located = said.with_columns(path=_paths(said))
    return _with_best_sibling(_with_continuation(located))


def _paths(said: pl.DataFrame) -> pl.Series:
    """The messages up to and with each one, from the root of its tree; null where one of them is not alive or missing.

    Of several messages with one id, those nearest to a root count, and of them the first.
    """
    names = pl.concat([said["message_id"], said["parent_id"]]).rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    firsts, depths = _placed(names[: said.height], names[said.height :], said["alive"].to_numpy())
    offsets, chain = _chains(names[: said.height], names[said.height :], firsts, depths)
    spoken = said["message"].gather(pl.Series(chain)).to_arrow(compat_level=pl.CompatLevel.oldest())
    paths = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), spoken))
    assert isinstance(paths, pl.Series)
    return paths.set(pl.Series(np.diff(offsets) == 0), None)


@kernel
def _placed(own: Int64s, parents: Int64s, alive: Bools) -> tuple[Int64s, Int64s]:
    """The row that counts for each name (0 is that of none), and its depth, from 1; 0 for names that are not reached.

    Level by level; paths deeper than DEPTH below their roots are not followed.
    """
    most = np.int64(0)
    for row in range(len(own)):
        most = max(most, own[row], parents[row])
    firsts, depths = np.zeros(most + 1, np.int64), np.zeros(most + 1, np.int64)
    for depth in range(1, DEPTH + 2):
        found = False
        for row in range(len(own)):
            if not alive[row] or own[row] == 0 or depths[own[row]] != 0:
                continue
            is_next = parents[row] == 0 if depth == 1 else parents[row] > 0 and depths[parents[row]] == depth - 1
            if is_next:
                firsts[own[row]], depths[own[row]], found = row, depth, True
        if not found:
            break
    return firsts, depths


@kernel
def _chains(own: Int64s, parents: Int64s, firsts: Int64s, depths: Int64s) -> tuple[Int64s, Int64s]:
    """The rows from the root to each row's name, one chain after another; where each begins."""
    offsets = np.zeros(len(own) + 1, np.int64)
    for row in range(len(own)):
        offsets[row + 1] = offsets[row] + depths[own[row]]
    chain = np.zeros(offsets[-1], np.int64)
    for row in range(len(own)):
        name = own[row]
        for place in range(offsets[row + 1] - 1, offsets[row] - 1, -1):
            chain[place] = firsts[name]
            name = parents[firsts[name]]
    return offsets, chain


def _with_continuation(located: pl.DataFrame) -> pl.DataFrame:
    answers = located.filter((pl.col("role") == "assistant") & pl.col("path").is_not_null() & pl.col("alive"))
    asked = located.filter((pl.col("role") != "assistant") & pl.col("path").is_not_null() & pl.col("alive"))
    carried = (
        answers.select(answer="message_id", turn="parent_id")
        .join(asked.select(turn="message_id", before="parent_id"), on="turn", how="inner", maintain_order="left")
        .group_by("before", maintain_order=True)
        .agg(carried=pl.col("answer").first())
    )
    return located.join(carried, left_on="message_id", right_on="before", how="left", maintain_order="left")


def _with_best_sibling(located: pl.DataFrame) -> pl.DataFrame:
    ranked = pl.col("rank").is_not_null() & pl.col("path").is_not_null() & (pl.col("role") == "assistant")
    best = (
        located.filter(ranked)
        .sort("rank", maintain_order=True)
        .unique("parent_id", keep="first", maintain_order=True)
        .select("parent_id", best=pl.concat_list("message"), best_rank="rank")
    )
    return located.join(best, on="parent_id", how="left", maintain_order="left").with_columns(
        best=pl.when(ranked & (pl.col("rank") > pl.col("best_rank"))).then("best")
    )


deleted = pl.col("deleted").fill_null(value=False)
is_answer = pl.col("role") == "assistant"
ends_path = is_answer & pl.col("carried").is_null()
is_lower = pl.col("best").is_not_null()
before = pl.col("path").list.head(pl.col("path").list.len() - 1)
common = {
    "group": pl.col("message_tree_id"),
    "language": pl.col("lang"),
    "prompt": before,
}
meta = pl.struct("message_id", "rank", "review_result", "synthetic", "tree_state").struct.json_encode()

TREES = Read(
    config=None,
    splits=("train", "validation"),
    columns={
        "message_id": pl.String,
        "parent_id": pl.String,
        "text": pl.String,
        "role": pl.String,
        "lang": pl.String,
        "review_result": pl.Boolean,
        "deleted": pl.Boolean,
        "rank": pl.Int32,
        "synthetic": pl.Boolean,
        "message_tree_id": pl.String,
        "tree_state": pl.String,
    },
    whole_file=True,
    prepare=paths,
    reject={"no text": pl.col("text").is_null() & ~deleted},
    skip={
        "deleted upstream": deleted,
        "its path is broken by a deleted or missing message": pl.col("path").is_null(),
        "a question; it is part of the paths through it": ~is_answer,
        "part of a longer path": is_answer & pl.col("carried").is_not_null() & ~is_lower,
    },
    families={
        "instruction": {
            **common,
            "when": ends_path,
            "completion": pl.concat_list("message"),
            "meta": meta,
        },
        "preference": {
            **common,
            "when": is_lower,
            "chosen": pl.col("best"),
            "rejected": pl.concat_list("message"),
            "meta": meta,
        },
    },
)
"""How a repository in this layout is read."""
