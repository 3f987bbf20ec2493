"""Every record of a lake state against the index: the rows of the table `contamination`."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from pipelines.decontaminate.index import Index
from pipelines.decontaminate.rules import hits
from pipelines.decontaminate.scan import scan
from pipelines.parts import is_messages, text
from schemas.families import FAMILIES, Family
from schemas.tables import TABLES

BATCH: Final = 8_192
"""Records that are held at once."""

LISTED: Final = 3
"""Items of a benchmark that are listed for each record, by a rule of n-grams: what is said everywhere has hundreds."""

_OF_GRAMS: Final = ("8-gram", "13-gram")
_TABLE: Final = pl.DataFrame(pl.from_arrow(TABLES["contamination"].schema.empty_table())).schema
_KEY: Final = ("content_hash", "benchmark", "item", "rule")


def contamination(records: pl.LazyFrame, family: Family, index: Index) -> pl.DataFrame:
    """Every hit of a family's records, in the schema of the table `contamination`, sorted by its key.

    All text parts are scanned, each turn by itself, but for system messages; short items are looked for in turns of
    the user. Of an item's hits by one rule in several texts the strongest is told.
    """
    columns = ["content_hash", *family.parts, *(["answer"] if "answer" in family.schema.names else [])]
    batches = records.select(columns).collect_batches(chunk_size=BATCH, maintain_order=True)
    found = pl.concat([pl.DataFrame(schema=_TABLE), *(_of_batch(batch, family, index) for batch in batches)])
    return _once(found)


def _of_batch(records: pl.DataFrame, family: Family, index: Index) -> pl.DataFrame:
    once = records.unique("content_hash", keep="first", maintain_order=True).with_row_index("record")
    texts = pl.concat(list(_texts(once, family))).sort("record", maintain_order=True)
    answer = _answer(family)

    def answers(asked: pl.DataFrame) -> list[tuple[pl.Series, pl.Series]]:
        records = texts["record"].gather(asked["row"])
        distinct = records.unique().sort()
        return [(once[distinct].select(answer).to_series(), distinct.search_sorted(records))]

    shared = scan(texts["said"], index)
    found = hits(shared, index, answers, texts["role"] == "user")
    place = texts.with_row_index("row").select(pl.col("row").cast(pl.Int64), "record", "part", "turn")
    located = found.join(place, on="row", how="left").join(
        once.select("record", "content_hash"), on="record", how="left"
    )
    return _limited(_strongest(located)).select(pl.col(name).cast(dtype) for name, dtype in _TABLE.items())


def _texts(records: pl.DataFrame, family: Family) -> Iterator[pl.DataFrame]:
    """Every text that is scanned: `record`, `part`, `turn`, `role`, `said`."""
    for part in family.parts:
        if not is_messages(family, part):
            yield records.filter(pl.col(part).is_not_null()).select(
                "record",
                part=pl.lit(part),
                turn=pl.lit(None, dtype=pl.Int64),
                role=pl.lit("assistant"),
                said=pl.col(part),
            )
            continue
        turns = records.select("record", message=part, turn=pl.int_ranges(pl.col(part).list.len(), dtype=pl.Int64))
        each = turns.explode("message", "turn", empty_as_null=False, keep_nulls=False)
        message = pl.col("message").struct
        yield each.filter(message.field("role") != "system").select(
            "record",
            part=pl.lit(part),
            turn="turn",
            role=message.field("role"),
            said=message.field("content"),
        )


def _answer(family: Family) -> pl.Expr:
    """All that answers the prompt: the other parts and the gold."""
    told = [text(family, part) for part in family.parts if part != "prompt"]
    gold = [pl.col("answer")] if "answer" in family.schema.names else []
    return pl.concat_str([*told, *gold], separator="\n\n", ignore_nulls=True)


def _strongest(located: pl.DataFrame) -> pl.DataFrame:
    order = ["record", "benchmark", "item", "rule", "value", "row", "field"]
    falling = [name == "value" for name in order]
    return located.sort(order, descending=falling).unique(
        ["record", "benchmark", "item", "rule"], keep="first", maintain_order=True
    )


def _limited(located: pl.DataFrame) -> pl.DataFrame:
    """The LISTED strongest items of each benchmark by a rule of n-grams, all of them by the others."""
    of_rule = ["record", "benchmark", "rule"]
    ranked = located.sort("record", "benchmark", "rule", "value", "item", descending=[False, False, False, True, False])
    rank = pl.int_range(pl.len()).over(of_rule)
    bounded = pl.col("rule").is_in(_OF_GRAMS)
    further = (
        pl.when(bounded).then((pl.len().cast(pl.Int64).over(of_rule) - LISTED).clip(0)).otherwise(0).cast(pl.Int64)
    )
    return ranked.with_columns(further=further, rank=rank).filter(~bounded | (pl.col("rank") < LISTED))


def _once(found: pl.DataFrame) -> pl.DataFrame:
    """Equal content may stand in several batches."""
    return found.unique(_KEY, keep="first", maintain_order=True).sort(_KEY)


def families_with(records: dict[str, pl.LazyFrame], index: Index) -> pl.DataFrame:
    """The hits of all families; `records`: by the family's name."""
    return pl.concat([contamination(rows, FAMILIES[name], index) for name, rows in records.items()]).sort(_KEY)
