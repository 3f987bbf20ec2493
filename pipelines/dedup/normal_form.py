"""Texts in Unicode's form NFC, so that a letter is the same however it was typed."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.dedup.characters import CODE, LOOSE, table
from pipelines.dedup.planes import Planes, planes_of, window
from pipelines.dedup.words import kind_at
from pipelines.kernels.kernel import Bytes, Int64s, UInt32s, UInt64s, kernel, zeros_below


@dataclass(frozen=True)
class Composed:
    """Texts in NFC: text i is `data[offsets[i]:offsets[i + 1]]`. `beyond`: flags of its characters beyond ASCII."""

    offsets: Int64s
    data: Bytes
    planes: Planes
    beyond: UInt32s


def composed(texts: pl.Series) -> pl.Series:
    """Texts in NFC. Only those that may need it are normalised: they have a character with the flag LOOSE."""
    loose = _loose(_read(texts))
    return texts.scatter(loose, texts.gather(loose).str.normalize("NFC")) if len(loose) else texts


def composed_buffers(texts: pl.Series) -> Composed:
    """The bytes of the texts in NFC; a null is an empty text."""
    read = _read(texts)
    loose = _loose(read)
    if len(loose) and not (normal := texts.gather(loose).str.normalize("NFC")).equals(texts.gather(loose)):
        read = _read(texts.scatter(loose, normal))
    return read


def _read(texts: pl.Series) -> Composed:
    array = texts.cast(pl.String).fill_null("").to_arrow().cast(pa.large_string())
    _, positions, content = array.buffers()
    offsets = np.frombuffer(positions, np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(content if content is not None else b"", np.uint8)
    planes = planes_of(offsets, data)
    return Composed(offsets, data, planes, _beyond(offsets, data, table(), planes[1]))


def _loose(read: Composed) -> Int64s:
    """The texts that may have another form in NFC."""
    return np.flatnonzero(read.beyond & LOOSE)


@kernel
def _beyond(offsets: Int64s, data: Bytes, kinds: UInt32s, foreign: UInt64s) -> UInt32s:
    found, first = np.zeros(len(offsets) - 1, np.uint32), offsets[0]
    for row in range(len(found)):
        place, end, flags = offsets[row], offsets[row + 1], np.int64(0)
        while place < end:
            bits = window(foreign, place - first)
            if bits == 0:
                place += 64
                continue
            place += np.int64(zeros_below(bits))
            if place >= end:
                break
            kind, length = kind_at(data, place, end, kinds)
            flags |= kind
            place += length
        found[row] = np.uint32(flags & ~CODE)
    return found
