"""Nearest vectors against a comparison with every one of them, and when they are read again."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.argilla.engine.similar import Vectors, nearest, unit
from pipelines.argilla.engine.store import Document, Store

DATASET, SETTINGS = "d" * 32, "5" * 32


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=2, max_size=2), min_size=1, max_size=30),
    st.integers(1, 8),
    st.one_of(st.none(), st.floats(0, 1)),
)
def test_the_nearest_are_those_of_a_full_sort(rows: list[list[int]], limit: int, threshold: float | None) -> None:
    ids = np.array([f"{number:032x}" for number in range(len(rows))])
    vectors = np.stack([unit([float(x) for x in row]) for row in rows])
    target = unit([1.0, 2.0])
    scores = [float((1 + vector @ target) / 2) for vector in vectors]
    wanted = sorted(zip(scores, ids, strict=True), key=lambda one: (-one[0], one[1]))
    wanted = [one for one in wanted if one[1] != ids[0] and (threshold is None or one[0] >= threshold)][:limit]
    found = nearest(ids, vectors, target, limit, without=ids[0], threshold=threshold)
    assert [score for _, score in found] == pytest.approx([score for score, _ in wanted], abs=1e-6)
    assert len({record for record, _ in found}) == len(found)


def test_only_those_asked_for_take_part() -> None:
    ids = np.array(["a", "b", "c"])
    vectors = np.stack([unit([1.0, 0.0]), unit([1.0, 0.1]), unit([0.0, 1.0])])
    found = nearest(ids, vectors, unit([1.0, 0.0]), 3, among=np.array(["c", "b"]))
    assert [record for record, _ in found] == ["b", "c"]
    assert nearest(ids, vectors, unit([1.0, 0.0]), 3, among=np.array([], dtype="U32")) == []


def document(number: int, *vector: float) -> Document:
    return Document(
        f"{number:032x}", "2026-01-01", {"text": f"text {number}"}, {SETTINGS: unit(list(vector)).tobytes()}
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    sqlite3.connect(tmp_path / "server.db").close()
    return Store(tmp_path / "search.db", tmp_path / "server.db")


def test_vectors_are_read_once_until_something_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = Vectors(store)
    assert vectors.of(DATASET, SETTINGS)[1].shape[0] == 0
    store.index(DATASET, ["text"], [document(1, 1, 0), document(2, 0, 1)])
    first = vectors.of(DATASET, SETTINGS)
    assert first[1].tolist() == [[1, 0], [0, 1]]
    assert vectors.of(DATASET, SETTINGS)[1] is first[1]
    store.index(DATASET, ["text"], [document(1, 0, -1)])
    assert vectors.of(DATASET, SETTINGS)[1].tolist() == [[0, -1], [0, 1]]
    Store(store.path, store.path).delete(DATASET, [f"{2:032x}"])  # as another process does
    assert vectors.of(DATASET, SETTINGS)[0].tolist() == [f"{1:032x}"]


def test_what_was_not_asked_for_longest_leaves_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.argilla.engine.similar.ROOM", 20)
    vectors = Vectors(store)
    for dataset in ("1" * 32, "2" * 32):
        made = Document(dataset, "2026-01-01", {"text": ""}, {dataset: unit([1, 0]).tobytes()})
        store.index(dataset, ["text"], [made])
    one = vectors.of("1" * 32, "1" * 32)[1]
    two = vectors.of("2" * 32, "2" * 32)[1]
    assert vectors.of("1" * 32, "1" * 32)[1] is one
    store.index("3" * 32, ["text"], [Document("3" * 32, "", {"text": ""}, {"3" * 32: unit([1, 0]).tobytes()})])
    vectors.of("3" * 32, "3" * 32)
    assert vectors.of("1" * 32, "1" * 32)[1] is one
    assert vectors.of("2" * 32, "2" * 32)[1] is not two
