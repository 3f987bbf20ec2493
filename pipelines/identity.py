"""What makes two rows the same: content, prompt and match hashes, all stable between versions and machines.

Texts are compared in Unicode's form NFC. Normalising is slow (70-125 MB a CPU-second), so it is done on the texts that
may change only; finding those takes a thousandth of the time where all is ASCII.
"""

from typing import Final

import numpy as np
import polars as pl

from pipelines.kernels.blake3 import DIGEST, as_column, digests
from pipelines.kernels.composing import in_nfc
from pipelines.kernels.encoding import Messages, Texts, encoded
from pipelines.kernels.folding import FENCE, PART_END, folded
from pipelines.kernels.kernel import Bytes
from pipelines.parts import is_messages
from schemas.families import Family

HASH_BYTES: Final = DIGEST


def with_hashes(frame: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Add `content_hash`, `prompt_hash` and `match_hash` (Binary, 16 bytes) to rows with the family's parts."""
    columns = _columns(frame, family)
    prompt = columns["prompt"]
    behind = [("", column) for name, column in columns.items() if name != "prompt"]
    return frame.with_columns(
        content_hash=as_column(encoded([(f"{family.name};", prompt), *behind]).digests()),
        prompt_hash=as_column(encoded([("", prompt)], system=False).digests()),
        match_hash=as_column(_matched(frame, family, columns)),
    )


def fold(texts: pl.Series) -> pl.Series:
    """Texts with white space folded and case folded outside fenced code. Symbols and digits stay; null stays null."""
    slow = np.zeros(len(texts), np.bool_)
    done = folded([Texts.of(texts)], slow).texts()
    if slow.any():
        rows = pl.Series(np.flatnonzero(slow))
        done = done.scatter(rows, _folded(texts.gather(rows)))
    there = texts.is_not_null()
    return (done if there.all() else done.set(~there, None)).alias(texts.name)


def _columns(frame: pl.DataFrame, family: Family) -> dict[str, Texts | Messages]:
    """The columns that the content hash reads, in its order; the parts in NFC."""
    extra = [name for name in ("tools", "answer", "verifier", "verifier_args") if name in family.schema.names]
    read: dict[str, Texts | Messages] = {}
    for name in family.parts:
        read[name] = in_nfc((Messages if is_messages(family, name) else Texts).of(frame[name]))
    return read | {name: Texts.of(frame[name]) for name in extra}


def _matched(frame: pl.DataFrame, family: Family, columns: dict[str, Texts | Messages]) -> Bytes:
    """Digests of the compared parts of each row, folded."""
    slow = np.zeros(frame.height, np.bool_)
    made = folded([columns[part] for part in family.compared], slow).digests()
    if slow.any():
        rows = np.flatnonzero(slow)
        parts = [_nfc(family, part).fill_null("").str.strip_chars() for part in family.compared]
        chosen = frame.select(family.compared)[rows]
        texts = Texts.of(_folded(chosen.select(pl.concat_str(parts, separator=PART_END)).to_series()))
        slowly = digests(texts.data, texts.offsets[:-1], texts.offsets[1:])
        made.reshape(-1, DIGEST)[rows] = slowly.reshape(-1, DIGEST)
    return made


def _nfc(family: Family, part: str) -> pl.Expr:
    """The text of a part without its system messages; each message is in NFC by itself."""
    if not is_messages(family, part):
        return pl.col(part).str.normalize("NFC")
    said = pl.element().filter(pl.element().struct.field("role") != "system").struct.field("content")
    return pl.col(part).list.eval(said.str.normalize("NFC")).list.join("\n\n")


def _folded(texts: pl.Series) -> pl.Series:
    """Texts folded by the library: 70 MB a CPU-second."""
    piece = pl.element()
    outside = pl.int_range(pl.len()) % 2 == 0
    lowered = (
        pl.col("text").str.split(FENCE).list.eval(pl.when(outside).then(piece.str.to_lowercase()).otherwise(piece))
    )
    folded = lowered.list.join(FENCE).str.replace_all(r"\s+", " ").str.strip_chars()
    return texts.to_frame("text").select(folded).to_series()
