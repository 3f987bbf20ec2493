"""A stream of text as blocks of whole lines."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

LONGEST: Final = 64 << 20
"""Bytes of one row of JSON. What is longer is broken: one endless line must not fill the memory."""

_NEWLINE: Final = 10


def line_blocks(stream: pa.NativeFile, size: int) -> Iterator[pa.LargeBinaryArray]:
    """Blocks of whole lines, each with its newline, of about `size` bytes.

    Of a line longer than `LONGEST` the first bytes come, one more than `LONGEST`, as a block of their own.
    """
    held, step = b"", size
    while chunk := stream.read(step):
        data = held + chunk
        cut = data.rfind(b"\n") + 1
        if cut:
            yield block(data[:cut], np.flatnonzero(np.frombuffer(data, np.uint8, cut) == _NEWLINE) + 1)
        held = data[cut:]
        step = size if cut else min(step * 2, LONGEST)
        if len(held) > LONGEST:
            yield block(held[: LONGEST + 1], np.array([LONGEST + 1]))
            held = _after_newline(stream, size)
    if held:
        yield block(held, np.array([len(held)]))


def block(data: bytes | bytearray, ends: npt.NDArray[np.int64]) -> pa.LargeBinaryArray:
    """Bytes cut at `ends` (rising, the last is where the block ends), without copying them."""
    offsets = np.zeros(len(ends) + 1, np.int64)
    offsets[1:] = ends
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def _after_newline(stream: pa.NativeFile, size: int) -> bytes:
    while chunk := stream.read(max(size, 1 << 16)):
        _, newline, after = chunk.partition(b"\n")
        if newline:
            return bytes(after)
    return b""
