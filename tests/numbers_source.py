"""A source of a few rows, whose upstream a test writes: what tests of the lake refresh."""

import hashlib
import json
from pathlib import Path

import polars as pl

from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.layouts.messages import turns
from pipelines.refresh import Refreshed, refresh
from pipelines.sources.source import Read, Source
from pipelines.wanted import Snapshot, UpstreamFile
from pipelines.workspace import Workspace

QUESTION = turns(user=pl.col("question"))
SOURCE = Source(
    repo="org/numbers",
    license="mit",
    language="en",
    reads=(
        Read(
            config="main",
            splits=("train",),
            columns={"question": pl.String, "answer": pl.String},
            reject={"no answer": pl.col("answer") == ""},
            families={
                "cot": {
                    "prompt": QUESTION,
                    "completion": turns(assistant=pl.col("answer")),
                    "answer": pl.col("answer"),
                },
                "grpo": {"prompt": QUESTION, "answer": pl.col("answer"), "verifier": pl.lit("math")},
            },
        ),
    ),
)
SETTINGS = LakeSettings(rejects_at_most=0.5)


def rows(revision: str, count: int) -> list[dict[str, str]]:
    """Rows that tell which revision they are of; the first has no answer, and is a reject."""
    return [{"question": f"{revision}: {n} + 1?", "answer": str(n) if n else ""} for n in range(count)]


def snapshot(folder: Path, revision: str, files: dict[str, list[dict[str, str]]]) -> Snapshot:
    """A snapshot of JSONL files, as the Hub's client leaves it."""
    upstream = []
    for number, (name, content) in enumerate(files.items()):
        local = folder / revision / name
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_text("".join(json.dumps(row) + "\n" for row in content))
        etag = hashlib.sha256(local.read_bytes()).hexdigest()
        upstream.append(UpstreamFile("main", "train", number, name, local, local.stat().st_size, etag))
    return Snapshot("org/numbers", "org/numbers", revision, "mit", tuple(upstream), ())


def pull(place: Workspace, name: str, revision: str, count: int, tell=lambda _: None) -> Refreshed:
    """Refresh the source `name` from a revision with `count` rows in each of two files."""
    content = {path: rows(f"{revision} {path}", count) for path in ("a.jsonl", "b.jsonl")}
    taken = snapshot(place.path / "upstream" / name, revision, content)
    return refresh(place, Lake(place.lake), name, SOURCE, taken, settings=SETTINGS, progress=tell)
