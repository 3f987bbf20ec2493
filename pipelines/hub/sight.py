"""A look at a repository that nobody declared: its configs, and the first bytes of a file."""

import zlib
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfFileSystem

from pipelines.hub.commits import Commit
from pipelines.hub.connection import Connection

HEAD: Final = 4 << 20
"""Bytes of a file of text that are fetched to see what is in it."""


def config_names(connection: Connection, commit: Commit) -> list[str]:
    """Names of the configs of a commit, as `datasets` finds them; none where it finds no files of data."""
    import datasets

    no_files = (datasets.data_files.EmptyDatasetError, datasets.exceptions.DataFilesNotFoundError)
    pinned = {"revision": commit.revision, "token": connection.token}
    try:
        names = connection.ask(
            commit.repo, lambda: datasets.get_dataset_config_names(f"hf://datasets/{commit.repo}", **pinned)
        )
    except (*no_files, FileNotFoundError, ValueError, RuntimeError):  # or a script, or a card that is wrong
        return []
    return [str(name) for name in names]


def first_rows(connection: Connection, commit: Commit, path: str, into: Path, rows: int) -> None:
    """Write the first rows of a file to another one of the same form, without fetching all of it.

    Of parquet some rows; of text its first bytes, decompressed if it is gzip, up to the end of a line.
    """
    place = f"datasets/{commit.repo}@{commit.revision}/{path}"
    files = HfFileSystem(endpoint=connection.endpoint, token=connection.token)

    def fetch() -> None:
        with files.open(place, "rb", block_size=HEAD) as stream:
            if path.endswith(".parquet"):
                table = pq.ParquetFile(stream)
                first = next(table.iter_batches(rows), None)
                pq.write_table(pa.Table.from_batches([first] if first else [], table.schema_arrow), into)
            else:
                into.write_bytes(_lines(bytes(stream.read(HEAD))))

    connection.ask(commit.repo, fetch)


def _lines(data: bytes) -> bytes:
    if data.startswith(b"\x1f\x8b"):
        data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data)
    cut = data.rfind(b"\n")
    return data[: cut + 1] if cut > 0 else data
