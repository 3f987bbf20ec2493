"""The engine's file beside the server's database: what it knows, and how it notices that it is behind."""

import sqlite3
import threading
from pathlib import Path

import pytest

from pipelines.argilla.engine.store import Document, Store, words_of

ONE, TWO = "1" * 32, "2" * 32


def document(name: str, text: str = "words", updated_at: str = "2026-01-01") -> Document:
    return Document(name, updated_at, {"text": text}, {})


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A database with the server's columns that matter here."""
    path = tmp_path / "argilla.db"
    db = sqlite3.connect(path)
    db.executescript(
        "CREATE TABLE datasets(id TEXT, status TEXT); CREATE TABLE records(id TEXT, dataset_id TEXT, updated_at TEXT)"
    )
    db.execute("INSERT INTO datasets VALUES (?, 'ready'), (?, 'draft')", (ONE, TWO))
    db.executemany("INSERT INTO records VALUES (?, ?, '2026-01-01')", [("a", ONE), ("b", ONE)])
    db.commit()
    db.close()
    return path


@pytest.fixture
def store(server: Path) -> Store:
    return Store(server.with_name("search.db"), server)


def found(store: Store, query: str, dataset: str = ONE) -> set[str]:
    table = words_of(dataset)
    statement = (
        f"SELECT o.record_id FROM found.{table} w JOIN found.documents o ON o.id=w.rowid WHERE w.{table} MATCH :q"
    )
    return {record for (record,) in store.read(statement, {"q": query})}


def test_documents_replace_one_another_and_leave(store: Store) -> None:
    store.index(ONE, ["text"], [document("a", "cat"), document("b", "dog")])
    assert found(store, "cat OR dog") == {"a", "b"}
    store.index(ONE, ["text"], [document("a", "bird")])
    assert (found(store, "cat"), found(store, "bird")) == (set(), {"a"})
    store.delete(ONE, ["a", "never there"])
    assert found(store, "every") == {"b"}
    store.drop(ONE)
    store.create(ONE, ["text"])
    assert found(store, "every") == set()


def test_it_knows_what_a_killed_server_did_not_index(store: Store, server: Path) -> None:
    assert store.behind() == [ONE]
    both = [document("a"), document("b")]
    store.index(ONE, ["text"], both)
    assert store.behind() == []
    store.delete(ONE, ["b"])
    assert store.behind() == [ONE]
    store.index(ONE, ["text"], [document("b", updated_at="2025-01-01")])
    assert store.behind() == [ONE]
    store.index(ONE, ["text"], [*both, document("c")])
    assert store.behind() == [ONE]
    store.delete(ONE, ["c"])
    assert (store.behind(), store.surplus()) == ([], [])
    db = sqlite3.connect(server)
    db.execute("DELETE FROM datasets WHERE id=?", (ONE,))
    db.commit()
    assert store.surplus() == [ONE]


def test_fields_may_have_names_that_the_index_keeps_for_itself(store: Store) -> None:
    fields = ["rank", "rowid", "every", "a-b"]
    store.index(ONE, fields, [Document("a", "", {name: f"word{number}" for number, name in enumerate(fields)}, {})])
    assert found(store, '"f_a-b" : word3') == {"a"}
    assert found(store, '"f_every" : word0') == set()


def test_text_that_sqlite_cannot_store_is_stored_without_it(store: Store) -> None:
    store.index(ONE, ["text"], [document("a", "cat\x00dog \ud800 bird")])
    assert found(store, "dog AND bird") == {"a"}


def test_writers_wait_for_one_another(store: Store) -> None:
    other = Store(store.path, store.path)  # as another process has it

    def write(where: Store, prefix: str) -> None:
        for number in range(20):
            where.index(ONE, ["text"], [document(f"{prefix}{number}")])

    threads = [threading.Thread(target=write, args=(where, name)) for where, name in ((store, "x"), (other, "y"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found(store, "every")) == 40


def test_a_file_of_another_version_is_refused(store: Store, server: Path) -> None:
    db = sqlite3.connect(store.path)
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(RuntimeError, match="delete it"):
        Store(store.path, server)
