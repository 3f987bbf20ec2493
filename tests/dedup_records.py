"""Records of a family from plain columns, and the survivors among them."""

import polars as pl
import pyarrow as pa

from pipelines.dedup.golds import arguments_key, gold_key, group_key, node
from pipelines.dedup.pairs import Pairs, pairs
from pipelines.dedup.survivors import Crowd, Survivors, survivors
from pipelines.identity import with_hashes
from pipelines.parts import compared
from schemas.families import Family


def turn(role: str, text: pl.Expr) -> pl.Expr:
    """One message."""
    empty = pl.lit(None, dtype=pl.String)
    return pl.concat_list(pl.struct(role=pl.lit(role), content=text, tool_calls=empty, tool_call_id=empty, name=empty))


def records(family: Family, frame: pl.DataFrame, **parts: pl.Expr) -> pl.DataFrame:
    """`frame` with the family's columns: what it does not have is null, ids are row numbers."""
    empty = pl.DataFrame(pl.from_arrow(pa.table(family.schema.empty_table())))
    given = frame.with_columns(**parts)
    if "id" not in given.columns:
        given = given.with_columns(id=pl.format("s/{}", pl.int_range(pl.len())))
    if "source" not in given.columns:
        given = given.with_columns(source=pl.lit("s"))
    absent = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in empty.schema.items() if name not in given.columns
    ]
    return with_hashes(given.with_columns(absent), family).select(empty.columns)


def alive(family: Family, rows: pl.DataFrame, rank: pl.Expr) -> pl.DataFrame:
    """What a ledger hands to `survivors`."""
    judged = rows.with_columns(gold=gold_key(family), args=arguments_key(family)).with_columns(node=node())
    return judged.select(
        "id", "content_hash", "match_hash", "gold", "args", "node", group=group_key(), rank=rank.rank("ordinal")
    )


def chosen(
    family: Family,
    rows: pl.DataFrame,
    threshold: float | None = 0.7,
    *,
    rank: pl.Expr | None = None,
    among: pl.Expr | None = None,
    exact: bool = True,
    found: Pairs | None = None,
) -> Survivors:
    """The survivors by `rank` (the id) among the rows that fulfil `among`."""
    held = found or pairs(rows.lazy(), family, 0.7)
    living = alive(family, rows, pl.col("id") if rank is None else rank)
    if among is not None:
        living = living.join(rows.filter(among).select("id"), on="id", how="semi")
    crowd = Crowd(held.crowded, rows.lazy(), compared(family))
    return survivors(living, held.table, threshold, exact=exact, crowd=crowd)
