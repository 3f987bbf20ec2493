"""Rows as the bytes of upstream's files: parquet, JSON lines, the same gzipped, one JSON array."""

import gzip
import io
import json
from collections.abc import Sequence

import polars as pl


def lines(frame: pl.DataFrame, path: str) -> list[bytes]:
    """Each row as JSON without a line end, in the form that the file at `path` has it."""
    indent = 1 if path.endswith(".json") else None
    texts = (json.dumps(row, ensure_ascii=False, indent=indent) for row in frame.iter_rows(named=True))
    return [text.replace("\n", "\n ").encode() for text in texts]


def joined(texts: Sequence[bytes], path: str) -> bytes:
    """The bytes of the file at `path` with these rows of JSON, which are not looked at."""
    if path.endswith(".json"):
        return b"[\n " + b",\n ".join(texts) + b"\n]"
    whole = b"".join(text + b"\n" for text in texts)
    return gzip.compress(whole, mtime=0) if path.endswith(".gz") else whole


def encoded(path: str, frame: pl.DataFrame) -> bytes:
    """The rows as the bytes of a file of this name; equal rows give equal bytes."""
    if not path.endswith(".parquet"):
        return joined(lines(frame, path), path)
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()
