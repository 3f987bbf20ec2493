"""Commits that span tables: all of them become visible, or none.

Delta commits one table at a time. A journal is written before the first commit and removed after the last, and
whoever opens the lake next finishes what a killed process left: the staged files are there, and a commit that is
already in its table is not made twice.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.lake import Lake, Staged
from pipelines.workspace import Workspace


@dataclass(frozen=True)
class Change:
    """One table's part of a transaction: see `Lake.commit`."""

    table: str
    staged: tuple[Staged, ...]
    replace: str | None
    tags: tuple[str, ...] | None


@contextlib.contextmanager
def committing(workspace: Workspace, lake: Lake) -> Iterator[None]:
    """The short lock under which versions of several tables belong together; finishes what a killed run left."""
    with workspace.lock("commit", "a commit"):
        for journal in sorted((workspace.path / "journal").glob("*.json")):
            _finish(lake, journal)
        yield


def commit(workspace: Workspace, lake: Lake, name: str, changes: Sequence[Change]) -> None:
    """Make all changes visible, in order. `name` is the source whose run this is."""
    with committing(workspace, lake):
        journal = workspace.path / "journal" / f"{name}.json"
        journal.parent.mkdir(exist_ok=True)
        scratch = journal.with_suffix(".tmp")
        scratch.write_text(json.dumps([_plain(change) for change in changes]), encoding="utf-8")
        scratch.replace(journal)
        _finish(lake, journal)


def _finish(lake: Lake, journal: Path) -> None:
    for change in (_change(lake, item) for item in json.loads(journal.read_text(encoding="utf-8"))):
        if change.staged and lake.holds(change.table, change.staged[0].path):
            continue
        lake.commit(change.table, change.staged, replace=change.replace, tags=change.tags)
    journal.unlink()


def _plain(change: Change) -> dict[str, object]:
    staged = [{k: v for k, v in asdict(s).items() if k != "schema"} for s in change.staged]
    return {"table": change.table, "staged": staged, "replace": change.replace, "tags": change.tags}


def _change(lake: Lake, item: dict[str, object]) -> Change:
    staged = []
    for fields in item["staged"]:  # type: ignore[attr-defined]
        schema = pq.read_schema(lake.folder(fields["table"]) / fields["path"])
        staged.append(Staged(**fields, schema=schema))
    tags = item["tags"]
    return Change(
        table=str(item["table"]),
        staged=tuple(staged),
        replace=item["replace"],  # type: ignore[arg-type]
        tags=None if tags is None else tuple(tags),  # type: ignore[arg-type]
    )
