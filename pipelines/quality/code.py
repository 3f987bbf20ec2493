"""Signals of fenced code: how many blocks there are, whether they name their language, and whether they parse."""

from pathlib import Path
from typing import Final

import polars as pl

from pipelines.quality import parsing
from pipelines.quality.signal import SAID, Part, of_part
from pipelines.verify.workers import Workers

LARGEST: Final = 50_000
"""Bytes of a block above which it is not judged."""

MOST: Final = 50
"""Blocks of a text that are judged, from the first."""

CPU_SECONDS: Final = 1.0
"""What a block may take; one of the largest size takes a tenth."""

COUNTS: Final = ("code_blocks", "unnamed_code_blocks", "judged_code_blocks", "broken_code_blocks")

_BLOCK: Final = r"(?m)^[ \t]*```+[ \t]*(?P<tag>[^\n`]*)\n(?P<body>(?s:.*?))^[ \t]*```+[ \t]*$"
_TAGS: Final = {tag: language for language, tags in parsing.NAMES.items() for tag in tags}


def parsers(count: int | None = None) -> Workers:
    """The processes that parse; use them as a context manager."""
    return Workers(count, cpu=CPU_SECONDS, judge=Path(parsing.__file__))


def blocks_judged(texts: pl.Series, workers: Workers | None = None) -> pl.DataFrame:
    """The `COUNTS` of each text (Int64), null where the text is.

    Only texts with a fence are looked at; a block that several have is parsed once. Without `workers` some are started
    for this call, where there is a block to parse.
    """
    blocks = _blocks(texts)
    named = blocks.filter(pl.col("language").is_not_null() & (pl.col("body").str.len_bytes() <= LARGEST))
    named = named.filter(pl.int_range(pl.len()).over("row") < MOST)
    different = named.select("language", "body").unique()
    if different.height == 0:
        outcomes = pl.Series("outcome", [], dtype=pl.String)
    elif workers is None:
        with parsers(1) as own:
            outcomes = pl.Series("outcome", own.outcomes(different.rows()))
    else:
        outcomes = pl.Series("outcome", workers.outcomes(different.rows()))
    judged = named.join(different.with_columns(outcomes), on=["language", "body"], how="left")
    counts = (
        blocks.group_by("row")
        .agg(code_blocks=pl.len(), unnamed_code_blocks=(pl.col("tag") == "").sum())
        .join(
            judged.group_by("row").agg(
                judged_code_blocks=pl.col("outcome").is_in(["verified", "refuted"]).sum(),
                broken_code_blocks=(pl.col("outcome") == "refuted").sum(),
            ),
            on="row",
            how="left",
        )
    )
    rows = texts.to_frame("text").select(row=pl.int_range(pl.len()), there=pl.col("text").is_not_null())
    joined = rows.join(counts, on="row", how="left", maintain_order="left")
    return joined.select(pl.when("there").then(pl.col(name).fill_null(0).cast(pl.Int64)).alias(name) for name in COUNTS)


def _blocks(texts: pl.Series) -> pl.DataFrame:
    """Closed blocks: `row`, `tag` (the first word behind the fence, in lower case), `language` (null for those that
    are not parsed), `body`."""
    fenced = texts.to_frame("text").select(row=pl.int_range(pl.len()), text="text")
    found = (
        fenced.filter(pl.col("text").str.contains("```", literal=True))
        .with_columns(pl.col("text").str.extract_all(_BLOCK))
        .explode("text", empty_as_null=False)
        .with_columns(pl.col("text").str.extract_groups(_BLOCK))
        .unnest("text")
    )
    tag = pl.col("tag").str.strip_chars().str.to_lowercase().str.extract(r"^[{.]*([^\s,:;{}]*)").fill_null("")
    return found.with_columns(tag=tag).with_columns(
        language=pl.col("tag").replace_strict(_TAGS, default=None, return_dtype=pl.String)
    )


@of_part(unit="count", parts=SAID)
def code_blocks(part: Part) -> pl.Expr:
    """Fenced blocks that are opened and closed."""
    return part.count("code_blocks")


@of_part(unit="count", parts=SAID)
def unnamed_code_blocks(part: Part) -> pl.Expr:
    """Those of them that do not name their language."""
    return part.count("unnamed_code_blocks")


@of_part(unit="count", parts=SAID)
def judged_code_blocks(part: Part) -> pl.Expr:
    """Those of them that were parsed: of ten languages, up to 50,000 bytes each, the first 50 of a text."""
    return part.count("judged_code_blocks")


@of_part(unit="count", parts=SAID, source="Python's ast; tree-sitter's grammars")
def broken_code_blocks(part: Part) -> pl.Expr:
    """Those of them that do not parse. Python 2, pseudocode and elisions (`{...}`) are among them."""
    return part.count("broken_code_blocks")
