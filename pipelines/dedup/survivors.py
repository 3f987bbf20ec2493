"""Which records a recipe removes as duplicates: survivors are chosen among the rows that are still alive."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.dedup.golds import EQUAL, codes
from pipelines.dedup.greedy import Apart, Known, Meetings, Rows, choose
from pipelines.dedup.minhash import signatures
from pipelines.dedup.pairs import NEAR, salt
from pipelines.dedup.shingles import shingles
from pipelines.dedup.signed import sets_of
from pipelines.kernels.kernel import Int32s

EXACT: Final = "exact duplicate"
_SCHEMA: Final = {"id": pl.String, "fate": pl.String, "survivor": pl.String, "similarity": pl.Float64}


@dataclass(frozen=True)
class Crowd:
    """The crowded nodes of a state's family (`content_hash`), and where their texts are read."""

    nodes: pl.DataFrame
    records: pl.LazyFrame
    text: pl.Expr


@dataclass(frozen=True)
class Survivors:
    """`removed`: `id`, `fate`, `survivor` (the id of a row that stays), `similarity` to it, sorted by id.

    `not_compared_further`: ids of rows that stay although their buckets held more survivors than a row is compared
    with.
    """

    removed: pl.DataFrame
    not_compared_further: pl.Series


def survivors(
    alive: pl.DataFrame,
    pairs: pl.DataFrame,
    threshold: float | None,
    *,
    exact: bool = True,
    crowd: Crowd | None = None,
    apart: pl.DataFrame | None = None,
) -> Survivors:
    """Choose the survivors of one family, by rank.

    `alive`: `id`, `group`, `match_hash`, `gold`, `args`, `node` and `rank` (the lowest survives) of the rows that no
    earlier fate took. `pairs`: those of the state. Rows that are equal and agree in their golds go where `exact` is
    true, also within a group; near-duplicates go from the similarity `threshold` on, none where it is None. `apart`:
    pairs of nodes (`left`, `right`) that are no near-duplicates of each other, since a person said so.
    """
    ranked = alive.sort("rank")
    nodes, numbers = _numbered(ranked["node"])
    rows = Rows(
        numbers, codes(ranked.select(pl.struct(*EQUAL)).to_series()), codes(ranked["gold"]), codes(ranked["group"])
    )
    near = threshold is not None
    known = _known(nodes, pairs) if near else Known.none()
    arguments = np.zeros(nodes.height, np.int32)
    arguments[numbers] = codes(ranked["args"])
    meetings = _meetings(nodes, arguments, crowd if near else None)
    chosen = choose(
        rows, threshold if threshold is not None else 1.0, known, meetings, exact=exact, apart=_apart(nodes, apart)
    )
    fates = _fates(ranked) if exact else pl.Series([NEAR] * ranked.height, dtype=pl.String)
    gone = np.flatnonzero(chosen.survivor >= 0)
    removed = pl.DataFrame(
        {
            "id": ranked["id"].gather(gone),
            "fate": fates.gather(gone),
            "survivor": ranked["id"].gather(chosen.survivor[gone]),
            "similarity": chosen.similarity[gone],
        },
        schema=_SCHEMA,
    )
    return Survivors(removed.sort("id"), ranked["id"].filter(pl.Series(chosen.capped)).sort())


def _fates(ranked: pl.DataFrame) -> pl.Series:
    """What each row is if it goes: an exact duplicate where a row before it is equal and agrees in its gold.

    That row may itself have gone to a third, which is then the survivor of both.
    """
    row, bare = pl.int_range(pl.len()), pl.col("gold").is_null()
    rows = ranked.select(*EQUAL, "gold", row=row).with_columns(
        any=pl.col("row").min().over(*EQUAL),
        same=pl.col("row").min().over(*EQUAL, "gold"),
        bare=pl.col("row").filter(bare).min().over(*EQUAL),
    )
    first = pl.when(bare).then("any").otherwise(pl.min_horizontal("same", "bare"))
    return rows.select(pl.when(first < pl.col("row")).then(pl.lit(EXACT)).otherwise(pl.lit(NEAR))).to_series()


def _numbered(node: pl.Series) -> tuple[pl.DataFrame, Int32s]:
    """The nodes, `content_hash` and `number`, sorted; and the number of each row's."""
    nodes = pl.DataFrame({"content_hash": node.unique().sort()}).with_row_index("number")
    numbers = node.to_frame("content_hash").join(nodes, on="content_hash", how="left", maintain_order="left")["number"]
    return nodes, numbers.cast(pl.Int32).to_numpy(writable=True)


def _known(nodes: pl.DataFrame, pairs: pl.DataFrame) -> Known:
    numbered = _ends(nodes, pairs.filter(pl.col("kind") == NEAR))
    ends = [numbered[name].cast(pl.Int32).to_numpy(writable=True) for name in ("number", "number_right")]
    return Known(ends[0], ends[1], numbered["similarity"].to_numpy(writable=True))


def _apart(nodes: pl.DataFrame, pairs: pl.DataFrame | None) -> Apart:
    if pairs is None or pairs.is_empty():
        return Apart.nobody()
    numbered = _ends(nodes, pairs)
    return Apart(*(numbered[name].cast(pl.Int32).to_numpy(writable=True) for name in ("number", "number_right")))


def _ends(nodes: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs (`left`, `right`) of nodes that are alive, with the `number` and `number_right` of the two."""
    return pairs.join(nodes, left_on="left", right_on="content_hash").join(
        nodes, left_on="right", right_on="content_hash", suffix="_right"
    )


def _meetings(nodes: pl.DataFrame, arguments: Int32s, crowd: Crowd | None) -> Meetings:
    """The crowded nodes among those that are alive, with their sets and signatures."""
    places = np.full(nodes.height, -1, np.int32)
    present = nodes.clear() if crowd is None else nodes.join(crowd.nodes, on="content_hash", how="semi")
    if crowd is None or present.is_empty():
        nobody = shingles(pl.Series([], dtype=pl.String))
        return Meetings(places, nobody, signatures(nobody), np.zeros(0, np.uint64))
    sets, found = sets_of(present["content_hash"], crowd.records, crowd.text)
    places[present["number"].to_numpy()] = found
    of_set = np.zeros(len(sets), np.int32)
    of_set[found] = arguments[present["number"].to_numpy()]
    return Meetings(places, sets, signatures(sets), salt(of_set))
