"""The embedded Argilla: records pushed by the plain client, and what a page, a filter, a search and similarity cost.

The data sets that are asked are written into the server's tables directly, since the server takes some hundred records
a second whoever sends them; its engine then indexes them as it does after a crash. Beside the time until the answer
stands the processor time of the server, which does not depend on what else the machine does.
"""

import json
import os
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import argilla as rg
import httpx2
import numpy as np
import polars as pl
import psutil

from bench.corpora import Corpus, corpus
from pipelines.argilla import WORKSPACE
from pipelines.argilla.place import Place
from pipelines.argilla.server import Server, running
from pipelines.workspace import Workspace

_SIZES: Final = (10_000, 100_000)
_PUSHED: Final = 1_000
_DIMENSIONS: Final = 384
_ROUNDS: Final = 15
_PAGE: Final = 10
"""Records a page of Argilla's own asks for."""


def run(data: Path | None) -> str:
    """The tables. `data` is not used: the records are made."""
    with tempfile.TemporaryDirectory() as folder:
        place = Workspace(Path(folder), "sample")
        with running(place) as server:
            settings = [_made(server, size) for size in _SIZES]
            pushed = _push(server, Place(place.argilla))
        for size, dataset in zip(_SIZES, settings, strict=True):
            _fill(place.argilla / "argilla.db", dataset, size)
        started = time.monotonic()
        with running(place) as server:
            indexed = time.monotonic() - started
            process = _process(Place(place.argilla))
            tables = [_asked(server, process, dataset) for dataset in settings]
            memory = process.memory_info().rss / 2**20
    rows = [f"| {name} | " + " | ".join(table[name] for table in tables) + " |" for name in tables[0]]
    return "\n".join(
        [
            pushed,
            f"{sum(_SIZES):,} records of {_DIMENSIONS} dimensions indexed at start in {indexed:.0f} s; the server "
            f"holds {memory:.0f} MB after the questions",
            "",
            f"median of {_ROUNDS}, milliseconds until a page of {_PAGE} is there (the server's processor time)",
            "",
            "| asked | " + " | ".join(f"{size:,} records" for size in _SIZES) + " |",
            "| --- |" + " ---: |" * len(_SIZES),
            *rows,
        ]
    )


def _settings() -> rg.Settings:
    return rg.Settings(
        fields=[rg.TextField("text")],
        questions=[rg.LabelQuestion("verdict", labels=["keep", "drop"])],
        metadata=[rg.TermsMetadataProperty("source"), rg.IntegerMetadataProperty("tokens")],
        vectors=[rg.VectorField("meaning", dimensions=_DIMENSIONS)],
    )


def _made(server: Server, size: int) -> dict[str, str]:
    """An empty data set: its id, and those of what records refer to, as the tables write them."""
    client = rg.Argilla(api_url=server.url, api_key=server.api_key)
    dataset = rg.Dataset(name=f"bench-{size}", workspace=WORKSPACE, settings=_settings(), client=client)
    dataset.create()
    parts = {
        "dataset": dataset.id,
        "question": dataset.settings.questions[0].id,
        "vector": dataset.settings.vectors[0].id,
    }
    return {name: uuid.UUID(str(value)).hex for name, value in parts.items()}


def _push(server: Server, place: Place) -> str:
    """The plain client's `log`, once for new records and once for the same again."""
    client = rg.Argilla(api_url=server.url, api_key=server.api_key)
    dataset = rg.Dataset(name="bench-push", workspace=WORKSPACE, settings=_settings(), client=client)
    dataset.create()
    vectors = np.random.default_rng(0).standard_normal((_PUSHED, _DIMENSIONS)).round(6).tolist()
    records = [
        rg.Record(
            id=str(row["id"]),
            fields={"text": row["text"]},
            metadata={"source": "made", "tokens": len(row["text"])},
            vectors={"meaning": vector},
            suggestions=[rg.Suggestion("verdict", "keep", agent="rule")],
        )
        for row, vector in zip(corpus(Corpus(_PUSHED)).to_dicts(), vectors, strict=True)
    ]
    told = []
    for what in ("new", "again"):
        started, used = time.monotonic(), _used(_process(place))
        dataset.records.log(records)
        seconds, cpu = time.monotonic() - started, _used(_process(place)) - used
        told.append(f"{what}: {_PUSHED / seconds:.0f} records/s ({_PUSHED / cpu:.0f} a CPU-second of the server)")
    return f"plain client, {_PUSHED:,} records with a vector and a suggestion: " + "; ".join(told)


def _fill(path: Path, dataset: dict[str, str], size: int) -> None:
    """Records with a suggestion and a vector each, in the server's own tables."""
    texts = corpus(Corpus(size))["text"].to_list()
    vectors = np.random.default_rng(size).standard_normal((size, _DIMENSIONS)).round(4)
    ids = [uuid.UUID(int=number + (size << 64)).hex for number in range(size)]
    now = "2026-01-01 00:00:00.000000"
    records = pl.DataFrame({"id": ids, "text": texts}).with_row_index("n")
    with sqlite3.connect(path) as db:
        db.executemany(
            "INSERT INTO records(id, fields, external_id, dataset_id, inserted_at, updated_at, metadata, status)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'pending')",
            (
                (key, json.dumps({"text": text}), str(n), dataset["dataset"], now, now, _metadata(n))
                for n, key, text in records.iter_rows()
            ),
        )
        db.executemany(
            "INSERT INTO suggestions(id, value, agent, record_id, question_id, inserted_at, updated_at)"
            " VALUES (?, ?, 'rule', ?, ?, ?, ?)",
            (
                (key, json.dumps(["keep", "drop"][n % 2]), key, dataset["question"], now, now)
                for n, key, _ in records.iter_rows()
            ),
        )
        db.executemany(
            "INSERT INTO vectors(id, value, record_id, vector_settings_id, inserted_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                (key, json.dumps(vectors[n].tolist()), key, dataset["vector"], now, now)
                for n, key, _ in records.iter_rows()
            ),
        )


def _metadata(number: int) -> str:
    return json.dumps({"source": ["alpaca", "dolly", "oasst1"][number % 3], "tokens": number})


def _asked(server: Server, process: psutil.Process, dataset: dict[str, str]) -> dict[str, str]:
    """What each question costs, by its name."""
    key = {"X-Argilla-Api-Key": server.api_key}
    source = {"entity": "metadata", "metadata_property": "source"}
    tokens = {"entity": "metadata", "metadata_property": "tokens"}
    verdict = {"entity": "suggestion", "question": "verdict"}
    by_source = {"and": [{"type": "terms", "scope": source, "values": ["dolly"]}]}
    similar = {"vector": {"name": "meaning", "value": [1.0] * _DIMENSIONS, "order": "most_similar"}}
    questions: dict[str, dict[str, Any]] = {
        "a page": {},
        "pending ones": {"filters": {"and": [_terms({"entity": "response", "property": "status"}, "pending")]}},
        "by metadata": {"filters": by_source},
        "by suggestion": {"filters": {"and": [_terms(verdict, "drop")]}},
        "sorted by metadata": {"sort": [{"scope": tokens, "order": "desc"}]},
        "one word": {"query": {"text": {"q": _word(server, dataset)}}},
        "any of two prefixes": {"query": {"text": {"q": "a* | e*"}}},
        "similar": {"query": similar},
        "similar, by metadata": {"query": similar, "filters": by_source},
    }
    path = f"/api/v1/me/datasets/{uuid.UUID(dataset['dataset'])}"
    with httpx2.Client(base_url=server.url, headers=key, timeout=120) as client:

        def search(body: dict[str, Any]) -> None:
            answer = client.post(f"{path}/records/search", params={"limit": _PAGE}, json=body)
            answer.raise_for_status()
            assert answer.json()["total"], body

        found = {name: _timed(process, search, body) for name, body in questions.items()}
        found["progress"] = _timed(process, lambda _: client.get(path.replace("/me", "") + "/progress"), {})
    return found


def _terms(scope: dict[str, str], *values: str) -> dict[str, Any]:
    return {"type": "terms", "scope": scope, "values": list(values)}


def _word(server: Server, dataset: dict[str, str]) -> str:
    """A word of the first record's text."""
    path = f"{server.url}/api/v1/me/datasets/{uuid.UUID(dataset['dataset'])}/records/search"
    answer = httpx2.post(path, headers={"X-Argilla-Api-Key": server.api_key}, params={"limit": 1}, json={}, timeout=120)
    return str(answer.json()["items"][0]["record"]["fields"]["text"].split()[0])


def _timed(process: psutil.Process, ask: Callable[[dict[str, Any]], object], body: dict[str, Any]) -> str:
    ask(body)
    walls = []
    used = _used(process)
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        ask(body)
        walls.append(time.perf_counter() - started)
    cpu = (_used(process) - used) / _ROUNDS
    return f"{statistics.median(walls) * 1000:.0f} ({cpu * 1000:.0f})"


def _process(place: Place) -> psutil.Process:
    """The server's own."""
    known = json.loads(place.state.read_text(encoding="utf-8"))["processes"]
    found = [psutil.Process(int(pid)) for pid in known if int(pid) != os.getpid()]
    return next(one for one in found if "pipelines.argilla.engine.serve" in one.cmdline())


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
