"""Records pushed to Argilla by the review queue's push, beside the plain client's `log` of the same records.

Both send fields, metadata, suggestions and a vector of each record to one embedded server, to data sets of one form.
The second time nothing has changed: the push compares what is there, the plain client sends all of it again.
"""

import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import argilla as rg
import polars as pl

from bench.corpora import Corpus, corpus
from pipelines.argilla import WORKSPACE
from pipelines.argilla.server import running
from pipelines.identity import with_hashes
from pipelines.lake import Lake
from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe, Review
from pipelines.review import client as api
from pipelines.review.asked import AGENT, asked, shown_records
from pipelines.review.forms import FORMS
from pipelines.review.push import push
from pipelines.review.queue import SCHEMA
from pipelines.states import Pass, State
from pipelines.workspace import Workspace
from schemas.families import FAMILIES
from schemas.tables import TABLES

_RECORDS: Final = 1_000
_FAMILY: Final = FAMILIES["instruction"]
_RULE: Final = Rule(name="short", signal="completion_words", comparison="<", threshold=1e9, why="It is short.")


def run(data: Path | None) -> str:
    """The table. `data` is not used: the records are made."""
    with tempfile.TemporaryDirectory() as folder:
        place = Workspace(Path(folder), "sample")
        published, queue = _made(Lake(place.lake))
        recipe = Recipe(sources={"made": None}, rules=[_RULE], review=Review(budget=_RECORDS))
        with running(place) as server, api.connected(server.url, server.api_key) as client:

            def ours() -> None:
                push(client, WORKSPACE, published.lake, published, recipe, queue)

            first, second = _timed(ours), _timed(ours)
            dataset = rg.Dataset(
                name="plain",
                workspace=WORKSPACE,
                settings=FORMS[_FAMILY.name].settings(client, 1, ["completion_words"]),
                client=client,
            ).create()
            questions = {question.name: str(question.id) for question in dataset.settings.questions}
            rows = shown_records(published, recipe, _FAMILY, queue)
            items = asked(rows, recipe, _FAMILY, ["completion_words"], questions)["json"].to_list()
            names = {number: name for name, number in questions.items()}

            def plain() -> None:
                dataset.records.log([_record(json.loads(item), names) for item in items], batch_size=api.PAGE)

            plain_first, plain_second = _timed(plain), _timed(plain)
    rows = {"this push": (first, second), "the plain client's log": (plain_first, plain_second)}
    return "\n".join(
        [
            f"{_RECORDS:,} records: records a second (the client's processor time, ms a record)",
            "",
            "| way | new | again, unchanged |",
            "| --- | ---: | ---: |",
            *(f"| {way} | " + " | ".join(map(_said, timings)) + " |" for way, timings in rows.items()),
        ]
    )


def _timed(do: Callable[[], None]) -> tuple[float, float]:
    """Seconds by the clock, and of this process's processor."""
    started, used = time.perf_counter(), time.process_time()
    do()
    return time.perf_counter() - started, time.process_time() - used


def _said(timing: tuple[float, float]) -> str:
    seconds, cpu = timing
    return f"{_RECORDS / seconds:,.0f} ({1000 * cpu / _RECORDS:.2f})"


def _record(item: dict[str, object], questions: dict[str, str]) -> rg.Record:
    suggestions = item["suggestions"]
    assert isinstance(suggestions, list)
    return rg.Record(
        id=item["external_id"],
        fields=item["fields"],
        metadata={name: value for name, value in item["metadata"].items() if value is not None},  # type: ignore[attr-defined]
        vectors=item["vectors"],
        suggestions=[rg.Suggestion(questions[s["question_id"]], s["value"], agent=AGENT) for s in suggestions],
    )


def _made(lake: Lake) -> tuple[Pass, pl.DataFrame]:
    """A lake of made records with a pass, and a queue that holds all of them."""
    types = {name: pl.DataFrame(pl.from_arrow(TABLES[name].schema.empty_table())).schema for name in TABLES}
    nothing = pl.lit(None, dtype=pl.String)

    def turn(role: str, content: pl.Expr) -> pl.Expr:
        message = pl.struct(role=pl.lit(role), content=content, tool_calls=nothing, tool_call_id=nothing, name=nothing)
        return pl.concat_list(message)

    said = corpus(Corpus(_RECORDS)).select(
        id=pl.format("made/instruction/{}", "id"),
        source=pl.lit("made"),
        revision=pl.lit("made"),
        origin=pl.struct(config=nothing, split=pl.lit("train"), file=pl.lit("made"), row=pl.col("id")),
        tools=nothing,
        prompt=turn("user", pl.format("What of {}?", "id")),
        completion=turn("assistant", pl.col("text")),
    )
    records = with_hashes(said, _FAMILY)
    whole = records.with_columns(
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in types["records_instruction"].items()
        if name not in records.columns
    )
    words = pl.col("completion").list.first().struct.field("content").str.count_matches(r"\S+")
    signals = records.select("id", "source", "content_hash", code=pl.lit("bench"), completion_words=words)
    ledger = records.select(
        "id",
        "source",
        "content_hash",
        family=pl.lit(_FAMILY.name),
        recipe=pl.lit("bench"),
        side=pl.lit("train"),
        pinned=pl.lit(value=False),
        fate=pl.lit("rule"),
        marks=pl.lit([], dtype=pl.List(pl.String)),
    )
    versions = {
        "records_instruction": lake.replace("records_instruction", whole.select(types["records_instruction"].names()),
                                            partition="made"),
        "signals_instruction": lake.replace("signals_instruction", signals, partition="made"),
    }  # fmt: skip
    full = ledger.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in types["ledger"].items() if name not in ledger.columns
    )
    version = lake.replace("ledger", full.select(types["ledger"].names()), partition="bench")
    state = State(lake, 1, versions, "bench", ready=True)
    queue = records.select(
        "content_hash",
        "id",
        "source",
        recipe=pl.lit("bench"),
        family=pl.lit(_FAMILY.name),
        ground=pl.lit("near a threshold"),
        fate=pl.lit("rule"),
        rules=pl.lit(["short"]),
        shown=pl.lit(["rule:short"]),
        priority=pl.int_range(1, pl.len() + 1),
    ).with_columns(pl.lit(1).alias("pass"))
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in SCHEMA.items() if name not in queue.columns]
    typed = queue.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    return Pass(lake, 1, "bench", "bench", state, {"ledger": version}, datetime.now(UTC)), typed
