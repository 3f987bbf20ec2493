"""JSON lines: each trap, and random rows with random damage against a reference in plain Python."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import TamisError
from pipelines.reading import Batch, read
from pipelines.reading import lines as lines_module

TEXT = {"a": pl.String}
TURNS = pl.List(pl.Struct({"from": pl.String, "value": pl.String}))
ANY_BATCH = (1, 7, 64, 1 << 20)


def written(folder: Path, data: bytes, name: str = "f.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def whole(
    path: Path, columns: Mapping[str, pl.DataType], limit: int | None = None, batch_bytes: int = 1 << 20
) -> Batch:
    batches = list(read(path, columns=columns, limit=limit, batch_bytes=batch_bytes))
    assert batches, "no rows at all"
    return Batch(pl.concat([b.rows for b in batches]), pl.concat([b.broken for b in batches]))


def rows_and_reasons(batch: Batch) -> tuple[list[tuple[object, ...]], list[tuple[int, str]]]:
    return batch.rows.rows(), batch.broken.select("row", "reason").rows()


GOOD = b'{"a": "x"}\n'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": "tru', "broken JSON"),
        (b'{"a": "x"} {"a": "y"}', "broken JSON"),
        (b'{"a": "caf\xe9"}', "not valid UTF-8"),
        (b'{"a": "\\ud800"}', "broken JSON, or half a surrogate pair"),
        (b'{"b": "\\udc00 x"}', "broken JSON, or half a surrogate pair"),
        (b'{"a": "tab\there"}', "broken JSON"),
        (b"[1]", "not a JSON object"),
        (b'"{}"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"NaN", "broken JSON"),
        (b'[{"a": "x"}]', "not a JSON object"),
        (b'{"a": ["x"]}', "a is not text"),
        (b'{"a": {"b": 1}}', "a is not text"),
        (b"\x00", "broken JSON"),
    ],
)
@pytest.mark.parametrize("batch_bytes", ANY_BATCH)
def test_a_bad_line_costs_itself_only(tmp_path: Path, line: bytes, reason: str, batch_bytes: int) -> None:
    path = written(tmp_path, GOOD + line + b"\n" + GOOD)
    rows, broken = rows_and_reasons(whole(path, TEXT, batch_bytes=batch_bytes))
    assert rows == [(0, "x"), (2, "x")]
    assert broken == [(1, reason)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b'{"a": "\\ud83d\\ude00"}', "😀"),
        (b'{"a": "\\u0000"}', "\x00"),
        (b'{"a": 5}', "5"),
        (b'{"a": 123456789012345678901234567890}', "123456789012345678901234567890"),
        (b'{"a": true}', "true"),
        (b'{"a": null}', None),
        (b"{}", None),
        (b'{"a": NaN}', None),
        (b'{"b": [Infinity, -Infinity], "a": "NaN: Infinity, \\"NaN"}', 'NaN: Infinity, "NaN'),
        (b'\t{"a": "x"} \r', "x"),
        ('{"b": "ü", "a": "ü"}'.encode(), "ü"),
        (b'{"a": "x", "a": "x"}', "x"),
    ],
)
def test_a_good_line_is_read(tmp_path: Path, line: bytes, value: str | None) -> None:
    assert rows_and_reasons(whole(written(tmp_path, GOOD + line), TEXT)) == ([(0, "x"), (1, value)], [])


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf\n" + GOOD + b"\n  \n\r\n" + b"{\n" + GOOD.strip())
    assert rows_and_reasons(whole(path, TEXT)) == ([(0, "x"), (2, "x")], [(1, "broken JSON")])


def test_a_broken_row_shows_how_it_begins(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + b'{"a": "caf\xe9 ' + b"x" * 1000 + b'"}\n{"a": "' + b"y" * 1000)
    first, second = whole(path, TEXT).broken["excerpt"]
    assert first.startswith('{"a": "caf� xxx') and second.startswith('{"a": "yyy')
    assert len(first) == len(second) == 200


@pytest.mark.parametrize(
    ("asked", "good", "bad", "reason"),
    [
        (
            pl.Int64,
            {"1": 1, '"2"': 2, "3.0": 3, "null": None},
            ["1.5", '"x"', "true", "[1]"],
            "a is not a whole number",
        ),
        (pl.Float64, {"1": 1.0, '"2.5"': 2.5, "1e2": 100.0, "NaN": None}, ['"x"', "{}"], "a is not a number"),
        (pl.Boolean, {"true": True, "false": False, "null": None}, ["1", '"yes"', "[]"], "a is not true or false"),
        (pl.List(pl.Int64), {"[1, 2]": [1, 2], "[]": [], "null": None}, ["1", '[1, "x"]', '"[1]"'], "each a whole"),
        (pl.List(pl.String), {'["x"]': ["x"], "[1]": ["1"], "[null]": [None]}, ['"x"', "5", "[[1]]"], "each text"),
        (
            TURNS,
            {'[{"from": "user", "value": "hi", "other": 1}]': [{"from": "user", "value": "hi"}], "[]": []},
            ['"hi"', '{"from": "user"}', '["hi"]', '[{"value": ["hi"]}]'],
            "a is not a list, each an object of from, value",
        ),
    ],
)
def test_types_are_asked_for_and_judged_row_by_row(
    tmp_path: Path, asked: pl.DataType, good: dict[str, object], bad: list[str], reason: str
) -> None:
    texts = [*good, *bad]
    path = written(tmp_path, "".join(f'{{"a": {text}}}\n' for text in texts).encode())
    batch = whole(path, {"a": asked})
    assert batch.rows.schema == {"row": pl.Int64, "a": asked}
    assert batch.rows.rows() == list(enumerate(good.values()))
    assert batch.broken["row"].to_list() == list(range(len(good), len(texts)))
    assert all(reason in said for said in batch.broken["reason"])


def test_a_column_of_some_lines_only_is_null_in_the_others(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a": "x"}\n{"b": "y"}\n')
    columns = {"a": pl.String, "b": pl.String}
    assert whole(path, columns, batch_bytes=1).rows.rows() == [(0, "x", None), (1, None, "y")]
    assert whole(path, columns, limit=1).rows.rows() == [(0, "x", None)], "it comes after the limit"


@pytest.mark.parametrize("limit", [None, 2])
def test_a_column_of_no_line_is_missing_and_those_that_are_there_are_named(tmp_path: Path, limit: int | None) -> None:
    path = written(tmp_path, b'{"a": "x", "c": 1}\n' * 3)
    with pytest.raises(TamisError, match=r"f\.jsonl: there is no column b; there are a, c\. Its layout has changed"):
        whole(path, {"a": pl.String, "b": pl.String}, limit)


def test_a_column_of_nulls_is_not_missing(tmp_path: Path) -> None:
    assert whole(written(tmp_path, b'{"a": null}\n' * 2), TEXT).rows["a"].to_list() == [None, None]


@pytest.mark.parametrize("rows", [1, 3_000])
def test_a_column_that_has_another_type_in_every_line_fails_the_file(tmp_path: Path, rows: int) -> None:
    path = written(tmp_path, b'{"a": "x", "b": ["y"]}\n' * rows)
    with pytest.raises(TamisError, match=r"the column b is something else in each of [\d,]+ rows, not text"):
        whole(path, {"a": pl.String, "b": pl.String})


@pytest.mark.parametrize("name", ["f.jsonl", "f.ndjson", "f.json"])
def test_an_empty_file_of_lines_has_no_rows(tmp_path: Path, name: str) -> None:
    assert list(read(written(tmp_path, b"", name), columns=TEXT)) == []


@pytest.mark.parametrize("name", ["f.jsonl.gz", "f.jsonl.zst"])
def test_compressed_lines_are_read_and_cut_off_ones_are_an_error(tmp_path: Path, name: str) -> None:
    texts = b"".join(b'{"a": "%d"}\n' % n for n in range(5_000))
    packed = gzip.compress(texts) if name.endswith("gz") else pa.compress(texts, codec="zstd", asbytes=True)
    values = [str(n) for n in range(5_000)]
    for path in (written(tmp_path, packed, name), written(tmp_path, packed, "named-otherwise.json")):
        assert whole(path, TEXT, batch_bytes=1000).rows["a"].to_list() == values
    assert whole(written(tmp_path, packed * 2, name), TEXT).rows["a"].to_list() == values * 2
    for damaged in (packed[:-20], packed[: len(packed) // 2], packed[:-20] + b"x" * 20, b""):
        with pytest.raises(TamisError, match=r"(cannot be read to its end|is empty).*\. [A-Z]"):
            whole(written(tmp_path, damaged, name), TEXT)


def test_a_line_without_end_is_broken_and_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("lines", "texts"):
        monkeypatch.setattr(f"pipelines.reading.{module}.LONGEST", 1 << 20)
    long = b'{"a": "' + b"x" * (3 << 20) + b'"}\n'
    held: list[int] = []
    real = lines_module.block
    monkeypatch.setattr(lines_module, "block", lambda data, ends: (held.append(len(data)), real(data, ends))[1])
    path = written(tmp_path, GOOD + long + GOOD + long)
    for batch_bytes in (1 << 12, 1 << 24):
        held.clear()
        batch = whole(path, TEXT, batch_bytes=batch_bytes)
        assert batch.rows["row"].to_list() == [0, 2]
        assert batch.broken.select("row", "reason").rows() == [(1, "longer than 1 MiB"), (3, "longer than 1 MiB")]
        assert max(held) <= max(batch_bytes, (1 << 20) + 1)


def test_limits_count_broken_rows_too(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + b"{\n\n" + GOOD * 3)
    for limit, rows, broken in [(1, [0], []), (2, [0], [1]), (3, [0, 2], [1]), (9, [0, 2, 3, 4], [1])]:
        for batch_bytes in ANY_BATCH:
            batch = whole(path, TEXT, limit, batch_bytes)
            assert (batch.rows["row"].to_list(), batch.broken["row"].to_list()) == (rows, broken)
    assert list(read(path, columns=TEXT, limit=0)) == []


@pytest.mark.parametrize("data", [b"<html>", b"version https://git-lfs.github.com/spec/v1\n", b"a,b\n1,2\n"])
def test_a_file_of_no_known_form_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(TamisError, match=r"nor JSON nor CSV: it begins with b'.*\. Look at it on the Hub"):
        list(read(written(tmp_path, data, "f.parquet"), columns=TEXT))
    assert whole(written(tmp_path, data), TEXT).rows.is_empty()


def test_utf_16_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TamisError, match="UTF-16"):
        list(read(written(tmp_path, GOOD.decode().encode("utf-16")), columns=TEXT))


# Random rows and damage.

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words | st.sampled_from([1.5, float("nan")])
turns = st.lists(st.fixed_dictionaries({}, optional={"from": words, "value": words, "x": scalars}), max_size=3)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2))
objects = st.fixed_dictionaries(
    {}, optional={"t": words | values, "n": st.integers(-9, 9) | values, "c": turns | values}
)
bad_lines = st.sampled_from(
    [b"", b" ", b"[1]", b'"s"', b"{", b'{"t": "\\ud800"}', b"\xff", b"null", b"NaN", b'{"t": 1}}']
)
COLUMNS = {"t": pl.String, "n": pl.Int64, "c": TURNS}


@st.composite
def damaged_lines(draw: st.DrawFn) -> bytes:
    line = json.dumps(draw(objects), ensure_ascii=draw(st.booleans())).encode()
    if draw(st.booleans()):
        return line
    at = draw(st.integers(0, len(line)))
    wound = draw(st.sampled_from(["cut", "insert", "drop"]))
    if wound == "cut":
        return line[:at]
    if wound == "insert":
        return line[:at] + draw(st.sampled_from([b"\xff", b'"', b"\\", b"}", b"\x01", b"NaN"])) + line[at:]
    return line[:at] + line[at + 1 :]


class WrongTypeError(Exception):
    pass


def as_asked(value: object, asked: pl.DataType) -> object:
    """What a value is in an asked type, by hand."""
    if value is None:
        return None
    if asked == pl.String:
        if isinstance(value, list | dict):
            raise WrongTypeError
        return value if isinstance(value, str) else json.dumps(value)
    if asked == pl.Int64:
        if isinstance(value, bool | list | dict):
            raise WrongTypeError
        try:
            number = float(value) if "_" not in str(value) else None  # type: ignore[arg-type]
        except ValueError:
            number = None
        if number is None or number != int(number):
            raise WrongTypeError
        return int(number)
    if isinstance(asked, pl.List):
        if not isinstance(value, list):
            raise WrongTypeError
        return [as_asked(item, asked.inner) for item in value]  # type: ignore[arg-type]
    assert isinstance(asked, pl.Struct)
    if not isinstance(value, dict):
        raise WrongTypeError
    return {f.name: as_asked(value.get(f.name), f.dtype) for f in asked.fields}  # type: ignore[arg-type]


def reference(data: bytes) -> tuple[list[tuple[object, ...]], list[int]]:
    """Good rows with their values, and the numbers of the broken ones."""
    good: list[tuple[object, ...]] = []
    broken: list[int] = []
    row = 0
    for line in data.split(b"\n"):
        if not line.strip(b" \t\r"):
            continue
        try:
            parsed = json.loads(line.decode(), parse_constant=lambda _: None)
            json.dumps(parsed, ensure_ascii=False).encode()
            if not isinstance(parsed, dict):
                raise WrongTypeError
            good.append((row, *(as_asked(parsed.get(name), asked) for name, asked in COLUMNS.items())))
        except (ValueError, WrongTypeError):
            broken.append(row)
        row += 1
    return good, broken


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(objects.map(lambda o: json.dumps(o).encode()) | damaged_lines() | bad_lines, max_size=12),
    packed=st.booleans(),
    batch_bytes=st.sampled_from(ANY_BATCH),
    limit=st.none() | st.integers(1, 12),
)
def test_random_lines_are_read_as_plain_python_reads_them(
    tmp_path: Path, lines: list[bytes], packed: bool, batch_bytes: int, limit: int | None
) -> None:
    sound = b'{"t": "x", "n": 1, "c": []}\n'
    data = sound + b"\n".join(line.replace(b"\n", b"") for line in lines)
    path = written(tmp_path, gzip.compress(data) if packed else data)
    batch = whole(path, COLUMNS, limit, batch_bytes)
    good, broken = reference(data)
    if limit is not None:
        good, broken = [g for g in good if g[0] < limit], [b for b in broken if b < limit]
    assert batch.broken["row"].to_list() == broken
    assert batch.rows.rows() == good
