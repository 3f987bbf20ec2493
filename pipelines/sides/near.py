"""Ties by near-equal texts: prompts whose golds agree, and long answers, across families and sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.dedup.buckets import buckets
from pipelines.dedup.candidates import candidates
from pipelines.dedup.golds import codes
from pipelines.dedup.jaccard import similarities
from pipelines.dedup.shingles import WORDS, gather
from pipelines.dedup.signed import Cache, band_keys, sets_of, signed
from pipelines.parts import text
from pipelines.states import State
from schemas.families import FAMILIES, Family

SMALL: Final = 64
"""Texts of a bucket of which all pairs are compared: more than for duplicates, since no recipe looks again."""

NEAR_PROMPT: Final = "near prompt"
NEAR_RESPONSE: Final = "near response"


@dataclass(frozen=True)
class _Place:
    """Where texts are read: a family's records, and the expression of the text. `kind` names its signatures."""

    kind: str
    records: pl.LazyFrame
    text: pl.Expr


def near_prompts(
    state: State, records: pl.DataFrame, floor: float, many: int, cache: Cache | None = None
) -> pl.DataFrame:
    """`tie`, `content_hash`, `kind`: a tie holds the contents of two prompts of similarity `floor` or more.

    `records`: `content_hash`, `prompt_hash`, `family`, `gold`, `args` of each record. Prompts of fewer than 5 words, or
    of more than `many` records, tie nothing here; nor do two whose golds or arguments both exist and differ.
    """
    prompts = records.filter(pl.len().over("prompt_hash") <= many).with_columns(
        text=pl.struct("prompt_hash", "gold", "args").rank("dense")
    )
    first = prompts.sort("content_hash", "family").unique("text", keep="first", maintain_order=True)
    places = [
        _Place(f"{family.name}_prompt", state.scan(f"records_{name}"), text(family, "prompt", system=False))
        for name, family in FAMILIES.items()
    ]
    texts = []
    for number, place in enumerate(places):
        mine = first.filter(pl.col("family") == list(FAMILIES)[number])
        wanted = place.records.join(mine.lazy().select("content_hash"), on="content_hash", how="semi")
        keys = signed(wanted, place.text, place.kind, cache).select("content_hash", "words", "keys")
        texts.append(mine.join(keys, on="content_hash").with_columns(place=pl.lit(number)))
    long = pl.concat(texts).filter(pl.col("words") >= WORDS).sort("content_hash", "place", "text")
    return _tied(long, places, prompts.select("text", "content_hash").unique(), floor, many, NEAR_PROMPT)


def near_responses(
    state: State, records: pl.DataFrame, floor: float, least: int, many: int, cache: Cache | None = None
) -> pl.DataFrame:
    """The same of answers of `least` words or more; equal ones are a tie of their own.

    The chosen and the rejected side of a preference are an answer each; a chain of thought and what follows it are one.
    """
    counts = records.group_by("family", "content_hash").agg(records=pl.len())
    places: list[_Place] = []
    texts = []
    for name, family in FAMILIES.items():
        for part, response in _responses(family).items():
            place = _Place(f"{name}_{part}", state.scan(f"records_{name}"), response)
            said = signed(place.records, place.text, place.kind, cache).filter(pl.col("words") >= least)
            mine = said.join(counts.filter(pl.col("family") == name), on="content_hash")
            texts.append(mine.with_columns(place=pl.lit(len(places))))
            places.append(place)
    said = pl.concat(texts).filter(pl.col("records").sum().over("text_hash") <= many)
    said = said.with_columns(
        text=pl.col("text_hash").rank("dense"), gold=pl.lit(None, dtype=pl.String), args=pl.lit(None, dtype=pl.String)
    ).sort("content_hash", "place")
    members = said.select("text", "content_hash").unique()
    first = said.unique("text", keep="first", maintain_order=True)
    equal = members.filter(pl.len().over("text") > 1).select(tie="text", content_hash="content_hash")
    near = _tied(first, places, members, floor, many, NEAR_RESPONSE)
    after = int(said["text"].max() or 0) + 1 if said.height else 0  # type: ignore[arg-type]
    return pl.concat(
        [
            equal.select(pl.col("tie").cast(pl.Int64), "content_hash", kind=pl.lit(NEAR_RESPONSE)),
            near.with_columns(pl.col("tie") + after),
        ]
    )


def _responses(family: Family) -> dict[str, pl.Expr]:
    """The answers of a family's records, by part."""
    if family.name == "preference":
        return {part: text(family, part) for part in family.answers}
    if not family.answers:
        return {}
    return {
        "response": pl.concat_str([text(family, part) for part in family.answers], separator="\n\n", ignore_nulls=True)
    }


def _tied(
    texts: pl.DataFrame, places: Sequence[_Place], members: pl.DataFrame, floor: float, many: int, kind: str
) -> pl.DataFrame:
    """`texts`: `text` (a number), `content_hash` and `place` where it is read, `keys`, `gold`, `args`; one row a text.

    `members`: the contents of each text.
    """
    found = candidates(
        buckets(band_keys(texts["keys"])), codes(texts["gold"]), codes(texts["args"]), small=SMALL, chained=many
    )
    involved, numbers = np.unique(np.concatenate([found.left, found.right]), return_inverse=True)
    rows = texts.select("text", "content_hash", "place")[involved].with_row_index("number")
    parts, at, shift = [], np.zeros(len(involved), np.int32), 0
    for number, place in enumerate(places):
        mine = rows.filter(pl.col("place") == number)
        if mine.height:
            sets, where = sets_of(mine["content_hash"], place.records, place.text)
            at[mine["number"].to_numpy()] = where + np.int32(shift)
            parts.append(sets)
            shift += len(sets)
    left, right = numbers[: len(found.left)], numbers[len(found.left) :]
    similarity = similarities(gather(parts), at[left], at[right], floor)
    reached = similarity >= floor
    pairs = pl.DataFrame(
        {"left": rows["text"].gather(left[reached]), "right": rows["text"].gather(right[reached])}
    ).with_row_index("tie")
    ends = pairs.unpivot(index="tie", on=["left", "right"], value_name="text")
    held = ends.join(members, on="text").select("tie", "content_hash").unique()
    return held.select(pl.col("tie").cast(pl.Int64), "content_hash", kind=pl.lit(kind))
