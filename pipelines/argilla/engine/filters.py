"""Argilla's filters and orders as SQL over the server's tables, every value a bound parameter.

A property with several values matches where any of them does. "pending" is the status of a record that the user has
not answered. What has no value sorts last, both ways.
"""

import datetime as dt
import re
from typing import Final
from uuid import UUID

from argilla_server.search_engine import (
    AndFilter,
    Filter,
    FilterScope,
    MetadataFilterScope,
    Order,
    RangeFilter,
    RecordFilterScope,
    ResponseFilterScope,
    SuggestionFilterScope,
    TermsFilter,
)

_COLUMNS: Final = {"id", "external_id", "status", "inserted_at", "updated_at"}
_DATES: Final = {"inserted_at", "updated_at"}
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


class Statement:
    """One statement over `records r`, and the values that are bound in it."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def bind(self, value: object) -> str:
        """The name under which a value stands in the SQL."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def where(self, filter: Filter) -> str:
        """The condition on `r`. ValueError for a scope or a value that there is not."""
        if isinstance(filter, AndFilter):
            return "(" + (" AND ".join(self.where(one) for one in filter.filters) or "1") + ")"
        scope = filter.scope
        if isinstance(scope, RecordFilterScope):
            return f"({self._of_record(filter, _column(scope))})"
        if isinstance(scope, ResponseFilterScope) and not scope.question and "pending" in filter.values:
            others = [value for value in filter.values if value != "pending"]
            source, _ = self._source(scope)
            pending = f"NOT EXISTS (SELECT 1 FROM {source})"
            return f"({pending} OR {self.where(TermsFilter(scope, others))})" if others else pending
        source, value = self._source(scope)
        return f"EXISTS (SELECT 1 FROM {source} AND ({self._test(filter, value)}))"

    def order(self, order: Order) -> str:
        """One term of ORDER BY."""
        scope, way = order.scope, _text(order.order)
        if way not in ("asc", "desc"):
            raise ValueError(f"there is no order {way!r}")
        if isinstance(scope, RecordFilterScope):
            return f"r.{_column(scope)} {way} NULLS LAST"
        source, value = self._source(scope)
        several = "MIN" if way == "asc" else "MAX"
        if isinstance(scope, ResponseFilterScope) and scope.question:
            several = "AVG"
        return f"(SELECT {several}({value}) FROM {source}) {way} NULLS LAST"

    def _of_record(self, filter: TermsFilter | RangeFilter, column: str) -> str:
        if isinstance(filter, RangeFilter):
            bounds = ((">=", filter.ge), ("<=", filter.le))
            known = [(sign, _date(bound) if column in _DATES else bound) for sign, bound in bounds if bound is not None]
            return " AND ".join(f"r.{column} {sign} {self.bind(bound)}" for sign, bound in known)
        values = [_text(value) for value in filter.values]
        if column == "id":
            values = [UUID(value).hex for value in values]
        elif column in _DATES:
            values = [_date(value) for value in values]
        return f"r.{column} IN ({', '.join(self.bind(value) for value in values)})"

    def _source(self, scope: FilterScope) -> tuple[str, str]:
        """What lists a scope's values for `r` (with its WHERE begun), and the expression of one value."""
        if isinstance(scope, MetadataFilterScope):
            return f"json_each(r.metadata, {self._path(scope.metadata_property)}) j WHERE 1", "j.value"
        if isinstance(scope, SuggestionFilterScope):
            return self._suggestions(scope)
        if isinstance(scope, ResponseFilterScope):
            return self._responses(scope)
        raise ValueError(f"there is no scope {scope}")

    def _suggestions(self, scope: SuggestionFilterScope) -> tuple[str, str]:
        name = _text(scope.property).rsplit(".", 1)[-1].replace("None", "value")  # the server's own default
        tables = "suggestions s JOIN questions q ON q.id=s.question_id"
        condition = f"s.record_id=r.id AND q.name={self.bind(scope.question)}"
        if name in ("agent", "type"):
            return f"{tables} WHERE {condition}", f"s.{name}"
        if name in ("value", "score"):
            return f"{tables}, json_each(s.{name}) j WHERE {condition}", "j.value"
        raise ValueError(f"a suggestion has no {name!r}")

    def _responses(self, scope: ResponseFilterScope) -> tuple[str, str]:
        condition = "s.record_id=r.id" + (f" AND s.user_id={self.bind(scope.user.id.hex)}" if scope.user else "")
        if scope.question:
            values = f'json_each(s."values", {self._path(scope.question, ".value")}) j'
            return f"responses s, {values} WHERE {condition}", "j.value"
        return f"responses s WHERE {condition}", "s.status"

    def _path(self, name: str, tail: str = "") -> str:
        quoted = name.replace('"', "")  # no name that the server accepts has one
        return self.bind(f'$."{quoted}"{tail}')

    def _test(self, filter: TermsFilter | RangeFilter, value: str) -> str:
        """A number is found whichever way it is written: 3 and 3.0 are one value."""
        if isinstance(filter, RangeFilter):
            bounds = ((">=", filter.ge), ("<=", filter.le))
            tests = [f"{value} {sign} {self.bind(float(bound))}" for sign, bound in bounds if bound is not None]
            return f"typeof({value}) <> 'text' AND " + " AND ".join(tests)
        texts = [_text(one) for one in filter.values]
        test = f"CAST({value} AS TEXT) IN ({', '.join(self.bind(text) for text in texts)})"
        numbers = [self.bind(float(text)) for text in texts if _NUMBER.fullmatch(text)]
        if numbers:
            test += f" OR (typeof({value}) <> 'text' AND {value} IN ({', '.join(numbers)}))"
        return test


def _column(scope: RecordFilterScope) -> str:
    name = _text(scope.property)
    if name not in _COLUMNS:
        raise ValueError(f"a record has no {name!r}")
    return name


def _text(value: object) -> str:
    return str(getattr(value, "value", value))


def _date(value: object) -> str:
    """As the server's tables write it: UTC, no zone, microseconds. ValueError if it is none."""
    when = dt.datetime.fromisoformat(_text(value))
    if when.tzinfo:
        when = when.astimezone(dt.UTC).replace(tzinfo=None)
    return when.strftime("%Y-%m-%d %H:%M:%S.%f")
