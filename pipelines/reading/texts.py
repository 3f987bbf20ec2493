"""Which texts are JSON objects, and what is wrong with the others.

Decoders lose a whole block to one bad row, take half a surrogate pair for NUL, and skip blank texts, so each text is
first tried alone by a path expression (493 MB a CPU-second).
"""

from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.reading.batch import BROKEN, EXCERPT, broken_of
from pipelines.reading.halving import faulty
from pipelines.reading.lines import LONGEST

_HALF_PAIR: Final = r"\\u[dD][89a-fA-F]"
_NOT_FINITE: Final = r"-?\b(?:NaN|Infinity)\b"
_PIECES: Final = r'"(?:[^"\\]|\\.)*"|[^"]+'
_BLANK: Final = " \t\r\n\ufeff"


def rows_of(block: pa.LargeBinaryArray, first: int, limit: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The texts of a block that are objects (`row`, `text`), and the others as broken rows.

    Blank texts are no rows. `first`: number of the first row; `limit`: rows to take, broken ones among them.
    NaN and Infinity, which Python writes, become null.
    """
    texts, foul = _decoded(block)
    written = texts.with_columns(pl.col("text").str.strip_chars(_BLANK)).filter(pl.col("text") != "")
    places = pl.concat([written["position"], foul["position"]]).sort().slice(0, limit)
    numbers = pl.DataFrame({"position": places}).with_row_index("row", first).cast({"row": pl.Int64})
    tried = _with_nulls(numbers.join(written, on="position", how="inner", maintain_order="left").drop("position"))
    is_object = (pl.col("parsed").str.starts_with("{") & pl.col("text").str.starts_with("{")).fill_null(value=False)
    why = (
        pl.when(pl.col("parsed").is_not_null() | (pl.col("text") == "null"))
        .then(pl.lit("not a JSON object"))
        .when(pl.col("text").str.contains(_HALF_PAIR))
        .then(pl.lit("broken JSON, or half a surrogate pair"))
        .otherwise(pl.lit("broken JSON"))
    )
    foul = numbers.join(foul, on="position", how="inner", maintain_order="left").select(BROKEN.names())
    broken = broken_of(tried.filter(~is_object), why, pl.col("text"))
    return tried.filter(is_object).select("row", "text"), pl.concat([foul, broken]).sort("row")


def _decoded(block: pa.LargeBinaryArray) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The texts (`position`, `text`), and what is none (`position`, `reason`, `excerpt`)."""
    long = (_series(pc.binary_length(block)) > LONGEST).arg_true().to_list()
    foul = [p for p in faulty(len(block), lambda start, stop: _is_text(block, start, stop)) if p not in long]
    reasons = dict.fromkeys(long, f"longer than {LONGEST >> 20} MiB") | dict.fromkeys(foul, "not valid UTF-8")
    excerpts = [_excerpt(block, position) for position in reasons]
    broken = pl.DataFrame(
        {"position": list(reasons), "reason": list(reasons.values()), "excerpt": excerpts},
        schema={"position": pl.Int64, "reason": pl.String, "excerpt": pl.String},
    )
    positions = pl.int_range(len(block), eager=True)
    if reasons:
        sound = ~positions.is_in(list(reasons))
        positions, block = positions.filter(sound), block.filter(sound.to_arrow())
    return pl.DataFrame({"position": positions, "text": _series(block.cast(pa.large_string()))}), broken


def _is_text(block: pa.LargeBinaryArray, start: int, stop: int) -> bool:
    try:
        block.slice(start, stop - start).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _excerpt(block: pa.LargeBinaryArray, position: int) -> str:
    data = memoryview(block[position].as_buffer())
    return bytes(data[: 4 * EXCERPT]).decode(errors="replace")[:EXCERPT]


def _with_nulls(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds `parsed`, null where `text` is no JSON; a NaN or Infinity outside strings is null in both."""
    tried = rows.with_columns(parsed=pl.col("text").str.json_path_match("$"))
    odd = tried.select(pl.col("parsed").is_null() & pl.col("text").str.contains(_NOT_FINITE)).to_series()
    if not odd.any():
        return tried
    piece = pl.element()
    without = pl.when(piece.str.starts_with('"')).then(piece).otherwise(piece.str.replace_all(_NOT_FINITE, "null"))
    mended = tried.filter(odd).select(
        "row", text=pl.col("text").str.extract_all(_PIECES).list.eval(without).list.join("")
    )
    mended = mended.with_columns(parsed=pl.col("text").str.json_path_match("$")).filter(pl.col("parsed").is_not_null())
    return tried.update(mended, on="row")


def _series(array: pa.Array) -> pl.Series:
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series
