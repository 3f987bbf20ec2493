"""OpenAssistant's trees against a reference that walks them in plain Python."""

from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.normalise import Normalised, Place, normalise
from pipelines.sources.oasst1 import SOURCE

(READ,) = SOURCE.reads
Row = dict[str, object]
Turns = tuple[tuple[str, str], ...]


def made(rows: list[Row]) -> Normalised:
    columns = {name: [row.get(name) for row in rows] for name in READ.columns}
    frame = pl.DataFrame(columns, schema=dict(READ.columns)).with_row_index("row").cast({"row": pl.Int64})
    return normalise(frame, READ, Place("oasst1", "0" * 40, "default", "train", "f", 0, "apache-2.0", None))


def turns(messages: list[dict[str, str]]) -> Turns:
    return tuple((m["role"], m["content"]) for m in messages)


def found(done: Normalised) -> tuple[dict[int, Turns], dict[int, tuple[Turns, Turns, Turns]]]:
    """By upstream row: conversations, and pairs as prompt, chosen and rejected."""
    whole = done.records["instruction"].select("origin", "prompt", "completion").to_dicts()
    pairs = done.records["preference"].select("origin", "prompt", "chosen", "rejected").to_dicts()
    return (
        {r["origin"]["row"]: turns(r["prompt"]) + turns(r["completion"]) for r in whole},
        {r["origin"]["row"]: (turns(r["prompt"]), turns(r["chosen"]), turns(r["rejected"])) for r in pairs},
    )


def reference(rows: list[Row]) -> tuple[dict[int, Turns], dict[int, tuple[Turns, Turns, Turns]]]:
    """What the trees say, message by message. Of equal ids the first that can be reached counts."""
    role = {"prompter": "user", "assistant": "assistant"}
    alive = [row for row in rows if not row.get("deleted") and row["text"] is not None]
    paths: dict[object, Turns] = {}
    grew = True
    while grew:
        grew = False
        level = {}
        for row in alive:
            parent = row["parent_id"]
            before: Turns | None = () if parent is None else paths.get(parent)
            if row["message_id"] not in paths and before is not None:
                level.setdefault(row["message_id"], (*before, (role[str(row["role"])], str(row["text"]))))
        for key, path in level.items():
            paths[key], grew = path, True
    children = defaultdict(list)
    for row in alive:
        if row["message_id"] in paths:
            children[row["parent_id"]].append(row)
    conversations, pairs = {}, {}
    for n, row in enumerate(rows):
        path = paths.get(row["message_id"])
        if row["role"] != "assistant" or path is None or row not in alive:
            continue
        own = ("assistant", str(row["text"]))
        asked = [child for child in children[row["message_id"]] if child["role"] == "prompter"]
        if not any(a["role"] == "assistant" for q in asked for a in children[q["message_id"]]):
            conversations[n] = (*path[:-1], own)
        ranked = [s for s in children[row["parent_id"]] if s["role"] == "assistant" and s.get("rank") is not None]
        if row.get("rank") is not None:
            best = min(ranked, key=lambda s: int(str(s["rank"])))
            if int(str(row["rank"])) > int(str(best["rank"])):
                pairs[n] = (path[:-1], (("assistant", str(best["text"])),), (own,))
    return conversations, pairs


def message(key: str, parent: str | None, *, rank: int | None = None, **more: object) -> Row:
    who = "assistant" if key[0] == "a" else "prompter"
    row = {
        "message_id": key,
        "parent_id": parent,
        "text": key.upper(),
        "role": who,
        "message_tree_id": "t",
        "lang": "de",
    }
    return row | {"rank": rank, "deleted": False} | more


TREE = [
    message("q1", None),
    message("a1", "q1", rank=1),
    message("a2", "q1", rank=0),
    message("q2", "a2"),
    message("a3", "q2"),
    message("q3", "a1"),
    message("a4", "q1", rank=2, deleted=True),
    message("a5", "lost"),
    message("a6", "q1", rank=3, text=None),
]


def test_a_tree_gives_its_longest_conversations_and_pairs_with_the_best() -> None:
    done = made(TREE)
    conversations, pairs = found(done)
    q1 = (("user", "Q1"),)
    assert conversations == {
        1: (*q1, ("assistant", "A1")),
        4: (*q1, ("assistant", "A2"), ("user", "Q2"), ("assistant", "A3")),
    }
    assert pairs == {1: (q1, (("assistant", "A2"),), (("assistant", "A1"),))}
    record = done.records["preference"].row(0, named=True)
    assert (record["group"], record["language"]) == ("t", "de")
    assert done.rejects.sort("row").select("row", "selected", "reason").rows() == [
        (0, False, "a question; it is part of the paths through it"),
        (2, False, "part of a longer path"),
        (3, False, "a question; it is part of the paths through it"),
        (5, False, "a question; it is part of the paths through it"),
        (6, False, "deleted upstream"),
        (7, False, "its path is broken by a deleted or missing message"),
        (8, True, "no text"),
    ]


def test_where_the_best_was_deleted_the_next_one_is_the_best() -> None:
    rows = [message("q1", None), *(message(f"a{n}", "q1", rank=n, deleted=n == 0) for n in range(3))]
    assert {n: pair[1][0][1] for n, pair in found(made(rows))[1].items()} == {3: "A1"}


@st.composite
def trees(draw: st.DrawFn) -> list[Row]:
    rows: list[Row] = []
    for n in range(draw(st.integers(1, 14))):
        parent = draw(st.sampled_from([None, "gone", *(str(r["message_id"]) for r in rows)]))
        who = "q" if parent is None or parent[0] == "a" else "a"
        name = draw(st.sampled_from([f"{who}{n}"] * 6 + [f"{who}0"]))
        if name == parent:
            continue
        rank = draw(st.none() | st.integers(0, 3))
        gone = draw(st.integers(0, 7)) == 0
        rows.append(
            message(name, parent, rank=rank, deleted=gone, text=None if draw(st.integers(0, 9)) == 0 else str(n))
        )
    return draw(st.permutations(rows))


@settings(max_examples=50, deadline=None)
@given(rows=trees())
def test_random_trees_give_what_walking_them_gives(rows: list[Row]) -> None:
    done = made(rows)
    assert found(done) == reference(rows)
    whole = done.rejects.filter(pl.col("family").is_null())
    assert done.yielding + whole.height == len(rows) and whole["row"].n_unique() == whole.height


@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_real_trees_give_what_walking_them_gives(real_hub: Path, split: str) -> None:
    (path,) = (real_hub / SOURCE.repo / "data").glob(f"{split}-*.parquet")
    rows = pl.read_parquet(path).to_dicts()
    conversations, pairs = found(made(rows))
    assert (conversations, pairs) == reference(rows)
    assert conversations and (pairs or split == "validation")
