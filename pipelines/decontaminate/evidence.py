"""What a text shares with an item, as people read it: characters instead of bytes, and the words themselves.

A text may share something with every item there is, a benchmark in one row for one, so that nothing here costs a
text's length a hit.
"""

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.kernels.kernel import Bytes, Int64s, kernel

AROUND: Final = 1 << 24
"""Bytes on both sides of the short items of one text, all together, in which their choices and answers are looked for:
all of it but in a text of many MB, or of hundreds of items."""
AT_LEAST: Final = 1 << 12
"""Those of each item."""


def with_spans(rows: pl.DataFrame, texts: pl.Series) -> pl.DataFrame:
    """`start`, `end`, `item_start` and `item_end` of hits (`row`, `item_whole`) as characters, with `text` and
    `item_text`, what stands between them; null on the item's side, and no text on either, where it may not be shown.
    """
    shown = rows["item_whole"].is_not_null()
    mine, its = (texts.cast(pl.Binary) for texts in (texts.gather(rows["row"]), rows["item_whole"]))
    start, end = _characters(texts, rows["row"], rows["start"], rows["end"])
    # An item's text is short: a copy of what stands before costs less than to find which hits are of the same item.
    before = pl.DataFrame({name: _between(its, 0, rows[name]).str.len_chars() for name in ("item_start", "item_end")})
    return rows.with_columns(
        start,
        end,
        *before.cast(pl.Int64),
        pl.select(pl.when(shown).then(_between(mine, rows["start"], rows["end"]))).to_series().alias("text"),
        _between(its, rows["item_start"], rows["item_end"]).alias("item_text"),
    )


def around(texts: pl.Series, asked: pl.DataFrame) -> pl.DataFrame:
    """What stands in texts around items (`row`, and bytes `start` to `end`): `before`, `inside`, `behind`.

    At most the item's share of AROUND before and behind, and AT_LEAST where that is less.
    """
    mine = texts.gather(asked["row"]).cast(pl.Binary)
    start, end = (asked[name].to_numpy() for name in ("start", "end"))
    size = mine.bin.size().cast(pl.Int64).to_numpy()
    items = asked.select(pl.len().over("row")).to_series().to_numpy()
    reach = np.maximum(AROUND // items, AT_LEAST)
    first = _whole(texts, asked["row"], np.maximum(start - reach, 0))
    last = _whole(texts, asked["row"], np.minimum(end + reach, size))
    return pl.DataFrame(
        {
            "before": _between(mine, pl.Series(first), asked["start"]),
            "inside": _between(mine, asked["start"], asked["end"]),
            "behind": _between(mine, asked["end"], pl.Series(last)),
        }
    )


def _between(texts: pl.Series, start: pl.Series | int, end: pl.Series) -> pl.Series:
    """The bytes from `start` to `end` of each text, which must be whole characters."""
    return pl.select(pl.lit(texts).bin.slice(pl.lit(start), pl.lit(end - start)).cast(pl.String)).to_series()


def _characters(texts: pl.Series, rows: pl.Series, *places: pl.Series) -> list[pl.Series]:
    """How many characters of the text `rows[n]` stand before its byte `places[n]`, for each of some `places`."""
    numbers, offsets, data = _asked(texts, rows)
    every, wanted = np.tile(numbers, len(places)), pl.concat(places).to_numpy()
    counts = np.empty(len(wanted), np.int64)
    _count(offsets, data, every, wanted, np.lexsort((wanted, every)), counts)
    return [pl.Series(one.name, part) for one, part in zip(places, np.split(counts, len(places)), strict=True)]


def _whole(texts: pl.Series, rows: pl.Series, places: Int64s) -> pl.Series:
    """The places, or the next ones in the text `rows[n]` where a character begins."""
    numbers, offsets, data = _asked(texts, rows)
    moved = places.copy()
    _move(offsets, data, numbers, moved)
    return pl.Series(moved)


def _asked(texts: pl.Series, rows: pl.Series) -> tuple[Int64s, Int64s, Bytes]:
    """For each of `rows` the number of its text among those that are asked for; offsets and bytes of these."""
    distinct, numbers = np.unique(rows.to_numpy(), return_inverse=True)
    array = texts.gather(distinct).fill_null("").to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    positions = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return numbers.astype(np.int64), positions, np.frombuffer(data if data is not None else b"", np.uint8)


@kernel
def _count(offsets: Int64s, data: Bytes, numbers: Int64s, places: Int64s, by_place: Int64s, counts: Int64s) -> None:
    """Walk through each text once: `by_place` sorts the places by text and place."""
    text, place, count = np.int64(-1), np.int64(0), 0
    for number in by_place:
        if numbers[number] != text:
            text, count = numbers[number], 0
            place = offsets[text]
        last = min(offsets[text] + places[number], offsets[text + 1])
        while place < last:
            count += (data[place] & 0xC0) != 0x80
            place += 1
        counts[number] = count


@kernel
def _move(offsets: Int64s, data: Bytes, numbers: Int64s, places: Int64s) -> None:
    for number in range(len(places)):
        start, end = offsets[numbers[number]], offsets[numbers[number] + 1]
        while start + places[number] < end and data[start + places[number]] & 0xC0 == 0x80:
            places[number] += 1
