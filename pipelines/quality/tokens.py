"""The signal of length in tokens, by the tokenizer that `lake.yaml` names."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
from tokenizers import Tokenizer

from pipelines.errors import TamisError
from pipelines.quality.signal import Part, of_part

_BYTES: Final = 4 << 20
"""Text that is tokenised at once."""

_PIECE: Final = 1 << 18
"""Characters at which a longer text is cut: each cut may add a token, and memory is bounded."""


@dataclass(frozen=True)
class Tokens:
    """A fast tokenizer with the `identity` of what it was read from."""

    tokenizer: Tokenizer
    identity: str

    def counts(self, texts: pl.Series) -> pl.Series:
        """Tokens of each text without special ones (Int64), null where the text is. Some 3 MB a CPU-second."""
        rows = texts.to_frame("text").with_columns(
            row=pl.int_range(pl.len()), at=pl.int_ranges(0, pl.col("text").str.len_chars() // _PIECE + 1)
        )
        pieces = (
            rows.drop_nulls().explode("at").select("row", piece=pl.col("text").str.slice(pl.col("at") * _PIECE, _PIECE))
        )
        if pieces.height == 0:
            return texts.cast(pl.Int64, strict=False)
        batch = pieces["piece"].str.len_bytes().cast(pl.Int64).cum_sum() // _BYTES
        found = []
        for part in pieces.with_columns(batch=batch).partition_by("batch", maintain_order=True):
            # The tokenizer takes and gives lists only.
            encoded = self.tokenizer.encode_batch_fast(part["piece"].to_list(), add_special_tokens=False)
            found.append(part.select("row", tokens=pl.Series(map(len, encoded), dtype=pl.Int64)))
        sums = pl.concat(found).group_by("row").agg(pl.col("tokens").sum())
        return rows.select("row").join(sums, on="row", how="left", maintain_order="left")["tokens"]


def load(name: str | None) -> Tokens | None:
    """The tokenizer of a `tokenizer.json` by its path, or of a repository on the Hub; None for None.

    TamisError where it cannot be had or read.
    """
    if name is None:
        return None
    path = Path(name).expanduser()
    if not path.is_file():
        path = _from_hub(name)
    data = path.read_bytes()
    try:
        tokenizer = Tokenizer.from_buffer(data)
    except ValueError as error:
        raise TamisError(str(error), where=str(path), cure="Name a fast tokenizer's tokenizer.json.") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Tokens(tokenizer, hashlib.sha256(data).hexdigest()[:8])


def _from_hub(name: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return Path(hf_hub_download(name, "tokenizer.json"))
    except (RepositoryNotFoundError, EntryNotFoundError, LocalEntryNotFoundError, HFValidationError) as error:
        raise TamisError(
            f"the tokenizer {name!r} is neither a file nor a repository with a tokenizer.json that this Hub has",
            where="lake.yaml: tokenizer",
            cure="Give the path of a tokenizer.json, or leave `tokenizer` out: lengths are then in words.",
        ) from error


@of_part(unit="tokens")
def tokens(part: Part) -> pl.Expr:
    """Tokens of the tokenizer that `lake.yaml` names, special ones aside; null where it names none."""
    return part.count("tokens")
