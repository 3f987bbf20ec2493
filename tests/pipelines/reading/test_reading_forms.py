"""Columns that files have under several names, in several forms, or not at all: parquet and JSON alike."""

import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.columns import Column, ColumnTypes, Groups
from pipelines.errors import TamisError
from pipelines.reading import Batch, read

MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
TURNS = pl.List(pl.Struct({"from": pl.String, "value": pl.String}))
SAID = {"role": "user", "content": "q"}
TURN = {"from": "human", "value": "q"}
FORMS: ColumnTypes = {
    "messages": Column(MESSAGES, ("talk",), if_it_fits=True),
    "turns": Column(TURNS, ("talk",), if_it_fits=True),
    "text": Column(pl.String, ("talk",), if_it_fits=True),
}
Rows = list[dict[str, object]]


def written(folder: Path, rows: Rows, form: str) -> Path:
    path = folder / f"f.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def whole(path: Path, columns: ColumnTypes, any_of: Groups = (), batch_bytes: int = 1 << 20) -> Batch:
    batches = list(read(path, columns=columns, any_of=any_of, batch_bytes=batch_bytes))
    return Batch(pl.concat([b.rows for b in batches]), pl.concat([b.broken for b in batches]))


both = pytest.mark.parametrize("form", ["parquet", "jsonl"])


@both
def test_the_first_of_several_names_that_is_there_is_read(tmp_path: Path, form: str) -> None:
    asked = {"answer": Column(pl.String, ("response", "output"))}
    one = whole(written(tmp_path, [{"output": "a"}], form), asked)
    two = whole(written(tmp_path, [{"output": "a", "response": "b"}], form), asked)
    assert (one.rows.rows(), two.rows.rows()) == ([(0, "a")], [(0, "b")])


@both
def test_an_optional_column_is_null_where_there_is_none(tmp_path: Path, form: str) -> None:
    asked = {"q": pl.String, "kind": Column(TURNS, optional=True), "n": Column(pl.Int64, optional=True)}
    made = whole(written(tmp_path, [{"q": "x", "n": 1}], form), asked)
    assert made.rows.rows() == [(0, "x", None, 1)]
    assert made.rows.schema == {"row": pl.Int64, "q": pl.String, "kind": TURNS, "n": pl.Int64}


@both
@pytest.mark.parametrize(
    ("asked", "any_of", "words"),
    [
        ({"q": pl.String, "a": Column(names=("response", "output"))}, (), "no column response or output; there are q,"),
        ({"a": Column(optional=True), "b": Column(optional=True)}, (), "no column a, b; there are q, other"),
        (
            {"q": pl.String, "a": Column(names=("said", "text"), optional=True), "m": Column(optional=True)},
            (("m",), ("q", "a")),
            "no column m or q with said or text; there are q, other",
        ),
    ],
)
def test_what_is_missing_is_named_with_what_is_there(
    tmp_path: Path, form: str, asked: ColumnTypes, any_of: Groups, words: str
) -> None:
    with pytest.raises(TamisError, match=words):
        whole(written(tmp_path, [{"q": "x", "other": 1}], form), asked, any_of)


@both
def test_one_group_of_columns_is_enough(tmp_path: Path, form: str) -> None:
    asked = {name: Column(optional=True) for name in "abc"}
    made = whole(written(tmp_path, [{"c": "x"}], form), asked, (("a", "b"), ("c",)))
    assert made.rows.rows() == [(0, None, None, "x")]


@both
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        ("[1]", "[1]"),
        (3, "3"),
        (True, "true"),
        (None, None),
        (["a", "b"], '["a","b"]'),
        ({"k": "é\n}", "n": [1.5]}, '{"k":"é\\n}","n":[1.5]}'),
        ([], "[]"),
    ],
)
def test_anything_can_be_read_as_json(tmp_path: Path, form: str, value: object, text: str | None) -> None:
    made = whole(written(tmp_path, [{"x": value, "q": "x"}], form), {"x": Column(as_json=True), "q": pl.String})
    assert made.rows["x"].to_list() == [text]
    assert made.broken.is_empty()


def test_json_of_rows_of_many_types_is_told_row_by_row(tmp_path: Path) -> None:
    values = ["72", 72, 7.5, ["a"], {"numbers": [1], "target": 2}, None]
    made = whole(written(tmp_path, [{"gold": v} for v in values], "jsonl"), {"gold": Column(as_json=True)})
    assert made.rows["gold"].to_list() == ["72", "72", "7.5", '["a"]', '{"numbers":[1],"target":2}', None]


@both
@pytest.mark.parametrize(
    ("value", "expected"),
    [([SAID], ([SAID], None, None)), ([TURN], (None, [TURN], None)), ("q", (None, None, "q"))],
)
def test_a_column_of_several_types_goes_where_it_fits(
    tmp_path: Path, form: str, value: object, expected: tuple[object, ...]
) -> None:
    made = whole(written(tmp_path, [{"talk": value}], form), FORMS)
    assert made.rows.rows() == [(0, *expected)]


@both
def test_a_column_of_none_of_the_types_fails_the_file(tmp_path: Path, form: str) -> None:
    with pytest.raises(
        TamisError, match=r"the column talk is .* not a list, each an object of role, content or a list"
    ):
        whole(written(tmp_path, [{"talk": [["q"]]}] * 3, form), FORMS)


def test_types_that_differ_between_rows_are_told_apart_and_the_rest_is_broken(tmp_path: Path) -> None:
    values = ["q", [SAID], [TURN], 3, "[1, 2]", [], None, [["q"]], {"k": 1}, [{"k": 1}], [{**SAID, "content": ["x"]}]]
    made = whole(written(tmp_path, [{"talk": v} for v in values], "jsonl"), FORMS, batch_bytes=100)
    assert made.rows.rows() == [
        (0, None, None, "q"),
        (1, [SAID], None, None),
        (2, None, [TURN], None),
        (3, None, None, "3"),
        (4, None, None, "[1, 2]"),
        (5, [], None, None),
        (6, None, None, None),
    ]
    assert made.broken["row"].to_list() == [7, 8, 9, 10]
    assert set(made.broken["reason"]) == {
        "talk is not a list, each an object of role, content or a list, each an object of from, value or text"
    }


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text('q[]{}"\\é', max_size=4)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "from"]), inner),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(anything, min_size=1, max_size=6))
def test_every_row_of_any_json_is_read_or_broken(tmp_path: Path, values: list[object]) -> None:
    rows: Rows = [{"talk": "q"}, *({"talk": value} for value in values)]
    made = whole(written(tmp_path, rows, "jsonl"), {**FORMS, "json": Column(names=("talk",), as_json=True)})
    assert sorted([*made.rows["row"], *made.broken["row"]]) == list(range(len(rows)))
    for row in made.rows.iter_rows(named=True):
        value = rows[row["row"]]["talk"]
        assert (value is None) == (row["json"] is None)
        assert sum(row[name] is not None for name in FORMS) == (value is not None)
