"""What makes two rows the same: content, prompt and match hashes, all stable between versions and machines.

Texts are compared in Unicode's form NFC. Normalising is slow (70-125 MB a CPU-second), so it is done on the
rows with a byte above 127 only; finding those takes a hundredth of the time.
"""

from collections.abc import Callable
from typing import Final

import polars as pl
import polars_hash as plh

from pipelines.parts import is_messages, text
from schemas.families import Family

HASH_BYTES: Final = 16
_FIELDS: Final = ("role", "content", "tool_calls", "tool_call_id", "name")
_FENCE: Final = "```"
_PART_END: Final = "\x1e"


def with_hashes(frame: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Add `content_hash`, `prompt_hash` and `match_hash` (Binary, 16 bytes) to rows with the family's parts."""
    normal = _normalised(frame, family)
    return frame.with_columns(
        content_hash=_digest(normal.select(_content(family)).to_series()),
        prompt_hash=_digest(normal.select(_encoded_messages(_without_system("prompt"))).to_series()),
        match_hash=_digest(_folded(normal.select(_match(family)).to_series())),
    )


def fold(texts: pl.Series) -> pl.Series:
    """Texts with white space folded and case folded outside fenced code. Symbols and digits stay."""
    return _folded(texts)


def _normalised(frame: pl.DataFrame, family: Family) -> pl.DataFrame:
    """The columns that the hashes read, in NFC."""
    columns = _hashed_columns(family)
    raw = pl.concat_str([text(family, part) for part in family.parts], ignore_nulls=True)
    foreign = frame.select(raw.str.contains(r"[^\x00-\x7F]").fill_null(value=False)).to_series()
    chosen = frame.select(columns)
    if not foreign.any():
        return chosen
    normal = chosen.filter(foreign).with_columns(
        _messages_in_nfc(part) if is_messages(family, part) else pl.col(part).str.normalize("NFC")
        for part in family.parts
    )
    position = pl.concat([foreign.arg_true(), (~foreign).arg_true()])
    return pl.concat([normal, chosen.filter(~foreign)])[position.arg_sort()]


def _messages_in_nfc(part: str) -> pl.Expr:
    message = pl.element()
    return pl.col(part).list.eval(
        message.struct.with_fields(pl.field("content").str.normalize("NFC")),
    )


def _hashed_columns(family: Family) -> list[str]:
    extra = [name for name in ("tools", "answer", "verifier", "verifier_args") if name in family.schema.names]
    return [*family.parts, *extra]


def _content(family: Family) -> pl.Expr:
    """Canonical encoding: the family, then each column, length-prefixed, with null apart from empty."""
    encoded = [
        _encoded_messages(pl.col(name)) if is_messages(family, name) else _encoded(pl.col(name))
        for name in _hashed_columns(family)
    ]
    return pl.concat_str([pl.lit(f"{family.name};"), *encoded])


def _encoded(value: pl.Expr) -> pl.Expr:
    prefixed = pl.concat_str([value.str.len_bytes().cast(pl.String), pl.lit(":"), value])
    return pl.when(value.is_null()).then(pl.lit("-")).otherwise(prefixed)


def _encoded_messages(messages: pl.Expr) -> pl.Expr:
    fields = pl.concat_str([_encoded(pl.element().struct.field(name)) for name in _FIELDS])
    body = messages.list.eval(fields).list.join("")
    return pl.concat_str([messages.list.len().cast(pl.String), pl.lit("["), body]).fill_null("-")


def _without_system(part: str) -> pl.Expr:
    message = pl.element()
    return pl.col(part).list.eval(message.filter(message.struct.field("role") != "system"))


def _match(family: Family) -> pl.Expr:
    parts = [text(family, part, system=False).fill_null("").str.strip_chars() for part in family.compared]
    return pl.concat_str(parts, separator=_PART_END)


def _folded(texts: pl.Series) -> pl.Series:
    fenced = texts.str.contains(_FENCE, literal=True).fill_null(value=False)
    folded = _where(texts, fenced, _lower_outside_fences)
    folded = _where(folded, ~fenced, lambda plain: plain.str.to_lowercase())
    return folded.str.replace_all(r"\s+", " ").str.strip_chars()


def _lower_outside_fences(texts: pl.Series) -> pl.Series:
    piece = pl.element()
    outside = pl.int_range(pl.len()) % 2 == 0
    pieces = texts.to_frame("text").select(
        pl.col("text")
        .str.split(_FENCE)
        .list.eval(pl.when(outside).then(piece.str.to_lowercase()).otherwise(piece))
        .list.join(_FENCE)
    )
    return pieces.to_series()


def _where(series: pl.Series, mask: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`change` applied to the rows of the mask only."""
    if not mask.any():
        return series
    if mask.all():
        return change(series).alias(series.name)
    position = pl.concat([mask.arg_true(), (~mask).arg_true()])
    return pl.concat([change(series.filter(mask)).alias(series.name), series.filter(~mask)])[position.arg_sort()]


def _digest(texts: pl.Series) -> pl.Series:
    frame = texts.to_frame("text")
    return frame.select(plh.col("text").chash.blake3().str.decode("hex").bin.head(HASH_BYTES)).to_series()
