"""Texts in Unicode's form NFC, so that a letter is the same however it was typed."""

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.dedup.characters import LOOSE, table
from pipelines.dedup.planes import Planes, planes_of, window
from pipelines.dedup.words import kind_at
from pipelines.kernels.kernel import Bytes, Int64s, UInt32s, UInt64s, kernel, zeros_below


def composed(texts: pl.Series) -> pl.Series:
    """Texts in NFC. Only those that may need it are normalised: they have a mark, or a single letter of Hangul."""
    offsets, data = _buffers(texts)
    loose = _loose(offsets, data, table(), planes_of(offsets, data)[1])
    return texts.scatter(loose, texts.gather(loose).str.normalize("NFC")) if len(loose) else texts


def composed_buffers(texts: pl.Series) -> tuple[Int64s, Bytes, Planes]:
    """Offsets, bytes and bits of the texts in NFC; a null is an empty text."""
    offsets, data = _buffers(texts)
    planes = planes_of(offsets, data)
    loose = _loose(offsets, data, table(), planes[1])
    if len(loose) and not (normal := texts.gather(loose).str.normalize("NFC")).equals(texts.gather(loose)):
        offsets, data = _buffers(texts.scatter(loose, normal))
        planes = planes_of(offsets, data)
    return offsets, data, planes


def _buffers(texts: pl.Series) -> tuple[Int64s, Bytes]:
    """Offsets and bytes of the texts, as Arrow has them."""
    array = texts.cast(pl.String).fill_null("").to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    positions = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return positions, np.frombuffer(data if data is not None else b"", np.uint8)


@kernel
def _loose(offsets: Int64s, data: Bytes, kinds: UInt32s, foreign: UInt64s) -> Int64s:
    """The texts that have a character that another one may be composed of."""
    found, count, first = np.empty(len(offsets) - 1, np.int64), 0, offsets[0]
    for row in range(len(found)):
        start, end = offsets[row], offsets[row + 1]
        place = start
        while place < end:
            bits = window(foreign, place - first)
            if bits == 0:
                place += 64
                continue
            place += np.int64(zeros_below(bits))
            if place >= end:
                break
            kind, length = kind_at(data, place, end, kinds)
            if kind & LOOSE:
                found[count] = row
                count += 1
                break
            place += length
    return found[:count]
