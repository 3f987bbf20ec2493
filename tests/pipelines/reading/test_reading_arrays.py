"""JSON arrays in one file: their forms, damage to single elements, and cutting at any place."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import TamisError
from pipelines.reading import Batch, read

COLUMNS = {"a": pl.String, "b": pl.List(pl.Struct({"a": pl.String}))}
"""The objects inside a row have the key that rows begin with: the hardest case, where nothing is damaged."""

ANY_BATCH = (7, 64, 1 << 20)


def whole(path: Path, limit: int | None = None, batch_bytes: int = 1 << 20, columns: object = None) -> Batch:
    batches = list(read(path, columns=columns or COLUMNS, limit=limit, batch_bytes=batch_bytes))  # type: ignore[arg-type]
    if not batches:
        return Batch(pl.DataFrame({"row": [], "a": []}), pl.DataFrame({"row": [], "reason": [], "excerpt": []}))
    return Batch(pl.concat([b.rows for b in batches]), pl.concat([b.broken for b in batches]))


def written(folder: Path, data: bytes, name: str = "f.json") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def element(n: int, **more: object) -> dict[str, object]:
    return {"a": f'{n}: }}, {{"a": "]" \\ é', "b": [{"a": "x"}, {"a": "y"}]} | more


FORMS = {
    "one line": json.dumps,
    "one line and a newline": lambda rows: json.dumps(rows) + "\n",
    "indented": lambda rows: json.dumps(rows, indent=1),
    "compact": lambda rows: json.dumps(rows, separators=(",", ":"), ensure_ascii=False),
    "an element a line": lambda rows: "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n",
    "commas first": lambda rows: " [" + "\n , ".join(json.dumps(row) for row in rows) + "]",
    "with a comma too many": lambda rows: json.dumps(rows)[:-1] + ",\n]",
    "in an object": lambda rows: json.dumps({"version": 1, "tags": [], "data": rows, "more": [{"c": "no"}]}),
    "lines": lambda rows: "\n".join(json.dumps(row) for row in rows),
    "lines with a newline": lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("batch_bytes", ANY_BATCH)
def test_every_form_gives_the_same_rows(tmp_path: Path, form: str, batch_bytes: int) -> None:
    rows = [element(n) for n in range(20)]
    text = FORMS[form](rows).encode()
    for bom in (b"", b"\xef\xbb\xbf"):
        path = written(tmp_path, bom + text)
        batch = whole(path, batch_bytes=batch_bytes)
        assert batch.rows["row"].to_list() == list(range(20))
        assert batch.rows.select("a", "b").to_dicts() == rows
        assert batch.broken.is_empty()
    packed = written(tmp_path, gzip.compress(text), "f.json.gz")
    assert whole(packed, batch_bytes=batch_bytes).rows.height == 20


@pytest.mark.parametrize("text", ["[]", "[\n]\n", '{"data": []}', " [ ] "])
def test_an_empty_array_has_no_rows(tmp_path: Path, text: str) -> None:
    columns = {"a": pl.String}
    if text.startswith("{"):
        with pytest.raises(TamisError, match="there is no column a; there are data"):
            whole(written(tmp_path, text.encode()), columns=columns)
    else:
        assert whole(written(tmp_path, text.encode()), columns=columns).rows.is_empty()


def test_an_object_with_an_asked_column_is_a_row(tmp_path: Path) -> None:
    text = json.dumps({"id": 1, "b": [{"a": "x"}], "a": "y"})
    for name in ("f.json", "f.jsonl"):
        assert whole(written(tmp_path, text.encode(), name)).rows.rows() == [(0, "y", [{"a": "x"}])]


def test_elements_with_other_keys_are_elements_too(tmp_path: Path) -> None:
    text = b'[{"a": "1"},{"c": {}, "b": []},{},{"a": null}]'
    assert whole(written(tmp_path, text)).rows.rows() == [
        (0, "1", None),
        (1, None, []),
        (2, None, None),
        (3, None, None),
    ]


PLAIN = {"a": pl.String, "b": pl.List(pl.Struct({"c": pl.String}))}


def plain(n: int) -> dict[str, object]:
    return element(n, b=[{"c": "x"}, {"c": "y"}])


WOUNDS = {
    "a quote too few": lambda text: text.replace('"a": "', '"a": ', 1),
    "a quote too many": lambda text: text.replace('"a": "', '"a": "quo"te', 1),
    "an end that is cut off": lambda text: text[: len(text) // 3],
    "a brace too few": lambda text: text[:-1],
    "a brace too many": lambda text: text + "}",
    "a bracket too many": lambda text: "]]".join(text.rsplit("]", 1)),
    "a bracket too few": lambda text: "".join(text.rsplit("]", 1)),
    "half a surrogate pair": lambda text: text.replace("é", "\\ud800").replace("\\u00e9", "\\ud800"),
    "a word": lambda text: text.replace("{", "{oops", 1),
    "a single backslash": lambda text: text.replace("\\\\", "\\", 1),
}


@pytest.mark.parametrize("wound", WOUNDS)
@pytest.mark.parametrize("form", ["one line", "indented", "an element a line", "in an object"])
@pytest.mark.parametrize("batch_bytes", ANY_BATCH)
def test_a_damaged_element_costs_no_other(tmp_path: Path, wound: str, form: str, batch_bytes: int) -> None:
    rows = [plain(n) for n in range(8)]
    marked = FORMS[form]([*rows[:3], "HERE", *rows[3:], "HERE"])
    indent = 1 if form == "indented" else None
    damaged = WOUNDS[wound](json.dumps(plain(99), indent=indent))
    batch = whole(written(tmp_path, marked.replace('"HERE"', damaged).encode()), batch_bytes=batch_bytes, columns=PLAIN)
    assert batch.rows.select("a", "b").to_dicts() == rows
    assert batch.rows["row"].to_list()[:3] == [0, 1, 2]
    assert batch.broken.height in (1, 2)


def test_an_object_with_two_arrays_of_such_rows_is_refused(tmp_path: Path) -> None:
    text = json.dumps({"train": [element(1)] * 9, "test": [element(2)]})
    for batch_bytes in ANY_BATCH:
        with pytest.raises(TamisError, match=r"either of two arrays"):
            whole(written(tmp_path, text.encode()), batch_bytes=batch_bytes)


def test_an_array_that_is_cut_off_ends_with_a_broken_row(tmp_path: Path) -> None:
    text = json.dumps([element(n) for n in range(3)]).encode()[:-9]
    batch = whole(written(tmp_path, text))
    assert (batch.rows["row"].to_list(), batch.broken["row"].to_list()) == ([0, 1], [2])


def test_an_element_without_end_is_broken_and_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("lines", "arrays", "texts"):
        monkeypatch.setattr(f"pipelines.reading.{module}.LONGEST", 1 << 20)
    path = written(tmp_path, json.dumps([plain(0), plain(1) | {"a": "x" * (3 << 20)}, plain(2)]).encode())
    for batch_bytes in (1 << 12, 1 << 24):
        batch = whole(path, batch_bytes=batch_bytes, columns=PLAIN)
        assert batch.rows["row"].to_list() == [0, 2]
        assert batch.broken.select("row", "reason").rows() == [(1, "longer than 1 MiB")]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ['}, {"a": ', "\\", '"', "]", "["]
)
trees = st.recursive(
    st.fixed_dictionaries({}, optional={"a": words}),
    lambda inner: st.fixed_dictionaries({}, optional={"a": words, "b": st.lists(inner, max_size=2)}),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(trees, max_size=8),
    form=st.sampled_from([*FORMS]),
    batch_bytes=st.sampled_from(ANY_BATCH),
    limit=st.none() | st.integers(1, 9),
)
def test_random_elements_are_cut_where_json_ends_them(
    tmp_path: Path, rows: list[dict[str, object]], form: str, batch_bytes: int, limit: int | None
) -> None:
    rows = [element(0), *rows]
    batch = whole(written(tmp_path, FORMS[form](rows).encode()), limit, batch_bytes)
    expected = [{"a": r.get("a"), "b": [{"a": i.get("a")} for i in r["b"]] if "b" in r else None} for r in rows[:limit]]  # type: ignore[attr-defined]
    assert batch.rows.select("a", "b").to_dicts() == expected
    assert batch.broken.is_empty()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), form=st.sampled_from(["one line", "indented", "an element a line"]))
def test_any_damage_loses_no_more_than_what_it_touches(tmp_path: Path, data: st.DataObject, form: str) -> None:
    rows = [plain(n) for n in range(6)]
    text = bytearray(FORMS[form](rows).encode())
    at = data.draw(st.integers(text.index(b"{") + 1, len(text) - 3))
    text[at : at + data.draw(st.integers(0, 2))] = data.draw(
        st.sampled_from([b"", b'"', b"}", b"{", b"]", b",", b"\xff"])
    )
    results = [whole(written(tmp_path, bytes(text)), batch_bytes=size, columns=PLAIN) for size in ANY_BATCH]
    kept = results[0].rows["a"].to_list()
    assert sum(row["a"] in kept for row in rows) >= len(rows) - 2
    for other in results[1:]:
        assert other.rows.equals(results[0].rows)
        assert other.broken["row"].equals(results[0].broken["row"])
