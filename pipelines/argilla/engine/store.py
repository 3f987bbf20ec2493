"""The engine's own file: the words and vectors of the server's records.

One full-text table a data set with a column a field, so that a word's weight is that in its data set and a field's
query is a column's. The server's database is opened beside it for reading; the file is written alone, so that no
lock spans both.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.argilla.engine.query import EVERY
from pipelines.argilla.engine.words import TOKENIZER, segmented

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS documents(
  id INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE, dataset_id TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_of_dataset ON documents(dataset_id);
CREATE TABLE IF NOT EXISTS vectors(
  settings_id TEXT NOT NULL, record_id TEXT NOT NULL, dataset_id TEXT NOT NULL, value BLOB NOT NULL,
  UNIQUE(settings_id, record_id));
CREATE INDEX IF NOT EXISTS vectors_of_record ON vectors(record_id);
CREATE TABLE IF NOT EXISTS generations(dataset_id TEXT PRIMARY KEY, generation INTEGER NOT NULL);
"""
_LAYOUT: Final = 1
_TIMEOUT: Final = 30.0
"""Seconds to wait for another writer."""


@dataclass(frozen=True)
class Document:
    """What is indexed of one record: its texts by field, and its unit vectors as float32 bytes by vector settings."""

    record: str
    updated_at: str
    texts: dict[str, str]
    vectors: dict[str, bytes]


def words_of(dataset: str) -> str:
    """The full-text table of a data set, by the hexadecimal digits of its id."""
    return f"words_{dataset}"


def column_of(field: str) -> str:
    """The column of a field. The prefix keeps it from the names that FTS5 needs for itself."""
    return f"f_{field}"


class Store:
    """The file `path`, and the server's database at `server` beside it."""

    def __init__(self, path: Path, server: Path) -> None:
        self.path, self._server = path, server
        self._writing = threading.Lock()
        self._readers = threading.local()
        with self._write() as db:
            if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _LAYOUT):
                raise RuntimeError(f"{path} was written by another version: delete it, and it is made anew")
            db.execute(f"PRAGMA user_version={_LAYOUT}")
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    @contextlib.contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which waits for its turn before it reads."""
        with self._writing, contextlib.closing(sqlite3.connect(self.path, timeout=_TIMEOUT)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")  # it can be made anew from the server's tables
            with db:
                db.execute("BEGIN IMMEDIATE")
                yield db

    def read(self, statement: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Rows of a statement over `records` and the server's other tables, and over this file as `found`."""
        if not hasattr(self._readers, "db"):  # a connection a thread, for as long as it lives
            db = sqlite3.connect(f"file:{self._server}?mode=ro", uri=True, timeout=_TIMEOUT)
            db.execute("ATTACH DATABASE ? AS found", (f"file:{self.path}?mode=ro",))
            self._readers.db = db
        return list(self._readers.db.execute(statement, values))

    def create(self, dataset: str, fields: Iterable[str]) -> None:
        """A full-text table with these fields; one that is there stays."""
        with self._write() as db:
            self._create(db, dataset, fields)

    def _create(self, db: sqlite3.Connection, dataset: str, fields: Iterable[str]) -> None:
        table = words_of(dataset)
        if db.execute("SELECT 1 FROM sqlite_master WHERE name=?", (table,)).fetchone():
            return
        columns = ", ".join(f'"{column_of(field)}"' for field in fields)
        db.execute(f'CREATE VIRTUAL TABLE {table} USING fts5({EVERY}, {columns}, tokenize="{TOKENIZER}")')
        db.execute(f"INSERT INTO {table}({table}, rank) VALUES ('rank', 'bm25(0.0)')")

    def drop(self, dataset: str) -> None:
        """Forget a data set."""
        with self._write() as db:
            db.execute(f"DROP TABLE IF EXISTS {words_of(dataset)}")
            db.execute("DELETE FROM documents WHERE dataset_id=?", (dataset,))
            db.execute("DELETE FROM vectors WHERE dataset_id=?", (dataset,))
            db.execute("DELETE FROM generations WHERE dataset_id=?", (dataset,))

    def index(self, dataset: str, fields: Sequence[str], documents: Sequence[Document]) -> None:
        """Put documents in the place of what is known of their records."""
        columns = ["rowid", EVERY, *(f'"{column_of(field)}"' for field in fields)]
        insert = f"INSERT INTO {words_of(dataset)}({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        words = [[segmented(document.texts.get(field, "")) for field in fields] for document in documents]
        with self._write() as db:
            self._create(db, dataset, fields)
            self._forget(db, dataset, [document.record for document in documents])
            for document, texts in zip(documents, words, strict=True):
                row = (document.record, dataset, document.updated_at)
                added = db.execute("INSERT INTO documents(record_id, dataset_id, updated_at) VALUES (?, ?, ?)", row)
                db.execute(insert, (added.lastrowid, EVERY, *texts))
            db.executemany(
                "INSERT INTO vectors VALUES (?, ?, ?, ?)",
                [(key, one.record, dataset, value) for one in documents for key, value in one.vectors.items()],
            )

    def delete(self, dataset: str, records: Sequence[str]) -> None:
        """Forget records."""
        with self._write() as db:
            self._forget(db, dataset, records)

    def _forget(self, db: sqlite3.Connection, dataset: str, records: Sequence[str]) -> None:
        keys = [(record,) for record in records]
        table = words_of(dataset)
        if db.execute("SELECT 1 FROM sqlite_master WHERE name=?", (table,)).fetchone():
            db.executemany(f"DELETE FROM {table} WHERE rowid=(SELECT id FROM documents WHERE record_id=?)", keys)
        db.executemany("DELETE FROM documents WHERE record_id=?", keys)
        db.executemany("DELETE FROM vectors WHERE record_id=?", keys)
        db.execute(
            "INSERT INTO generations VALUES (?, 1) ON CONFLICT(dataset_id) DO UPDATE SET generation=generation+1",
            (dataset,),
        )

    def behind(self) -> list[str]:
        """The data sets whose records differ from what is known here: a killed server's, or all for a new file."""
        both = """
            SELECT DISTINCT d.id FROM datasets d WHERE d.status='ready' AND (
              NOT EXISTS (SELECT 1 FROM found.sqlite_master WHERE name='words_' || d.id)
              OR EXISTS (SELECT 1 FROM records r LEFT JOIN found.documents o ON o.record_id=r.id
                         WHERE r.dataset_id=d.id AND o.updated_at IS NOT r.updated_at)
              OR (SELECT COUNT(*) FROM found.documents o WHERE o.dataset_id=d.id)
                 <> (SELECT COUNT(*) FROM records r WHERE r.dataset_id=d.id))
        """
        return [dataset for (dataset,) in self.read(both, {})]

    def surplus(self) -> list[str]:
        """The data sets that are known here only."""
        gone = "SELECT DISTINCT dataset_id FROM found.documents WHERE dataset_id NOT IN (SELECT id FROM datasets)"
        return [dataset for (dataset,) in self.read(gone, {})]
