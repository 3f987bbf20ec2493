"""The review queue: the records of a pass about which a verdict changes most, and controls drawn at random.

Per family the recipe's budget is shared out by ground. The controls are drawn first, among all that may be asked
about, so that what a control stands for is exact: each content that is kept (that is dropped) has the same chance, and
its weight is how many it stands for. Nothing is random in it: the lot of a record is a hash of its content and of the
recipe's name, so that a second pass draws the same ones until they are decided.
"""

import math
from typing import Final

import polars as pl
import polars_hash as plh

from pipelines.decontaminate.dropping import dropping
from pipelines.lake import Lake
from pipelines.quality.rules import hits
from pipelines.recipe import Recipe
from pipelines.review import candidates, shown
from pipelines.review.lineage import signals
from pipelines.review.verdicts import answers
from pipelines.states import Pass
from schemas.families import FAMILIES, Family
from schemas.tables import TABLES
from schemas.vocabulary import GROUNDS

SCHEMA: Final = pl.DataFrame(pl.from_arrow(TABLES["review_queue"].schema.empty_table())).schema

KEPT: Final = "random kept"
DROPPED: Final = "random dropped"
CONTROLS: Final = (KEPT, DROPPED)

CONTROLLED: Final = 0.25
"""Share of a stratum that may be controls: a verdict on one clears no hit, so a small corpus needs others too."""

OPEN: Final = ("kept", "rule", "contaminated", "near-duplicate")
"""Fates about which people are asked: others follow from licence, upstream or a verdict, or name an equal record."""

_is_kept = pl.col("fate") == "kept"


def queue(published: Pass, recipe: Recipe, verdicts: pl.DataFrame, before: pl.DataFrame | None = None) -> pl.DataFrame:
    """The queue of a pass, in the schema of `review_queue`, sorted by family and priority.

    `verdicts`: the table as it is now; what as many people answered as the recipe asks is not asked again. `before`:
    the recipe's last queue; its records that some but not all of these people answered stay in as they were sent.
    """
    answered = answers(verdicts)
    known = pl.DataFrame(schema=SCHEMA) if before is None else before.select(SCHEMA.names())
    made = [_of_family(published, recipe, family, answered, known) for family in FAMILIES.values()]
    return pl.concat(made).sort("family", "priority")


def populations(published: Pass, recipe: Recipe, family: Family) -> pl.DataFrame:
    """Every record of a pass that may be asked about, one a content: see `pipelines.review.candidates`.

    Of several records with one content the kept one stands for all, else the first by id.
    """
    ledger = published.ledger().filter((pl.col("family") == family.name) & pl.col("fate").is_in(OPEN))
    rows = ledger.select(
        "content_hash",
        "id",
        "source",
        "fate",
        "reason",
        "value",
        "threshold",
        "survivor",
        "similarity",
        "marks",
    ).collect()
    once = rows.sort(~_is_kept, "id").unique("content_hash", keep="first", maintain_order=True)
    lot = plh.concat_str(pl.lit(f"{published.recipe}\x1f"), pl.col("content_hash").bin.encode("hex")).nchash.xxh3_64()
    return once.with_columns(lot=lot).sort("lot", "content_hash")


def _of_family(
    published: Pass, recipe: Recipe, family: Family, answered: pl.DataFrame, before: pl.DataFrame
) -> pl.DataFrame:
    if recipe.review.budget == 0:
        return pl.DataFrame(schema=SCHEMA)
    everything = populations(published, recipe, family)
    mine = answered.filter(pl.col("family") == family.name)
    decided = mine.filter(pl.col("users") >= recipe.review.overlap)
    begun = _begun(published, family, before, mine.join(decided, on="content_hash", how="anti"))
    rows = everything.join(mine, on="content_hash", how="anti")
    drawn = pl.concat([_drawn(rows.filter(_is_kept), KEPT, recipe), _drawn(rows.filter(~_is_kept), DROPPED, recipe)])
    targets = _targets(published, recipe, family, rows, everything.filter(_is_kept), drawn)
    left = recipe.review.budget - drawn.height - begun.height
    chosen = pl.concat([drawn, _chosen(targets, recipe, left)])
    fresh = _described(published, recipe, family, chosen.join(rows.drop("similarity"), on="content_hash", how="inner"))
    ordered = fresh.sort("turn", pl.col("ground").replace_strict(_PLACES, return_dtype=pl.Int64), "content_hash")
    first = begun.height + 1
    numbered = ordered.with_columns(priority=pl.int_range(first, first + pl.len(), dtype=pl.Int64))
    return pl.concat([begun, numbered.select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())])


_PLACES: Final = {ground: place for place, ground in enumerate(GROUNDS)}
_CHOSEN: Final = {**candidates.SCHEMA, "ground": pl.String, "weight": pl.Float64, "turn": pl.Int64}


def _begun(published: Pass, family: Family, before: pl.DataFrame, some: pl.DataFrame) -> pl.DataFrame:
    """Rows of the last queue that wait for further people, as they were sent; of records that the pass still has."""
    here = published.ledger().filter(pl.col("family") == family.name).select("content_hash").unique().collect()
    kept = before.filter(pl.col("family") == family.name).join(some, on="content_hash", how="semi")
    again = kept.join(here, on="content_hash", how="semi").sort("priority")
    return again.with_columns(
        pl.lit(published.number, dtype=pl.Int64).alias("pass"), priority=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    ).select(SCHEMA.names())


def _drawn(stratum: pl.DataFrame, ground: str, recipe: Recipe) -> pl.DataFrame:
    """The controls of a stratum, which is sorted by lot: each stands for as many contents as every other."""
    count = min(recipe.review.records(ground), math.ceil(stratum.height * CONTROLLED))
    weight = stratum.height / count if count else 0.0
    return stratum.head(count).select(
        pl.col("content_hash"),
        order=pl.int_range(pl.len(), dtype=pl.Int64),
        other=pl.lit(None, dtype=pl.String),
        similarity=pl.lit(None, dtype=pl.Float64),
        ground=pl.lit(ground),
        weight=pl.lit(weight),
        turn=pl.int_range(pl.len(), dtype=pl.Int64),
    )


def _targets(
    published: Pass, recipe: Recipe, family: Family, rows: pl.DataFrame, kept: pl.DataFrame, drawn: pl.DataFrame
) -> pl.DataFrame:
    """Candidates on every ground but the random ones, each content on its first ground, in turns within each."""
    state = published.state
    right = state.scan("verification").filter((pl.col("family") == family.name) & (pl.col("outcome") == "verified"))
    found = {
        "conflict": candidates.conflicts(state, family, rows, kept.select("content_hash", "id")),
        "disputed duplicate": candidates.disputed(rows, recipe.duplicates.near),
        "contamination": candidates.contaminated(rows),
        "rules disagree": candidates.disagreeing(rows, right.select("content_hash").collect()),
        "near a threshold": candidates.near_thresholds(state, family, recipe.rules, rows),
    }
    asked = {ground: frame for ground, frame in found.items() if recipe.review.records(ground)}
    each = pl.concat(
        [pl.DataFrame(schema=candidates.SCHEMA | {"ground": pl.String})]
        + [frame.with_columns(ground=pl.lit(ground)) for ground, frame in asked.items()]
    )
    once = each.with_columns(place=pl.col("ground").replace_strict(_PLACES, return_dtype=pl.Int64)).sort(
        "place", "order", "content_hash"
    )
    alone = once.unique("content_hash", keep="first", maintain_order=True).join(drawn, on="content_hash", how="anti")
    paired = pl.col("ground") == "conflict"
    return alone.with_columns(
        weight=pl.lit(None, dtype=pl.Float64),
        # The two records of a conflict have one order, and so stand in one turn.
        turn=pl.when(paired)
        .then(pl.col("order").rank("dense"))
        .otherwise(pl.col("order").rank("ordinal"))
        .over("ground")
        - 1,
    ).select(pl.col(name).cast(dtype) for name, dtype in _CHOSEN.items())


def _chosen(targets: pl.DataFrame, recipe: Recipe, budget: int) -> pl.DataFrame:
    """As many of the candidates as the budget allows: of each ground its share, then what is left of any, in turns.

    The two records of a conflict go together, or neither does.
    """
    share = {ground: recipe.review.records(ground) for ground in GROUNDS}
    place = pl.col("ground").replace_strict(_PLACES, return_dtype=pl.Int64)
    entitled = pl.int_range(1, pl.len() + 1).over("ground") <= pl.col("ground").replace_strict(
        share, return_dtype=pl.Int64
    )
    in_turn = targets.sort("ground", "turn", "content_hash").with_columns(entitled=entitled)
    together = pl.when(pl.col("ground") == "conflict").then(pl.col("entitled").all().over("ground", "turn"))
    ranked = in_turn.with_columns(entitled=pl.coalesce(together, "entitled")).sort(
        ~pl.col("entitled"), "turn", place, "content_hash"
    )
    last = ranked.with_row_index("at").with_columns(
        at=pl.when(pl.col("ground") == "conflict").then(pl.col("at").max().over("ground", "turn")).otherwise("at")
    )
    return last.filter(pl.col("at") < max(budget, 0)).select(list(_CHOSEN))


def _described(published: Pass, recipe: Recipe, family: Family, chosen: pl.DataFrame) -> pl.DataFrame:
    """The chosen rows with `recipe`, `pass`, `family`, `rules` and `shown`; `shown` is empty for controls."""
    ids = chosen["id"].implode()
    hit = hits(signals(published.state, family, pl.col("id").is_in(ids)), recipe.rules, family)
    rules = hit.sort("id", "order").collect().join(chosen.select("id", "content_hash"), on="id")
    contents = chosen["content_hash"].implode()
    leaks = dropping(published.state.scan("contamination"), recipe.contamination)
    items = leaks.filter(pl.col("content_hash").is_in(contents)).select("content_hash", "benchmark", "item").unique()
    near = chosen.filter(pl.col("fate") == "near-duplicate").select("content_hash", "survivor")
    ledger = published.ledger().filter(pl.col("id").is_in(near["survivor"].implode()))
    others = near.lazy().join(ledger.select(survivor="id", other="content_hash"), on="survivor")
    said = pl.concat(
        [
            rules.select("content_hash", hit=shown.rule(pl.col("rule"))),
            items.sort("content_hash", "benchmark", "item")
            .select("content_hash", hit=shown.item(pl.col("benchmark"), pl.col("item")))
            .collect(),
            others.select("content_hash", hit=shown.near(pl.col("other"))).collect(),
        ]
    )
    by_rule = rules.group_by("content_hash", maintain_order=True).agg(rules=pl.col("rule"))
    by_hit = said.group_by("content_hash", maintain_order=True).agg(shown=pl.col("hit"))
    nothing = pl.lit([], dtype=pl.List(pl.String))
    return (
        chosen.join(by_rule, on="content_hash", how="left")
        .join(by_hit, on="content_hash", how="left")
        .with_columns(
            pl.lit(published.number, dtype=pl.Int64).alias("pass"),
            recipe=pl.lit(published.recipe),
            family=pl.lit(family.name),
            rules=pl.col("rules").fill_null(nothing),
            shown=pl.when(pl.col("ground").is_in(CONTROLS)).then(nothing).otherwise(pl.col("shown").fill_null(nothing)),
        )
    )


def refresh_queue(lake: Lake, published: Pass, recipe: Recipe) -> pl.DataFrame:
    """Draw the queue of a pass from the verdicts as they are now, and put it in the place of the recipe's last one."""
    mine = lake.scan("review_queue").filter(pl.col("recipe") == published.recipe).sort("family", "priority")
    before = mine.select(SCHEMA.names()).collect()
    made = queue(published, recipe, lake.scan("verdicts").collect(), before)
    if not made.equals(before):
        lake.replace("review_queue", made, partition=published.recipe)
    return made
