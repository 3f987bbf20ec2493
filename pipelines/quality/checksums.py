"""Payment cards and bank accounts: found by their form, counted where their check digits hold."""

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.quality.compiled import Bytes, Ints, buffers, kernel

# What stands before and after is part of the match, so that decimals are none.
_CARD = r"(?:^|[^\d.,-])(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|3[47]\d{2}|6(?:011|5\d{2}))(?:[ -]?\d){9,15}(?:$|[^\d])"
_IBAN = r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"


def valid_cards(text: pl.Expr) -> pl.Expr:
    """How many numbers of payment cards a text has (Int64), by the check of Luhn."""
    return _counted(text, _CARD, _valid_luhn)


def valid_ibans(text: pl.Expr) -> pl.Expr:
    """How many international bank account numbers a text has (Int64), by the remainder of 97."""
    return _counted(text, _IBAN, _valid_mod97)


def _counted(text: pl.Expr, pattern: str, check: object) -> pl.Expr:
    found = text.str.extract_all(pattern)
    return found.map_batches(lambda lists: _valid(lists, check), return_dtype=pl.Int64)


def _valid(lists: pl.Series, check: object) -> pl.Series:
    """How many of the candidates in each list pass the check; null for a null list."""
    candidates = lists.explode(empty_as_null=False, keep_nulls=False)
    data, offsets = buffers(candidates.cast(pl.String))
    good = pl.Series(check(data, offsets))  # type: ignore[operator]
    counts = lists.list.len().fill_null(0).cast(pl.Int64).to_numpy()
    ends = np.concatenate([[0], np.cumsum(counts)])
    sums = np.concatenate([[0], np.cumsum(good.to_numpy())])
    return pl.Series(lists.name, sums[ends[1:]] - sums[ends[:-1]]).set(lists.is_null(), None)


@kernel
def _valid_luhn(data: Bytes, offsets: Ints) -> npt.NDArray[np.int64]:
    rows = len(offsets) - 1
    out = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        total, place = 0, 0
        for position in range(offsets[row + 1] - 1, offsets[row] - 1, -1):
            if not 48 <= data[position] <= 57:
                continue
            digit = data[position] - 48
            if place % 2 == 1:
                digit = digit * 2 - 9 if digit > 4 else digit * 2
            total += digit
            place += 1
        out[row] = total % 10 == 0
    return out


@kernel
def _valid_mod97(data: Bytes, offsets: Ints) -> npt.NDArray[np.int64]:
    rows = len(offsets) - 1
    out = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        start, end = offsets[row], offsets[row + 1]
        rest, chars = 0, 0
        # The country and the check digits are read last.
        for turn in range(2):
            position = start + 4 if turn == 0 else start
            stop = end if turn == 0 else start + 4
            while position < stop:
                byte = data[position] & 0xFF
                position += 1
                if byte == 32:
                    continue
                chars += 1
                shifted = rest * 10 + byte - 48 if byte < 58 else rest * 100 + byte - 55
                rest = shifted % 97
        out[row] = rest == 1 and 15 <= chars <= 34
    return out
