"""A file's bytes, decompressed, and what form they have."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from pipelines.errors import TamisError
from pipelines.reading.errors import damage

_HEAD: Final = 1 << 20
"""Bytes that are looked at to tell a file's form."""

_COMPRESSED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_ZIPPED_NAMES: Final = (".gz", ".zst", ".zstd")
_JSON_NAMES: Final = (".json", ".jsonl", ".ndjson")
_TABLE_NAMES: Final = (".csv", ".tsv")
_BOM: Final = b"\xef\xbb\xbf"
_KEY: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_FIRST_KEY: Final = re.compile(r'\{\s*("(?:[^"\\]|\\.)*")\s*:')


@dataclass(frozen=True)
class Form:
    """What a file is. `array`: where the elements of its one array begin, and None for rows a line.

    `table`: values with separators between them, under a line of names.
    """

    parquet: bool = False
    table: bool = False
    array: "Array | None" = None


@dataclass(frozen=True)
class Array:
    """An array of objects in a stream. `begins`: bytes up to and with its bracket. `alone`: nothing but it is there.

    `space` and `first_key`: what stands before its first element, and that element's first key as it stands there;
    no key where it cannot be told.
    """

    begins: int
    alone: bool
    space: bytes
    first_key: bytes | None

    def boundary(self, *, exact: bool) -> re.Pattern[bytes]:
        """What separates two elements, up to the second one. `exact`: by white space as before the first element,
        if that is a new line, so that what is indented further is no element."""
        between = rb",?" + re.escape(self.space) if exact and b"\n" in self.space else rb"(?:,|\s)\s*"
        key = re.escape(self.first_key) + rb"\s*:" if self.first_key else b'"'
        return re.compile(between + rb"(?=\{\s*" + key + rb")")


PARQUET: Final = Form(parquet=True)
LINES: Final = Form()
TABLE: Final = Form(table=True)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[pa.NativeFile]:
    """The file's bytes, decompressed. TamisError where the disk or the compression fails while it is open."""
    with damage(path), pa.OSFile(str(path)) as raw:
        codec = _codec(path)
        with pa.CompressedInputStream(raw, codec) if codec else contextlib.nullcontext(raw) as stream:
            yield stream


def recognised(path: Path, columns: frozenset[str]) -> Form:
    """What the file is, by its content. `columns` tell an object that is a row from one that holds the rows.

    TamisError for what is neither parquet nor JSON nor (by its name) CSV, and for a file without a byte that should
    be parquet or compressed.
    """
    with opened(path) as stream:
        head = bytes(stream.read(_HEAD))
    if head.startswith(b"PAR1"):
        return PARQUET
    names = [suffix for suffix in path.suffixes if suffix not in _ZIPPED_NAMES]
    if not head and ((path.suffix in _ZIPPED_NAMES and path.stat().st_size == 0) or names[-1:] == [".parquet"]):
        raise TamisError("it is empty", where=str(path), cure=_ASK_UPSTREAM)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TamisError("it is UTF-16, and JSON is UTF-8", where=str(path), cure=_ASK_UPSTREAM)
    begins = len(head) - len(head.removeprefix(_BOM).lstrip())
    if names[-1:] and names[-1].lower() in _TABLE_NAMES and not _whole(head[begins:].partition(b"\n")[0]):
        return TABLE
    if head[begins:].startswith((b"[", b"{")):
        return _json(head, begins, columns)
    if head[begins:] and names[-1:] and names[-1] not in _JSON_NAMES:
        raise TamisError(
            f"it is neither parquet nor JSON nor CSV: it begins with {head[:40]!r}", where=str(path), cure=_ASK_UPSTREAM
        )
    return LINES


_ASK_UPSTREAM: Final = "Look at it on the Hub; a source can pin the revision before with `revision`."


def _codec(path: Path) -> str | None:
    with path.open("rb") as file:
        begins = file.read(4)
    return next((name for magic, name in _COMPRESSED.items() if begins.startswith(magic)), None)


def _json(head: bytes, begins: int, columns: frozenset[str]) -> Form:
    line, newline, after = head[begins:].partition(b"\n")
    if newline and after.strip() and _whole(line):
        return LINES
    if head[begins : begins + 1] == b"[":
        return _array_at(head, begins, columns, alone=True)
    inner = _array_inside(head, begins, columns)
    return LINES if inner is None else _array_at(head, inner, columns, alone=False)


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _array_at(head: bytes, bracket: int, columns: frozenset[str], *, alone: bool) -> Form:
    inside = head[bracket + 1 :].lstrip()
    space = head[bracket + 1 : len(head) - len(inside)]
    if not inside.startswith((b"{", b"]")):
        return LINES
    text = inside.decode("latin-1")
    first = _KEY.match(text, 1)
    keys = [first[1]] if first else [key for key in _FIRST_KEY.findall(text) if _name(key) in columns]
    return Form(array=Array(bracket + 1, alone, space, keys[0].encode("latin-1") if keys else None))


def _array_inside(head: bytes, begins: int, columns: frozenset[str]) -> int | None:
    """Where the first array of objects of one whole object begins; None where the object is a row itself."""
    text = head.decode("latin-1")  # one character a byte
    decoder = json.JSONDecoder()
    place = begins + 1
    found: int | None = None
    while key := _KEY.match(text, place):
        if _name(key[1]) in columns:
            return None
        if found is None and re.compile(r"\[\s*\{").match(text, key.end()):
            found = key.end()
        try:
            _, place = decoder.raw_decode(text, key.end())
        except ValueError:
            break
        following = re.compile(r"\s*,").match(text, place)
        if following is None:
            break
        place = following.end()
    return found


def _name(key: str) -> str:
    """A key of JSON that was taken a character a byte, as text; the key as it stands where it is damaged."""
    written = key.encode("latin-1").decode("utf-8", errors="replace")
    try:
        return str(json.loads(written))
    except ValueError:
        return written
