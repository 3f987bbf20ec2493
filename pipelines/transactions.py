"""Commits that span tables: all of them become visible, or none.

Delta commits one table at a time. A journal is written before the first commit and removed after the last, and
whoever opens the lake next finishes what a killed process left: the staged files are there, and a commit that is
already in its table is not made twice. Where a staged file was lost meanwhile, the tables go back to what they were.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import TamisError
from pipelines.files import write_whole
from pipelines.lake import Lake
from pipelines.locks import Tell, hold
from pipelines.staging import Staged
from pipelines.workspace import Workspace, source_lock
from schemas.tables import TABLES

_UNREAD: Final = pa.schema([])


@dataclass(frozen=True)
class Change:
    """One table's part of a transaction: see `Lake.commit`."""

    table: str
    staged: tuple[Staged, ...]
    replace: str | None
    tags: tuple[str, ...] | None


@contextlib.contextmanager
def committing(lake: Lake, tell: Tell | None = None) -> Iterator[None]:
    """The short lock under which versions of several tables belong together; finishes what a killed run left.

    `tell` hears whom it waits for, and of a killed run that could not be finished.
    """
    with hold(lake.root / "commit.lock", "a commit", tell):
        for journal in sorted(_journals(lake).glob("*.json")):
            lost = _finish(lake, journal)
            if lost and tell:
                tell(
                    f"the last run of {journal.stem} was killed and {lost} was lost: its tables are as before that run"
                )
        yield


def commit(lake: Lake, name: str, changes: Sequence[Change], tell: Tell | None = None) -> None:
    """Make all changes visible, in order. `name` is the source whose run this is, or what else is committed.

    Takes over the staged files: what fails before the journal stands deletes them, and what fails later is finished
    by who opens the lake next.
    """
    journal = _journals(lake) / f"{quote(name, safe='')}.json"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(committing(lake, tell))
            before = {change.table: lake.version(change.table) for change in changes}
            write_whole(journal, json.dumps({"before": before, "changes": [_plain(change) for change in changes]}))
        except BaseException:
            if not journal.exists():
                lake.discard(staged for change in changes for staged in change.staged)
            raise
        lost = _finish(lake, journal)
    if lost:
        raise TamisError(f"{lost} was lost before it was committed", where=name, cure="Run it again.")


def clean(workspace: Workspace, lake: Lake, *, older_than_s: float = 3600.0) -> int:
    """Delete what killed runs had staged and nobody will commit; returns how many files.

    Of a source that is being run, and of the last hour, nothing is touched: it may be committed yet. What a commit
    ever named stays, whatever names it now.
    """
    deleted = 0
    with workspace.lock("lake", "cleaning up"), committing(lake):
        for table in TABLES.values():
            for path in lake.orphans(table.name, older_than_s):
                with contextlib.ExitStack() as stack:
                    if table.partition == "source":
                        lock = source_lock(unquote(path.parent.name.partition("=")[2]))
                        if not stack.enter_context(workspace.lock_if_free(lock, "cleaning up")):
                            continue
                    path.unlink(missing_ok=True)
                    deleted += 1
    return deleted


def _journals(lake: Lake) -> Path:
    return lake.root / "journal"


def _finish(lake: Lake, journal: Path) -> str | None:
    """Make the commits of a journal that were not made yet. Where a file of them was lost, undo the others instead
    and return its path."""
    note = json.loads(journal.read_text(encoding="utf-8"))
    changes = [_change(item) for item in note["changes"]]
    open_changes = [change for change in changes if not (change.staged and lake.holds(change.staged[0]))]
    lost = next((s for change in open_changes for s in change.staged if not lake.path(s).exists()), None)
    if lost is not None:
        for table, version in note["before"].items():
            if lake.version(table) != version:
                lake.restore(table, version)
        lake.discard(staged for change in open_changes for staged in change.staged)
    else:
        for change in open_changes:
            staged = [replace(s, schema=pq.read_schema(lake.path(s))) for s in change.staged]
            lake.commit(change.table, staged, replace=change.replace, tags=change.tags)
    journal.unlink()
    return None if lost is None else f"{lost.table}/{lost.path}"


def _plain(change: Change) -> dict[str, object]:
    staged = [asdict(replace(s, schema=None)) for s in change.staged]
    return {"table": change.table, "staged": staged, "replace": change.replace, "tags": change.tags}


def _change(item: dict[str, Any]) -> Change:
    staged = tuple(Staged(**{**fields, "schema": _UNREAD}) for fields in item["staged"])
    tags = item["tags"]
    return Change(item["table"], staged, item["replace"], None if tags is None else tuple(tags))
