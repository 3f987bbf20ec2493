"""Where each upstream row ends: it yields records, is a reject, or is left out with a reason."""

from dataclasses import replace

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.layouts.messages import turns
from pipelines.normalise import Place, batches, normalise
from pipelines.sources.source import Read

PLACE = Place("s", "0" * 40, "c", "train", "f", 3, "mit", "en")
QUESTION = turns(user=pl.col("q"))
READ = Read(
    config="c",
    splits=("train",),
    columns={"q": pl.String, "a": pl.String, "n": pl.Int64},
    reject={"odd": pl.col("n") == 1, "odd too": pl.col("n") <= 1},
    skip={"left out": pl.col("n") == 2},
    families={
        "instruction": {"prompt": QUESTION, "completion": turns(assistant=pl.col("a")), "when": pl.col("n") != 3},
        "grpo": {"prompt": QUESTION, "verifier": pl.lit("exact"), "answer": pl.col("a"), "when": pl.col("n") >= 3},
    },
)


def rows(*values: tuple[str | None, str | None, int | None], first: int = 0) -> pl.DataFrame:
    frame = pl.DataFrame(list(values), schema=dict(READ.columns), orient="row")
    return frame.with_row_index("row", first).cast({"row": pl.Int64})


def test_each_row_ends_where_its_conditions_say() -> None:
    frame = rows(
        ("q", "a", 1),  # both conditions hold: the first one counts
        ("q", "a", 0),
        ("q", "a", 2),
        ("q", "a", 3),  # grpo alone
        ("q", "a", 4),  # both families
        ("q", None, 4),  # fails instruction, yields grpo
        (None, "a", 4),  # fails both
        ("q", None, None),  # no number: no condition holds, and its one family fails
        first=100,
    )
    done = normalise(frame, READ, PLACE)
    assert (done.rows, done.yielding) == (8, 3)
    assert done.records["instruction"]["origin"].struct.field("row").to_list() == [104]
    assert done.records["grpo"]["origin"].struct.field("row").to_list() == [103, 104, 105]
    assert done.rejects.sort("row", "family").select("row", "family", "selected", "reason").rows() == [
        (100, None, True, "odd"),
        (101, None, True, "odd too"),
        (102, None, False, "left out"),
        (105, "instruction", True, "null content"),
        (106, None, True, "null content"),
        (107, None, True, "no family takes it"),
    ]
    assert done.rejects["excerpt"][0] == '{"q":"q","a":"a","n":1}'


def test_a_record_says_where_it_is_from_and_whose_it_is() -> None:
    record = normalise(rows(("q", "a", 4), first=7), READ, PLACE).records["grpo"].row(0, named=True)
    assert record["id"] == "s/grpo/c.train.3.7"
    assert record["origin"] == {"config": "c", "split": "train", "file": "f", "row": 7}
    assert (record["source"], record["revision"]) == ("s", "0" * 40)
    assert (record["license"], record["language"], record["meta"]) == ("mit", "en", None)


texts = st.none() | st.sampled_from(["", "x"])
values = st.lists(st.tuples(texts, texts, st.none() | st.integers(0, 5)), max_size=12)


@settings(deadline=None, max_examples=40)
@given(values=values, cut=st.integers(0, 12))
def test_the_sum_holds_and_batches_do_not_matter(
    values: list[tuple[str | None, str | None, int | None]], cut: int
) -> None:
    whole = normalise(rows(*values), READ, PLACE)
    nothing = whole.rejects.filter(pl.col("family").is_null())
    yielding = pl.concat([r["origin"].struct.field("row") for r in whole.records.values()]).unique()
    assert sorted([*nothing["row"], *yielding]) == list(range(len(values)))
    assert whole.yielding == yielding.len()
    assert set(whole.rejects.filter(pl.col("family").is_not_null())["row"]) <= set(yielding)
    parts = [
        normalise(rows(*values[:cut]), READ, PLACE),
        normalise(rows(*values[cut:], first=min(cut, len(values))), READ, PLACE),
    ]
    for family, records in whole.records.items():
        assert pl.concat([p.records[family] for p in parts]).equals(records)
    assert pl.concat([p.rejects for p in parts]).sort("row").equals(whole.rejects.sort("row"))


def test_a_file_is_seen_whole_where_its_source_asks_for_it() -> None:
    frames = [rows(("q", "a", 4)), rows(("q", "a", 4), first=1)]
    assert [f.height for f in batches(iter(frames), whole_file=False)] == [1, 1]
    assert [f.height for f in batches(iter(frames), whole_file=True)] == [2]
    assert list(batches(iter([]), whole_file=True)) == []


def answers_apart(frame: pl.DataFrame) -> pl.DataFrame:
    """Each letter of `a` as an answer of its own; one null answer where there is none."""
    return frame.with_columns(pl.col("a").str.split("")).explode("a", empty_as_null=True)


SEVERAL = Read(
    config="c",
    splits=("train",),
    columns=READ.columns,
    prepare=answers_apart,
    reject={"odd": pl.col("n") == 1, "no x here": pl.col("a") == "x"},
    families={"instruction": {"prompt": QUESTION, "completion": turns(assistant=pl.col("a"))}},
)


def test_a_row_that_gives_several_records_numbers_them() -> None:
    frame = rows(("q", "ab", 0), ("q", "c", 0), ("q", "", 0), ("q", "de", 1), (None, "fg", 0), ("q", "xh", 0))
    done = normalise(frame, SEVERAL, PLACE)
    assert done.records["instruction"]["id"].to_list() == [
        "s/instruction/c.train.3.0#0",
        "s/instruction/c.train.3.0#1",
        "s/instruction/c.train.3.1",
        "s/instruction/c.train.3.5",
    ]
    assert done.rejects.sort("row").select("row", "family", "selected", "reason").rows() == [
        (2, None, True, "null content"),
        (3, None, True, "odd"),
        (4, None, True, "null content"),
    ]
    assert (done.rows, done.yielding) == (6, 3)


def test_a_row_that_is_a_part_of_anothers_record_says_of_which() -> None:
    read = replace(READ, part_of=pl.when(pl.col("n") >= 5).then(pl.col("n")))
    done = normalise(rows(("q", "a", 4), ("q", "a", 5), ("q", "a", 2)), read, PLACE)
    assert done.rejects.sort("row").select("row", "selected", "reason").rows() == [
        (1, False, "part of c.train.3.5"),
        (2, False, "left out"),
    ]
