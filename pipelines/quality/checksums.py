"""Payment cards and bank accounts: found by their form, counted where their check digits hold."""

import itertools

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.kernels.kernel import kernel
from pipelines.quality.compiled import Bytes, Ints, buffers

# What stands before and after is part of the match, so that decimals are none. Groups: before, the number, after.
_CARD = r"(^|[^\d.,-])((?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|3[47]\d{2}|6(?:011|5\d{2}))(?:[ -]?\d){9,15})($|[^\d])"
_IBAN = r"()(\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b)()"


def valid_cards(text: pl.Expr) -> pl.Expr:
    """How many numbers of payment cards a text has (Int64), by the check of Luhn."""
    return _counted(text, _CARD, _valid_luhn)


def valid_ibans(text: pl.Expr) -> pl.Expr:
    """How many international bank account numbers a text has (Int64), by the remainder of 97."""
    return _counted(text, _IBAN, _valid_mod97)


def cards_replaced(text: pl.Expr, by: str) -> pl.Expr:
    """The text with `by` in the place of each number of a payment card."""
    # Of two with one character between them the second is found once the first is gone.
    return _replaced(_replaced(text, _CARD, _valid_luhn, by), _CARD, _valid_luhn, by)


def ibans_replaced(text: pl.Expr, by: str) -> pl.Expr:
    """The text with `by` in the place of each international bank account number."""
    return _replaced(text, _IBAN, _valid_mod97, by)


def _replaced(text: pl.Expr, pattern: str, check: object, by: str) -> pl.Expr:
    return text.map_batches(
        lambda texts: _without_valid(texts, pattern, check, by), return_dtype=pl.String, is_elementwise=True
    )


def _without_valid(texts: pl.Series, pattern: str, check: object, by: str) -> pl.Series:
    """The texts with `by` for each candidate that passes the check.

    Candidates are marked, texts are cut at the marks, and what is left of them is joined again.
    """
    chosen = texts.str.contains(pattern).fill_null(value=False)
    if not chosen.any():
        return texts
    candidates = texts.filter(chosen)
    begin, end = _unused(candidates, "\ufdd0"), _unused(candidates, "\ufdd1")
    marked = candidates.str.replace_all(pattern, f"${{1}}{begin}${{2}}{end}${{3}}")
    pieces = marked.to_frame("piece").with_row_index("row").with_columns(pl.col("piece").str.split(begin))
    cut = pieces.explode("piece").select("row", cut=pl.col("piece").str.splitn(end, 2)).unnest("cut")
    number = cut["field_0"].set(cut["field_1"].is_null(), None)
    data, offsets = buffers(number.cast(pl.String))
    valid = pl.Series(check(data, offsets)) == 1  # type: ignore[operator]
    said = pl.when(valid & number.is_not_null()).then(pl.lit(by)).otherwise("field_0")
    joined = (
        cut.select("row", text=pl.concat_str(said, pl.col("field_1").fill_null("")))
        .group_by("row", maintain_order=True)
        .agg(pl.col("text").str.join(""))
    )
    place = pl.concat([chosen.arg_true(), (~chosen).arg_true()]).arg_sort()
    return pl.concat([joined["text"], texts.filter(~chosen)]).gather(place).alias(texts.name)


def _unused(texts: pl.Series, character: str) -> str:
    """A mark that none of the texts holds."""
    marks = (f"{character}{number}{character}" for number in itertools.count())
    return next(mark for mark in marks if not texts.str.contains(mark, literal=True).any())


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
