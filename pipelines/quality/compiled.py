"""Loops over the bytes of many texts, compiled by numba: how a column of strings gets there and back."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.kernels.kernel import kernel

Bytes = npt.NDArray[Any]
# In a kernel a byte is widened to a signed integer by the first operation with a literal.
Ints = npt.NDArray[np.int64]
CodePoints = npt.NDArray[Any]
Hashes = npt.NDArray[np.uint64]

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


class Buffers(NamedTuple):
    """A column of texts as Arrow holds it: text `i` is the UTF-8 bytes `data[offsets[i]:offsets[i + 1]]`."""

    data: Bytes
    offsets: Ints


def buffers(texts: pl.Series) -> Buffers:
    """The bytes of a column of strings; a null is as an empty text."""
    array: Any = texts.to_arrow()
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return Buffers(np.frombuffer(data if data is not None else b"", dtype=np.uint8), bounds)


def counted(counts: Ints, names: tuple[str, ...], texts: pl.Series) -> pl.DataFrame:
    """A kernel's matrix (row, count) as columns, null where the text is."""
    present = texts.is_not_null()
    frame = pl.DataFrame(counts, schema=dict.fromkeys(names, pl.Int64))
    return frame if present.all() else frame.select(pl.when(present).then(pl.all()))


@kernel
def decode(data: Bytes, position: int) -> tuple[int, int]:
    """The code point whose first byte of UTF-8 stands at `position`, and where the next begins."""
    first = data[position] & 0xFF
    if first < 0x80:
        return first, position + 1
    second = data[position + 1] & 0x3F
    if first < 0xE0:
        return ((first & 0x1F) << 6) | second, position + 2
    third = data[position + 2] & 0x3F
    if first < 0xF0:
        return ((first & 0x0F) << 12) | (second << 6) | third, position + 3
    fourth = data[position + 3] & 0x3F
    return ((first & 0x07) << 18) | (second << 12) | (third << 6) | fourth, position + 4


@kernel
def mix(value: np.uint64) -> np.uint64:
    """Scatter the bits of a hash."""
    value = (value ^ (value >> np.uint64(32))) * _MIX
    return value ^ (value >> np.uint64(29))


@kernel
def slot_of(keys: Hashes, stamps: Ints, stamp: int, mask: int, key: np.uint64) -> int:
    """Where the key stands in a table of hashes, or would stand; what has another stamp is of an earlier text."""
    slot = int(key >> np.uint64(20)) & mask
    while stamps[slot] == stamp and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot
