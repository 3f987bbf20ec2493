from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.training.packing import Shards, packed
from pipelines.training.settings import Run

LONGEST = 64


def table(lengths: list[tuple[int, int]]) -> pl.DataFrame:
    """Rows of so many prompt and completion tokens; each token tells its row and its place."""
    ids = [[row * 1000 + place for place in range(p + c)] for row, (p, c) in enumerate(lengths)]
    labels = [[-100] * p + ids[row][p:] for row, (p, _) in enumerate(lengths)]
    return pl.DataFrame(
        {
            "id": [str(row) for row in range(len(lengths))],
            "input_ids": ids,
            "labels": labels,
            "n_tokens": [p + c for p, c in lengths],
            "n_loss_tokens": [c for _, c in lengths],
        },
        schema_overrides={"input_ids": pl.List(pl.Int32), "labels": pl.List(pl.Int32)},
    )


def rows_of(shards: Shards) -> list[list[list[int]]]:
    """The token ids of each row of each step, without what fills steps up."""
    steps: list[list[list[int]]] = [[] for _ in range(shards.steps)]
    for n, shard in enumerate(shards.table.iter_rows(named=True)):
        assert len(shard["input_ids"]) == len(shard["labels"]) == sum(shard["seq_lengths"])
        if shard["seq_lengths"] == [1] and shard["labels"] == [-100]:
            continue
        edges = np.cumsum([0, *shard["seq_lengths"]])
        rows = [shard["input_ids"][a:b] for a, b in pairwise(edges)]
        steps[n // shards.rows_a_step] += rows
    return steps


lengths = st.lists(st.tuples(st.integers(1, 32), st.integers(1, 32)), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(lengths, st.integers(1, 12), st.integers(0, 63), st.sampled_from([16, 64, 512]))
def test_the_budget_is_met_exactly_in_its_steps(
    rows: list[tuple[int, int]], steps: int, more: int, shard_tokens: int
) -> None:
    run = Run(tokens=LONGEST * steps + more, max_tokens=LONGEST, batch_tokens=LONGEST)
    shards = packed(table(rows), run, shard_tokens)
    carrying = sum(label != -100 for labels in shards.table["labels"] for label in labels)
    assert carrying == shards.loss_tokens == run.tokens
    assert shards.table.height == shards.steps * shards.rows_a_step == run.steps * shards.rows_a_step
    trained = rows_of(shards)
    assert all(trained), "a step without a row would be no step"
    assert sum(len(row) for step in trained for row in step) == shards.tokens
    # No token's label is lost when labels are shifted: a row begins with its prompt.
    assert all(labels[0] == -100 for labels in shards.table["labels"])


@settings(deadline=None, max_examples=40)
@given(lengths, st.integers(1, 12))
def test_rows_are_whole_and_equally_often_there(rows: list[tuple[int, int]], steps: int) -> None:
    run = Run(tokens=LONGEST * steps, max_tokens=LONGEST, batch_tokens=LONGEST)
    made = table(rows)
    shards = packed(made, run, 64)
    trained = [row for step in rows_of(shards) for row in step]
    whole = [tuple(ids) for ids in made["input_ids"]]
    cut = [row for row in trained if tuple(row) not in whole]
    assert len(cut) <= 1, "only the row that fills the budget may be cut"
    for row in cut:
        assert row == list(whole[row[0] // 1000])[: len(row)]
    seen = Counter(row[0] // 1000 for row in trained)
    assert max(seen.values()) - min(seen[n] for n in range(len(rows))) <= 1
    assert abs(shards.epochs - run.tokens / sum(c for _, c in rows)) < 1e-9


def test_a_shard_keeps_to_its_size_where_prompts_are_long() -> None:
    run = Run(tokens=640, max_tokens=LONGEST, batch_tokens=LONGEST)
    shards = packed(table([(2, 60)] * 5 + [(60, 4)] * 80), run, 128)
    sizes = shards.table["input_ids"].list.len()
    assert int(sizes.to_numpy().max()) <= 128 + LONGEST


def test_the_same_run_packs_the_same_and_epochs_differ_in_order() -> None:
    run = Run(tokens=1_280, max_tokens=LONGEST, batch_tokens=LONGEST)
    first, second = (packed(table([(3, 16)] * 20), run, 64) for _ in range(2))
    assert first.table.equals(second.table)
    order = [row[0] // 1000 for step in rows_of(first) for row in step]
    assert len(order) == 80
    assert sorted(order[:20]) == sorted(order[20:40]) == list(range(20))
    assert order[:20] != order[20:40]
