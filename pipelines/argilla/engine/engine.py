"""The engine, as Argilla's server asks for one (`argilla_server.search_engine.SearchEngine`).

The server makes a new object for every request, so that what stays lies in the module. It also gives `search` a
`user_id` that its interface does not declare: with no order asked for, every annotator has one of their own.
"""

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import numpy as np
from argilla_server.enums import MetadataPropertyType, SimilarityOrder
from argilla_server.errors.future import UnprocessableEntityError
from argilla_server.models import (
    Dataset,
    Field,
    MetadataProperty,
    Record,
    Response,
    Suggestion,
    User,
    VectorSettings,
)
from argilla_server.search_engine import (
    Filter,
    FloatMetadataMetrics,
    IntegerMetadataMetrics,
    MetadataMetrics,
    Order,
    SearchEngine,
    SearchResponseItem,
    SearchResponses,
    TermsMetrics,
    TextQuery,
)
from argilla_server.settings import settings
from sqlalchemy import make_url

from pipelines.argilla.engine.filters import Statement
from pipelines.argilla.engine.query import TooDeepError, expression
from pipelines.argilla.engine.similar import Vectors, nearest, unit
from pipelines.argilla.engine.store import Document, Store, column_of, words_of

NAME: Final = "sqlite"
_MOST_TERMS: Final = 2**14
"""Terms of a metadata property that are told, as the server's other engines do."""


@cache
def store() -> Store:
    """The engine's file, beside the server's database."""
    server = make_url(settings.database_url).database
    assert settings.database_is_sqlite and server, "the embedded engine reads the server's own SQLite database"
    return Store(Path(settings.home_path) / "search.db", Path(server))


@cache
def vectors() -> Vectors:
    return Vectors(store())


@SearchEngine.register(engine_name=NAME)
class SqliteSearchEngine(SearchEngine):
    """SQL over the server's tables, FTS5 for text, numpy for similarity."""

    @classmethod
    async def new_instance(cls) -> Self:
        return cls()

    async def close(self) -> None:
        """Nothing is open: connections belong to threads."""

    async def ping(self) -> bool:
        await asyncio.to_thread(store)
        return True

    async def info(self) -> dict[str, str]:
        return {"name": NAME, "version": sqlite3.sqlite_version}

    async def create_index(self, dataset: Dataset) -> None:
        await asyncio.to_thread(store().create, dataset.id.hex, [field.name for field in _searchable(dataset)])

    async def delete_index(self, dataset: Dataset) -> None:
        await asyncio.to_thread(store().drop, dataset.id.hex)

    async def index_records(self, dataset: Dataset, records: Iterable[Record]) -> None:
        fields = _searchable(dataset)
        documents = [_document(record, fields) for record in records]
        await asyncio.to_thread(store().index, dataset.id.hex, [field.name for field in fields], documents)

    async def delete_records(self, dataset: Dataset, records: Iterable[Record]) -> None:
        await asyncio.to_thread(store().delete, dataset.id.hex, [record.id.hex for record in records])

    # What follows is read from the server's tables when it is asked for.

    async def configure_metadata_property(self, dataset: Dataset, metadata_property: MetadataProperty) -> None:
        pass

    async def configure_index_vectors(self, vector_settings: VectorSettings) -> None:
        pass

    async def partial_record_update(self, record: Record, **update: object) -> None:
        pass

    async def update_record_response(self, response: Response) -> None:
        pass

    async def delete_record_response(self, response: Response) -> None:
        pass

    async def update_record_suggestion(self, suggestion: Suggestion) -> None:
        pass

    async def delete_record_suggestion(self, suggestion: Suggestion) -> None:
        pass

    async def get_dataset_progress(self, dataset: Dataset) -> dict[str, int]:
        """Records by status, and `total`."""
        return await _counts(dataset, "SELECT status, COUNT(*) FROM records WHERE dataset_id=:dataset GROUP BY 1", {})

    async def get_dataset_user_progress(self, dataset: Dataset, user: User) -> dict[str, int]:
        """The user's responses by status, and `total`."""
        statement = """
            SELECT s.status, COUNT(*) FROM responses s JOIN records r ON r.id=s.record_id
            WHERE r.dataset_id=:dataset AND s.user_id=:user GROUP BY 1
        """
        return await _counts(dataset, statement, {"user": user.id.hex})

    async def compute_metrics_for(self, metadata_property: MetadataProperty) -> MetadataMetrics:
        statement = Statement()
        path = statement.bind(f'$."{metadata_property.name}"')
        source = (
            f"FROM records r, json_each(r.metadata, {path}) j "
            f"WHERE r.dataset_id={statement.bind(metadata_property.dataset_id.hex)} AND j.value IS NOT NULL"
        )
        if metadata_property.type == MetadataPropertyType.terms:
            counts = f"SELECT CAST(j.value AS TEXT), COUNT(*) {source} GROUP BY 1 ORDER BY 2 DESC, 1"
            rows = await _read(counts, statement)
            terms = [TermsMetrics.TermCount(term=term, count=count) for term, count in rows[:_MOST_TERMS]]
            return TermsMetrics(total=sum(count for _, count in rows), values=terms)
        ((low, high),) = await _read(f"SELECT MIN(j.value), MAX(j.value) {source}", statement)
        whole = metadata_property.type == MetadataPropertyType.integer
        return (IntegerMetadataMetrics if whole else FloatMetadataMetrics)(min=low, max=high)

    async def search(
        self,
        dataset: Dataset,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,
        sort: list[Order] | None = None,
        offset: int = 0,
        limit: int = 100,
        user_id: str | None = None,
    ) -> SearchResponses:
        """A page of the records that match, and how many match.

        In the order asked for; else the best match of a text query first; else shuffled for each user, always alike.
        """
        statement = Statement()
        source = _matching(statement, dataset, query)
        if source is None:
            return SearchResponses(items=[], total=0)
        source += f" AND {statement.where(filter)}" if filter else ""
        ((total,),) = await _read(f"SELECT COUNT(*) FROM {source}", statement)
        order = [statement.order(one) for one in sort or []]
        if not order and query is not None:
            order = ["w.rank"]
        elif not order and user_id is not None:
            order = [f"substr(r.id, {1 + UUID(str(user_id)).int % 24})"]
        page = f"ORDER BY {', '.join([*order, 'r.inserted_at', 'r.id'])} LIMIT {int(limit)} OFFSET {int(offset)}"
        score = "1.0" if query is None else "-w.rank"
        rows = await _read(f"SELECT r.id, {score} FROM {source} {page}", statement)
        return _found(rows, total)

    async def similarity_search(
        self,
        dataset: Dataset,
        vector_settings: VectorSettings,
        value: list[float] | None = None,
        record: Record | None = None,
        query: TextQuery | str | None = None,
        filter: Filter | None = None,
        max_results: int = 100,
        order: SimilarityOrder = SimilarityOrder.most_similar,
        threshold: float | None = None,
    ) -> SearchResponses:
        """The records whose vectors are nearest to `value`, or to that of `record`, which is left out itself.

        "Least similar" is nearest to the opposite vector. ValueError if there is no vector to compare with.
        """
        if bool(value) == bool(record):
            raise ValueError("either a vector or a record is compared with")
        target = value if record is None else record.vector_value_by_vector_settings(vector_settings)
        if not target:
            raise ValueError("the record has no such vector")
        among = None
        if filter or query is not None:
            statement = Statement()
            source = _matching(statement, dataset, query)
            if source is None:
                return SearchResponses(items=[], total=0)
            source += f" AND {statement.where(filter)}" if filter else ""
            among = np.array([one for (one,) in await _read(f"SELECT r.id FROM {source}", statement)], dtype="U32")
        ids, known = await asyncio.to_thread(vectors().of, dataset.id.hex, vector_settings.id.hex)
        goal = -unit(target) if order == SimilarityOrder.least_similar else unit(target)
        without = None if record is None else record.id.hex
        rows = await asyncio.to_thread(nearest, ids, known, goal, max_results, among, without, threshold)
        return _found(rows, len(rows))


def _matching(statement: Statement, dataset: Dataset, query: TextQuery | str | None) -> str | None:
    """FROM and WHERE of the data set's records, those only that match a text; None where none can.

    CROSS JOIN keeps SQLite from turning the joins around: what matches is few, and must drive.
    """
    of = f"r.dataset_id={statement.bind(dataset.id.hex)}"
    if query is None:
        return f"records r WHERE {of}"
    asked = TextQuery(q=query) if isinstance(query, str) else query
    try:
        match = expression(asked.q, column_of(asked.field) if asked.field else None)
    except TooDeepError as error:
        raise UnprocessableEntityError(f"The text query is too involved: {error}") from error
    if match is None:
        return None
    words = words_of(dataset.id.hex)
    joined = f"found.{words} w CROSS JOIN found.documents o ON o.id=w.rowid CROSS JOIN records r ON r.id=o.record_id"
    return f"{joined} WHERE w.{words} MATCH {statement.bind(match)} AND {of}"


async def _read(sql: str, statement: Statement) -> list[Any]:
    return await asyncio.to_thread(store().read, sql, statement.values)


async def _counts(dataset: Dataset, statement: str, values: dict[str, object]) -> dict[str, int]:
    if dataset.is_draft:
        return {}
    rows = await asyncio.to_thread(store().read, statement, {"dataset": dataset.id.hex, **values})
    counts: dict[str, int] = dict(rows)
    return {"total": sum(counts.values()), **counts}


def _found(rows: Iterable[tuple[str, float]], total: int) -> SearchResponses:
    items = [SearchResponseItem(record_id=UUID(record), score=score) for record, score in rows]
    return SearchResponses(items=items, total=total)


def _searchable(dataset: Dataset) -> list[Field]:
    return [field for field in dataset.fields if not field.is_image]


def _document(record: Record, fields: list[Field]) -> Document:
    texts = {field.name: _text(record.fields.get(field.name), field) for field in fields}
    known = {vector.vector_settings_id.hex: unit(vector.value).tobytes() for vector in record.vectors}
    updated = record.updated_at.strftime("%Y-%m-%d %H:%M:%S.%f")
    return Document(record=record.id.hex, updated_at=updated, texts=texts, vectors=known)


def _text(value: object, field: Field) -> str:
    """The words of a field: of a chat the contents of its messages, of a custom field its JSON."""
    if value is None:
        return ""
    if field.is_chat:
        assert isinstance(value, list)
        return "\n".join(str(message.get("content", "")) for message in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
