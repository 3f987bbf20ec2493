"""Which upstream files a source reads, in order, and why one is read again."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from pipelines.sources.source import Read, Source
from pipelines.wanted import Snapshot, UpstreamFile


def in_order(source: Source, snapshot: Snapshot) -> Iterator[tuple[Read, UpstreamFile]]:
    """The files of a snapshot with what reads them, in the order in which rows are counted for a limit."""
    named = {declared.config for declared in source.reads}
    for declared in source.reads:
        for file in snapshot.files:
            # A read of the default config does not say what the Hub calls it.
            mine = file.config == declared.config if declared.config else file.config not in named
            if mine and any(fnmatchcase(file.split, split) for split in declared.splits):
                yield declared, file


def extent(old: Mapping[str, object] | None, left: int | None) -> int | None:
    """Rows to read of a file: what is left of the limit, but never fewer than were read before; None for all."""
    if old is None or left is None:
        return left
    return None if old["limit"] is None else max(int(str(old["limit"])), left)


def why_again(
    old: Mapping[str, object] | None, file: UpstreamFile, code: str, left: int | None, licence: str | None
) -> str | None:
    """Why a file is read, in words; None where its records stand. `old`: its row of the table `files`, if it has one.

    `code`: identity of the code that would read it; `left`: rows of it that are wanted, None for all; `licence`: that
    of its repository now, since each record holds its own.
    """
    if old is None:
        return "new"
    if old["etag"] != file.etag:
        return "changed upstream"
    if old["license"] != licence:
        return "under another licence"
    if old["reader"] != code:
        return "read by code that changed"
    stopped_at = old["limit"]
    if stopped_at is not None and (left is None or int(str(stopped_at)) < left):
        return "cut short by a row limit before"
    return None
