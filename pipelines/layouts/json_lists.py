"""Lists that stand as JSON in a text, taken apart; and values of keys out of objects, parsed only where they are."""

import json
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from pipelines.kernels.kernel import kernel

_BEGINS: Final = r"^\s*[\[{]"


def canonical(texts: pl.Series) -> pl.Series:
    """Texts that are a JSON list or object, without white space between their parts; null for all others."""
    candidates = texts.str.contains(_BEGINS).fill_null(value=False)
    if not candidates.any():
        return pl.Series(texts.name, [None] * texts.len(), dtype=pl.String)
    return _scattered(texts.filter(candidates).str.json_path_match("$"), candidates, pl.String()).alias(texts.name)


def elements(texts: pl.Series) -> pl.Series:
    """The elements of JSON lists, each as JSON (`list<string>`); an object is a list of itself, all else is null."""
    whole = canonical(texts)
    listed = pl.select(
        pl.when(whole.str.starts_with("[")).then(whole).when(whole.str.starts_with("{")).then(_around(whole))
    ).to_series()
    filled = listed.fill_null("[]").to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_string())
    offsets = np.frombuffer(filled.buffers()[1], np.int64)[filled.offset : filled.offset + len(filled) + 1]
    data = np.frombuffer(filled.buffers()[2] or b"", np.uint8)
    starts = np.empty(_most(data, offsets), np.int64)
    ends, counts = np.empty_like(starts), np.empty(len(filled), np.int64)
    found = _cut(data, offsets, starts, ends, counts)
    cut, places = _gathered(data, starts[:found], ends[:found])
    texts_ = pa.LargeStringArray.from_buffers(found, pa.py_buffer(places), pa.py_buffer(cut))
    made = pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(counts)])), texts_)
    series = pl.from_arrow(made)
    assert isinstance(series, pl.Series)
    nothing = pl.lit(None, dtype=pl.List(pl.String))
    frame = pl.DataFrame([series.alias("made"), listed.is_not_null().alias("is_list")])
    return frame.select(pl.when("is_list").then("made").otherwise(nothing)).to_series().alias(texts.name)


def value(objects: pl.Series, key: str) -> pl.Series:
    """The value of a key in each object: a text as it stands, all else as JSON; null where there is none.

    `objects` as `elements` gives them: a key that does not stand there is looked for at the speed of a search.
    """
    there = objects.str.contains(f"{json.dumps(key, ensure_ascii=False)}:", literal=True).fill_null(value=False)
    if not there.any():
        return pl.Series(key, [None] * objects.len(), dtype=pl.String)
    path = f"$[{json.dumps(key, ensure_ascii=False)}]"
    if there.all():
        return objects.str.json_path_match(path).alias(key)
    return _scattered(objects.filter(there).str.json_path_match(path), there, pl.String()).alias(key)


def first_value(objects: pl.Series, keys: tuple[str, ...]) -> pl.Series:
    """The value of the first of several keys that an object has; the later ones are looked for only where needed."""
    found = value(objects, keys[0])
    for key in keys[1:]:
        left = found.is_null() & objects.is_not_null()
        if not left.any():
            break
        found = found.zip_with(~left, _scattered(value(objects.filter(left), key), left, pl.String()))
    return found


def at(texts: pl.Series, path: tuple[str, ...]) -> pl.Series:
    """What stands at a path of keys in texts that are JSON objects; the texts themselves where the path is empty."""
    if not path:
        return texts
    steps = "".join(f"[{json.dumps(key, ensure_ascii=False)}]" for key in path)
    return canonical(texts).str.json_path_match(f"${steps}").alias(texts.name)


def _around(text: pl.Series) -> pl.Expr:
    return pl.concat_str([pl.lit("["), pl.lit(text), pl.lit("]")])


def _scattered(values: pl.Series, where: pl.Series, type_: pl.DataType) -> pl.Series:
    """Values of some rows among nulls for the others."""
    return pl.Series([None] * where.len(), dtype=type_).scatter(where.arg_true(), values)


@kernel
def _most(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> int:
    """No fewer elements than there are."""
    count = offsets.size
    for place in range(offsets[0], offsets[-1]):
        count += data[place] == 44
    return count


@kernel
def _cut(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
) -> int:
    """Where the elements of each list begin and end, in valid JSON without white space; how many there are."""
    found = 0
    for row in range(offsets.size - 1):
        before, place, stop = found, offsets[row] + 1, offsets[row + 1] - 1
        depth, begins = 0, place
        while place < stop:
            byte = data[place]
            if byte == 34:  # "
                place += 1
                while data[place] != 34:
                    place += 2 if data[place] == 92 else 1
            elif byte == 123 or byte == 91:  # { [
                depth += 1
            elif byte == 125 or byte == 93:  # } ]
                depth -= 1
            elif byte == 44 and depth == 0:
                starts[found], ends[found] = begins, place
                found += 1
                begins = place + 1
            place += 1
        if begins < stop:
            starts[found], ends[found] = begins, stop
            found += 1
        counts[row] = found - before
    return found


@kernel
def _gathered(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    places = np.zeros(starts.size + 1, np.int64)
    for number in range(starts.size):
        places[number + 1] = places[number] + ends[number] - starts[number]
    out = np.empty(places[-1], np.uint8)
    for number in range(starts.size):
        out[places[number] : places[number + 1]] = data[starts[number] : ends[number]]
    return out, places
