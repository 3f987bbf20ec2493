"""CSV as people write it: quotes, new lines and separators in fields, marks of order, and rows that are broken."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.columns import Column
from pipelines.errors import TamisError
from pipelines.reading import read
from pipelines.reading.csvs import UNCLOSED

COLUMNS = {"a": pl.String, "b": pl.String}


def got(path: Path, columns=COLUMNS, **options) -> tuple[list[tuple], list[tuple]]:
    batches = list(read(path, columns=columns, **options))
    rows = pl.concat(batch.rows for batch in batches).rows()
    return rows, [row[:2] for batch in batches for row in batch.broken.rows()]


def file(folder: Path, content: bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


FIELDS = st.text(alphabet=st.sampled_from("ab ,;\"\n\r'é你\t[]{}"), max_size=8)


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=8), size=st.integers(1, 64), end=st.booleans())
def test_what_pythons_writer_writes_is_read_back_wherever_blocks_end(tmp_path_factory, rows, size, end) -> None:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n" if end else "\n")
    writer.writerows([("a", "b"), *rows])
    path = file(tmp_path_factory.getbasetemp(), text.getvalue().encode(), "written.csv")
    assert got(path, batch_bytes=size) == ([(number, *row) for number, row in enumerate(rows)], [])


def test_fields_that_are_not_quoted(tmp_path: Path) -> None:
    path = file(tmp_path, b'\xef\xbb\xbfa,b,c\r\n5" pipe,,x\r\n\r\n"",y,"z" \r\n say "hi" ,"q"!,w\r\n,,\r\n1,2,3')
    assert got(path) == (
        [(0, '5" pipe', None), (1, "", "y"), (2, ' say "hi" ', '"q"!'), (3, None, None), (4, "1", "2")],
        [],
    )


@pytest.mark.parametrize("size", [1, 9, 1 << 20])
def test_each_broken_row_is_one_reject_and_costs_no_other(tmp_path: Path, size: int) -> None:
    path = file(tmp_path, b'a,b\n1,2\nshort\n3,4,5\nx,\xff\xfe\n6,7\n"open,8\n9,9\n')
    rows, broken = got(path, batch_bytes=size)
    assert rows == [(0, "1", "2"), (4, "6", "7")]
    assert broken == [
        (1, "1 fields, not 2"),
        (2, "3 fields, not 2"),
        (3, "not valid UTF-8"),
        (5, UNCLOSED),
    ]


def test_a_limit_counts_broken_rows_too(tmp_path: Path) -> None:
    path = file(tmp_path, b"a,b\n1,2\nshort\n3,4\n5,6\n")
    assert got(path, limit=3) == ([(0, "1", "2"), (2, "3", "4")], [(1, "1 fields, not 2")])


def test_numbers_and_json_are_taken_out_of_texts(tmp_path: Path) -> None:
    path = file(tmp_path, b'a,b\n1,"[{""x"": 1}]"\nmany,2\n')
    columns = {"a": pl.Int64, "b": Column(as_json=True)}
    assert got(path, columns) == ([(0, 1, '[{"x": 1}]')], [(1, "a is not a whole number")])


@pytest.mark.parametrize(("name", "separator"), [("rows.tsv", "\t"), ("rows.csv", ";"), ("rows.csv", "|")])
def test_other_separators(tmp_path: Path, name: str, separator: str) -> None:
    path = file(tmp_path, f'a{separator}b\n1,5{separator}"x{separator}y"\n'.encode(), name)
    assert got(path) == ([(0, "1,5", f"x{separator}y")], [])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"a,a\n1,2\n", "two columns are called 'a'"),
        (b"x,y\n1,2\n", "there is no column a, b; there are x, y"),
        (b"\xff\xfea\x00,\x00", "it is UTF-16"),
    ],
)
def test_a_table_that_is_none_is_a_clear_error(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(TamisError, match=why):
        got(file(tmp_path, content))


def test_json_lines_under_another_name_are_read_as_what_they_are(tmp_path: Path) -> None:
    assert got(file(tmp_path, b'{"a": "1", "b": "2"}\n{"a": "3", "b": "4"}\n')) == ([(0, "1", "2"), (1, "3", "4")], [])
