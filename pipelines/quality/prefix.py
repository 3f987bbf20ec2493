"""How far two texts are the same from their start."""

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.compiled import Bytes, Ints, buffers


def common_prefix(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Characters that two columns of texts have in common from the start (Int64); null where one is null."""
    return pl.map_batches([left, right], lambda pair: _prefixes(pair[0], pair[1]), return_dtype=pl.Int64)


def _prefixes(left: pl.Series, right: pl.Series) -> pl.Series:
    one, two = buffers(left), buffers(right)
    lengths = pl.Series(_measure(one.data, one.offsets, two.data, two.offsets))
    present = left.is_not_null() & right.is_not_null()
    return lengths.set(~present, None).alias(left.name)


@kernel
def _measure(left: Bytes, left_offsets: Ints, right: Bytes, right_offsets: Ints) -> npt.NDArray[np.int64]:
    rows = len(left_offsets) - 1
    out = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        one, two = left_offsets[row], right_offsets[row]
        one_end, two_end = left_offsets[row + 1], right_offsets[row + 1]
        chars = 0
        while one < one_end and two < two_end and left[one] == right[two]:
            # The first byte of a character is any that is not a continuation.
            if (left[one] & 0xC0) != 0x80:
                chars += 1
            one += 1
            two += 1
        # Where the difference lies within a character, that character is not shared.
        inside = (one < one_end and (left[one] & 0xC0) == 0x80) or (two < two_end and (right[two] & 0xC0) == 0x80)
        out[row] = chars - inside
    return out
