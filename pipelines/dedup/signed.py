"""Signatures of many texts, kept by content hash: a refresh computes those of new content only."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa

from pipelines.dedup.minhash import BANDS, signatures
from pipelines.dedup.shingles import Shingles, gather, shingles
from pipelines.identity import HASH_BYTES
from pipelines.kernels.kernel import Int32s, Int64s, UInt32s

BATCH: Final = 4_096
"""Texts that are held at once."""

_KEY_BYTES: Final = 4 * BANDS
_FILES: Final = ("characters.py", "planes.py", "words.py", "normal_form.py", "shingles.py", "minhash.py", "signed.py")
_SHARED: Final = ("kernels/kernel.py", "parts.py")

SCHEMA: Final = {"content_hash": pl.Binary, "text_hash": pl.Binary, "words": pl.Int64, "keys": pl.Binary}
"""One row a text. `text_hash`: 16 bytes of blake3 of the text; `keys`: its 25 band keys, 4 bytes each."""


class Cache(Protocol):
    """Where signatures are kept. `kind` says which text of a record was signed: of a family, a part."""

    def known(self, kind: str, code: str) -> pl.DataFrame:
        """What is kept, in SCHEMA, that this code signed."""

    def add(self, kind: str, code: str, new: pl.DataFrame) -> None:
        """Keep more."""


def code() -> str:
    """Identity of the code that signs, and of the Unicode tables that it stands on."""
    here = Path(__file__).parent
    digest = hashlib.sha256(unicodedata.unidata_version.encode())
    for path in (*(here / name for name in _FILES), *(here.parent / name for name in _SHARED)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def signed(records: pl.LazyFrame, text: pl.Expr, kind: str, cache: Cache | None = None) -> pl.DataFrame:
    """A signature for each content of `records` whose `text` is not null: SCHEMA, sorted by content hash."""
    identity = code()
    known = pl.DataFrame(schema=SCHEMA) if cache is None else cache.known(kind, identity)
    fresh = records.join(known.lazy().select("content_hash"), on="content_hash", how="anti")
    texts = fresh.select("content_hash", text=text).filter(pl.col("text").is_not_null())
    parts = [_sign(batch) for batch in batches(texts)]
    new = pl.concat([pl.DataFrame(schema=SCHEMA), *parts]).unique("content_hash").sort("content_hash")
    if cache is not None and new.height:
        cache.add(kind, identity, new)
    wanted = records.select("content_hash").unique().collect()
    return pl.concat([known, new]).join(wanted, on="content_hash", how="semi").sort("content_hash")


def band_keys(keys: pl.Series) -> UInt32s:
    """The column `keys` of signatures as an array of bands times rows."""
    array = keys.rechunk().to_arrow()
    packed = np.frombuffer(array.buffers()[2], np.uint32) if len(array) else np.zeros(0, np.uint32)
    start = array.offset * BANDS
    return np.ascontiguousarray(packed[start : start + len(array) * BANDS].reshape(len(array), BANDS).T)


def sets_of(contents: pl.Series, records: pl.LazyFrame, text: pl.Expr) -> tuple[Shingles, Int32s]:
    """The shingles of the texts of some content hashes, and the place of each content in them.

    Each content must be among `records` with a text. Texts are read once, some thousands at a time.
    """
    wanted = pl.DataFrame({"content_hash": contents}).with_row_index("number")
    texts = records.join(wanted.lazy(), on="content_hash", how="inner").select("number", text=text)
    numbers: list[Int64s] = []

    def parts() -> Iterator[Shingles]:
        for batch in batches(texts.filter(pl.col("text").is_not_null())):
            numbers.append(batch["number"].cast(pl.Int64).to_numpy())
            yield shingles(batch["text"])

    sets = gather(parts())
    places = np.full(len(contents), -1, np.int32)
    for_numbers = np.concatenate([np.zeros(0, np.int64), *numbers])
    places[for_numbers] = np.arange(len(for_numbers), dtype=np.int32)
    return sets, places


def batches(texts: pl.LazyFrame) -> Iterable[pl.DataFrame]:
    """The rows, some thousands at a time."""
    return texts.collect_batches(chunk_size=BATCH, maintain_order=True)


def _sign(batch: pl.DataFrame) -> pl.DataFrame:
    sets = shingles(batch["text"])
    packed = np.ascontiguousarray(signatures(sets).T)
    ends = np.arange(len(sets) + 1, dtype=np.int64) * _KEY_BYTES
    keys = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(sets), [None, pa.py_buffer(ends), pa.py_buffer(packed)]
    )
    return batch.select(
        "content_hash",
        text_hash=plh.col("text").chash.blake3().str.decode("hex").bin.head(HASH_BYTES),
        words=pl.Series(sets.words).cast(pl.Int64),
        keys=pl.Series(pl.from_arrow(keys)),
    )
