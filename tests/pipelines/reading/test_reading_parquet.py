"""Parquet: every type that the Hub stores, damage, and memory."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import TamisError
from pipelines.reading import Batch, read

TURNS = pl.List(pl.Struct({"from": pl.String, "value": pl.String}))
turns_type = pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))


def written(folder: Path, table: pa.Table, **options: object) -> Path:
    path = folder / "f.parquet"
    pq.write_table(table, path, **options)
    return path


def whole(path: Path, columns: dict[str, pl.DataType], limit: int | None = None, batch_bytes: int = 1 << 20) -> Batch:
    batches = list(read(path, columns=columns, limit=limit, batch_bytes=batch_bytes))
    return Batch(pl.concat([b.rows for b in batches]), pl.concat([b.broken for b in batches]))


@pytest.mark.parametrize(
    ("stored", "asked", "values"),
    [
        (pa.array(["x", None]), pl.String(), ["x", None]),
        (pa.array(["x", None], pa.large_string()), pl.String(), ["x", None]),
        (pa.array(["x", None], pa.string_view()), pl.String(), ["x", None]),
        (pa.array(["x", None]).dictionary_encode(), pl.String(), ["x", None]),
        (pa.array([None, None], pa.null()), pl.String(), [None, None]),
        (pa.array([None, None], pa.null()), TURNS, [None, None]),
        (pa.array([1, None], pa.uint8()), pl.Int64(), [1, None]),
        (pa.array([2**40, 1], pa.uint64()), pl.Int64(), [2**40, 1]),
        (pa.array([1.0, float("nan")]), pl.Int64(), [1, None]),
        (pa.array(["3", "4.0"]), pl.Int64(), [3, 4]),
        (pa.array([3, None], pa.int16()), pl.String(), ["3", None]),
        (pa.array([True, None]), pl.String(), ["true", None]),
        (pa.array([1, None], pa.int32()), pl.Float64(), [1.0, None]),
        (pa.array([1.5, None], pa.float32()), pl.Float64(), [1.5, None]),
        (pa.array([[1, 2], None], pa.large_list(pa.uint32())), pl.List(pl.Int64()), [[1, 2], None]),
        (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), pl.List(pl.Int64()), [[1, 2], None]),
        (pa.array([["x"], []], pa.list_(pa.dictionary(pa.int32(), pa.string()))), pl.List(pl.String()), [["x"], []]),
        (pa.array([None, []], pa.list_(pa.null())), pl.List(pl.String()), [None, []]),
        (
            pa.array([[{"value": "v", "from": "f", "more": 1}], None]),
            TURNS,
            [[{"from": "f", "value": "v"}], None],
        ),
        (
            pa.array([{"from": ["f", "g"], "value": ["v", None]}, {"from": [], "value": []}]),
            TURNS,
            [[{"from": "f", "value": "v"}, {"from": "g", "value": None}], []],
        ),
    ],
)
def test_what_the_hub_stores_comes_in_the_asked_type(
    tmp_path: Path, stored: pa.Array, asked: pl.DataType, values: list[object]
) -> None:
    path = written(tmp_path, pa.table({"x": stored, "other": [object.__name__] * len(stored)}))
    batch = whole(path, {"x": asked})
    assert batch.rows.schema == {"row": pl.Int64, "x": asked}
    assert batch.rows["x"].to_list() == values
    assert batch.broken.is_empty()


@pytest.mark.parametrize(
    ("stored", "asked", "words"),
    [
        (pa.array([["x"]]), pl.String(), "x is a list, each text, not text"),
        (pa.array(["x"]), TURNS, "x is text, not a list, each an object of from, value"),
        (pa.array([[{"role": "f", "content": "v"}]]), TURNS, "x is a list, each an object of role, content, not"),
        (pa.array([{"from": "f", "value": "v"}]), TURNS, "x is an object of from, value, not a list"),
        (pa.array([True]), pl.Int64(), "x is true or false, not a whole number"),
        (pa.array([b"x"]), pl.String(), "x is Binary, not text"),
        (pa.array([1]), pl.Boolean(), "x is a whole number, not true or false"),
    ],
)
def test_a_column_of_another_type_fails_the_file(
    tmp_path: Path, stored: pa.Array, asked: pl.DataType, words: str
) -> None:
    with pytest.raises(TamisError, match=rf"f\.parquet: the column {words}.*Its layout has changed"):
        whole(written(tmp_path, pa.table({"x": stored})), {"x": asked})


@pytest.mark.parametrize(
    ("stored", "asked", "reason"),
    [
        (pa.array(["1", "x", "3"]), pl.Int64(), "x is not a whole number"),
        (pa.array([1.0, 1.5, 3.0]), pl.Int64(), "x is not a whole number"),
        (pa.array([1, 2**63, 3], pa.uint64()), pl.Int64(), "x is not a whole number"),
        (pa.array([["1"], ["x"], ["3"]]), pl.List(pl.Int64()), "x is not a list, each a whole number"),
        (
            pa.array([{"a": [1], "b": [1]}, {"a": [1], "b": []}, {"a": [], "b": []}]),
            pl.List(pl.Struct({"a": pl.Int64, "b": pl.Int64})),
            "x is not a list, each an object of a, b",
        ),
        (pa.StringArray.from_buffers(3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"x\xffy")),
         pl.String(), "not valid UTF-8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("batch_bytes", [1, 1 << 20])
def test_one_bad_value_costs_its_row(
    tmp_path: Path, stored: pa.Array, asked: pl.DataType, reason: str, batch_bytes: int
) -> None:
    batch = whole(written(tmp_path, pa.table({"x": stored, "n": [0, 1, 2]})), {"x": asked}, batch_bytes=batch_bytes)
    assert batch.rows["row"].to_list() == [0, 2]
    assert batch.broken.select("row", "reason").rows() == [(1, reason)]


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = written(tmp_path, pa.table({"instruction": ["x"], "a.b": ["y"]}))
    with pytest.raises(TamisError, match=r"no column prompt; there are instruction, a\.b\. Its layout has changed"):
        whole(path, {"prompt": pl.String()})
    assert whole(path, {"a.b": pl.String()}).rows["a.b"].to_list() == ["y"]


@pytest.mark.parametrize("name", ["f.parquet", "f.jsonl"])
def test_what_is_cut_off_or_damaged_is_an_error(tmp_path: Path, name: str) -> None:
    data = written(tmp_path, pa.table({"x": [str(n) * 50 for n in range(9_000)]}), compression="zstd").read_bytes()
    damaged = bytearray(data)
    damaged[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    for content in (data[: len(data) // 2], data[:-2], data[:4], bytes(damaged)):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(TamisError, match=rf"{name}: it cannot be read to its end.*materialise `snapshot`"):
            whole(path, {"x": pl.String()})


def test_a_file_without_a_byte_is_an_error_and_one_without_a_row_is_not(tmp_path: Path) -> None:
    empty = tmp_path / "e.parquet"
    empty.write_bytes(b"")
    with pytest.raises(TamisError, match=r"e\.parquet: it is empty\. Look at it on the Hub"):
        list(read(empty, columns={"x": pl.String()}))
    path = written(tmp_path, pa.table({"x": pa.array([], pa.string())}))
    assert sum(b.rows.height for b in read(path, columns={"x": pl.String()})) == 0


def test_only_a_batch_of_the_asked_columns_is_held(tmp_path: Path) -> None:
    rows = 40_000
    table = pa.table({"x": ["x" * 500] * rows, "big": ["y" * 2_000] * rows})
    path = written(tmp_path, table, use_dictionary=False, row_group_size=rows)
    del table
    before = pa.default_memory_pool().bytes_allocated()
    sizes = []
    for batch in read(path, columns={"x": pl.String()}, batch_bytes=1 << 20):
        sizes.append(batch.rows.height)
        assert pa.default_memory_pool().bytes_allocated() - before < 8 << 20
    assert sum(sizes) == rows and max(sizes) < 4_000


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.tuples(st.none() | st.text(max_size=5), st.none() | st.lists(st.text(max_size=3), max_size=3))),
    groups=st.integers(1, 5),
    batch_bytes=st.sampled_from([1, 30, 1 << 20]),
    limit=st.none() | st.integers(1, 8),
)
def test_batches_and_row_groups_do_not_matter(
    tmp_path: Path, values: list[tuple[object, object]], groups: int, batch_bytes: int, limit: int | None
) -> None:
    table = pa.table(
        {
            "x": pa.array([x for x, _ in values], pa.string()),
            "y": pa.array([y for _, y in values], pa.list_(pa.string())),
        }
    )
    path = written(tmp_path, table, row_group_size=groups)
    columns = {"x": pl.String(), "y": pl.List(pl.String())}
    read_back = [
        row for b in read(path, columns=columns, limit=limit, batch_bytes=batch_bytes) for row in b.rows.rows()
    ]
    assert read_back == [(n, x, y) for n, (x, y) in enumerate(values[:limit])]


def test_batches_are_of_their_size_in_memory_not_in_the_file(tmp_path: Path) -> None:
    shared = "a text that every row shares " * 4_000
    frame = pl.DataFrame({"q": [str(n) for n in range(700)], "a": [shared] * 700})
    path = tmp_path / "train.parquet"
    pq.write_table(frame.to_arrow(), path, row_group_size=300)
    assert path.stat().st_size < 1 << 20
    parts = list(read(path, columns={"q": pl.String, "a": pl.String}, batch_bytes=4 << 20))
    sizes = [part.rows["a"].str.len_bytes().sum() for part in parts]
    assert max(sizes) <= 4 << 20
    assert min(sizes[:-1]) > 2 << 20
    assert pl.concat(part.rows for part in parts).drop("row").equals(frame)
    assert [n for part in parts for n in part.rows["row"]] == list(range(700))
