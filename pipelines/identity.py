"""What makes two rows the same: content, prompt and match hashes, all stable between versions and machines.

Texts are compared in Unicode's form NFC. Normalising is slow (70-125 MB a CPU-second), so it is done on the texts that
may change only; finding those takes a thousandth of the time where all is ASCII.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa

from pipelines.composing import in_nfc
from pipelines.dedup.kernel import Bools, Bytes, Int64s, inlined, kernel
from pipelines.encoding import Messages, Texts, encoded
from pipelines.folding import FENCE, PART_END, folded
from pipelines.parts import is_messages
from schemas.families import Family

HASH_BYTES: Final = 16
_ZERO, _NINE, _A = (np.uint8(ord(digit)) for digit in "09a")


def with_hashes(frame: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Add `content_hash`, `prompt_hash` and `match_hash` (Binary, 16 bytes) to rows with the family's parts."""
    columns = _columns(frame, family)
    prompt = columns["prompt"]
    behind = [("", column) for name, column in columns.items() if name != "prompt"]
    return frame.with_columns(
        content_hash=_digest(encoded([(f"{family.name};", prompt), *behind])),
        prompt_hash=_digest(encoded([("", prompt)], system=False)),
        match_hash=_digest(_matched(frame, family, columns)),
    )


def fold(texts: pl.Series) -> pl.Series:
    """Texts with white space folded and case folded outside fenced code. Symbols and digits stay; null stays null."""
    slow = np.zeros(len(texts), np.bool_)
    done = _with_slow(folded([Texts.of(texts)], slow), slow, lambda rows: _folded(texts.gather(rows)))
    there = texts.is_not_null()
    return (done if there.all() else done.set(~there, None)).alias(texts.name)


def _columns(frame: pl.DataFrame, family: Family) -> dict[str, Texts | Messages]:
    """The columns that the content hash reads, in its order; the parts in NFC."""
    extra = [name for name in ("tools", "answer", "verifier", "verifier_args") if name in family.schema.names]
    read: dict[str, Texts | Messages] = {}
    for name in family.parts:
        read[name] = in_nfc((Messages if is_messages(family, name) else Texts).of(frame[name]))
    return read | {name: Texts.of(frame[name]) for name in extra}


def _matched(frame: pl.DataFrame, family: Family, columns: dict[str, Texts | Messages]) -> pl.Series:
    """The compared parts of each row, folded."""
    slow = np.zeros(frame.height, np.bool_)
    quick = folded([columns[part] for part in family.compared], slow)

    def slowly(rows: pl.Series) -> pl.Series:
        parts = [_nfc(family, part).fill_null("").str.strip_chars() for part in family.compared]
        chosen = frame.select(family.compared)[rows]
        return _folded(chosen.select(pl.concat_str(parts, separator=PART_END)).to_series())

    return _with_slow(quick, slow, slowly)


def _nfc(family: Family, part: str) -> pl.Expr:
    """The text of a part without its system messages; each message is in NFC by itself."""
    if not is_messages(family, part):
        return pl.col(part).str.normalize("NFC")
    said = pl.element().filter(pl.element().struct.field("role") != "system").struct.field("content")
    return pl.col(part).list.eval(said.str.normalize("NFC")).list.join("\n\n")


def _with_slow(quick: pl.Series, slow: Bools, slowly: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The texts with those of the rows `slow` as `slowly` gives them."""
    if not slow.any():
        return quick
    rows = pl.Series(np.flatnonzero(slow))
    return quick.scatter(rows, slowly(rows))


def _folded(texts: pl.Series) -> pl.Series:
    """Texts folded by the library: 70 MB a CPU-second."""
    piece = pl.element()
    outside = pl.int_range(pl.len()) % 2 == 0
    lowered = (
        pl.col("text").str.split(FENCE).list.eval(pl.when(outside).then(piece.str.to_lowercase()).otherwise(piece))
    )
    folded = lowered.list.join(FENCE).str.replace_all(r"\s+", " ").str.strip_chars()
    return texts.to_frame("text").select(folded).to_series()


def _digest(texts: pl.Series) -> pl.Series:
    """The first 16 bytes of each text's blake3."""
    hexadecimal = texts.to_frame("text").select(plh.col("text").chash.blake3()).to_series()
    digits = Texts.of(hexadecimal)
    data = _decoded(digits.offsets, digits.data)
    offsets = np.arange(len(texts) + 1, dtype=np.int64) * HASH_BYTES
    array = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    column = pl.from_arrow(array)
    assert isinstance(column, pl.Series)
    return column


@kernel
def _decoded(offsets: Int64s, data: Bytes) -> Bytes:
    """The first bytes of each text of hexadecimal digits, one after another."""
    made = np.empty((len(offsets) - 1) * HASH_BYTES, np.uint8)
    for row in range(len(offsets) - 1):
        for step in range(HASH_BYTES):
            place = offsets[row] + 2 * step
            made[row * HASH_BYTES + step] = _worth(data[place]) << 4 | _worth(data[place + 1])
    return made


@inlined
def _worth(digit: np.uint8) -> np.uint8:
    return np.uint8(digit - _ZERO if digit <= _NINE else digit - _A + 10)
