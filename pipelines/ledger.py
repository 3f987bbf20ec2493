"""The ledger: every record's one fate in a recipe, with the reason, and the gates before it is published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines import sides
from pipelines.decontaminate.dropping import dropping
from pipelines.dedup.golds import group_key, node
from pipelines.dedup.survivors import Crowd, survivors
from pipelines.errors import TamisError
from pipelines.fates import evidence, first_of, grounds
from pipelines.lake import Lake
from pipelines.parts import compared
from pipelines.recipe import Recipe
from pipelines.review.effect import NOTHING, Effect, effect, read_by
from pipelines.review.lineage import lineage
from pipelines.sources.source import Source, pinned_side
from pipelines.states import Pass, State, last_pass, publish
from pipelines.tombstones import forgotten_since
from schemas.families import FAMILIES, Family
from schemas.tables import TABLES
from schemas.vocabulary import FATES

_SCHEMA: Final = pl.DataFrame(pl.from_arrow(TABLES["ledger"].schema.empty_table())).schema

NOT_COMPARED: Final = "not compared further"
"""The mark of a record that is kept although it has more alike than it was compared with."""


@dataclass(frozen=True)
class Published:
    """A recipe's ledger after its gates. `changed` is false where the last pass already says the same."""

    published: Pass
    ledger: pl.DataFrame
    changed: bool


def ledger(
    state: State, name: str, recipe: Recipe, known_sources: Mapping[str, Source], said: Effect = NOTHING
) -> pl.DataFrame:
    """One row a record of the state, in the schema of the table `ledger`, sorted by id. `said`: by people."""
    frames = [_of_family(state, name, recipe, known_sources, said, family) for family in FAMILIES.values()]
    return pl.concat(frames).sort("id")


def publish_ledger(state: State, name: str, recipe: Recipe, known_sources: Mapping[str, Source]) -> Published:
    """Make the recipe's ledger, check its gates, and publish it as a pass.

    It reads the verdicts as they are now, and the pass names their version. Where the recipe's last pass says the same
    of the same state and verdicts, that pass stands. TamisError where a gate fails; then nothing was committed.
    """
    heard = state.lake.versions(["verdicts"]) if recipe.review.verdicts else {}
    said = effect(state.lake.scan("verdicts", heard["verdicts"]).collect()) if heard else NOTHING
    made = ledger(state, name, recipe, known_sources, said)
    check(state, name, recipe, made, said)
    before = last_pass(state.lake, name)
    same = before is not None and before.versions.get("verdicts") == heard.get("verdicts")
    if same and before is not None and before.state.number == state.number and before.recipe_hash == recipe.hash:
        old = before.ledger().sort("id").collect()
        if old.equals(made) and not forgotten_since(before):
            return Published(before, made, changed=False)
    version = state.lake.replace("ledger", made, partition=name)
    moved = _moves(state.lake, made, name)
    versions = {**state.versions, **heard, "ledger": version, **state.lake.versions(["tombstones"])}
    published = publish(state, name, recipe.hash, versions, moved, recipe.model_dump_json())
    return Published(published, made, changed=True)


def check(state: State, name: str, recipe: Recipe, made: pl.DataFrame, said: Effect = NOTHING) -> None:
    """The gates of a ledger. TamisError names the first that does not hold."""
    for wrong in gates(state, recipe, made, said).values():
        if wrong is not None:
            raise TamisError(wrong, where=f"recipe {name}", cure="Nothing was published; the last pass stands.")


def gates(state: State, recipe: Recipe, made: pl.DataFrame, said: Effect = NOTHING) -> dict[str, str | None]:
    """Each gate of a ledger and what is wrong, None where it holds.

    `one_fate_each`: the records counted while reading, by source and family, are those that have one fate of the
    closed list. `survivors_are_kept`: each survivor named is. `no_tie_crosses`: among the rows that are kept.
    `no_item_is_kept`: no row that is kept repeats an item of a benchmark by a rule that the recipe drops by, but where
    a person who was shown the item keeps it. `replaced_live_on`: each record that is replaced has a correction that is
    dropped on no ground but as a duplicate, or as itself corrected.
    """
    return {
        "one_fate_each": _unfated(state, made),
        "survivors_are_kept": _lost_survivor(made),
        "no_tie_crosses": _crossing(state, made),
        "no_item_is_kept": _contaminated(state, recipe, made, said),
        "replaced_live_on": _unreplaced(state, made),
    }


def verified(published: Pass, recipe: Recipe) -> dict[str, str | None]:
    """The gates, looked at again on what was committed."""
    return gates(published.state, recipe, published.ledger().collect(), read_by(published, recipe))


def _unfated(state: State, made: pl.DataFrame) -> str | None:
    counted = state.scan("files").select("source", "records").unnest("records").group_by("source").sum().collect()
    by_family = counted.unpivot(index="source", variable_name="family", value_name="records")
    fated = made.group_by("source", "family").agg(fated=pl.len().cast(pl.Int64), ids=pl.col("id").n_unique())
    both = by_family.join(fated, on=["source", "family"], how="full", coalesce=True).fill_null(0)
    wrong = both.filter((pl.col("records") != pl.col("fated")) | (pl.col("ids") != pl.col("fated")))
    if wrong.height:
        row = wrong.sort("source", "family").row(0, named=True)
        return f"{row['source']}: {row['records']:,} records of {row['family']} were read, {row['fated']:,} have a fate"
    unknown = made.filter(~pl.col("fate").is_in(FATES))
    return f"{unknown['fate'][0]!r} is no fate" if unknown.height else None


def _lost_survivor(made: pl.DataFrame) -> str | None:
    kept = made.filter(pl.col("fate") == "kept")
    named = made.filter(pl.col("survivor").is_not_null() & (pl.col("fate") != "replaced"))
    lost = named.join(kept, left_on="survivor", right_on="id", how="anti")
    return f"{lost['id'][0]} is the duplicate of {lost['survivor'][0]}, which is not kept" if lost.height else None


def _crossing(state: State, made: pl.DataFrame) -> str | None:
    kept = made.filter(pl.col("fate") == "kept").select("content_hash")
    crossing = sides.crossing(state.scan("ties").collect(), state.scan("placements").collect(), kept)
    return f"{crossing.height} ties cross sides, the first by {crossing['kind'][0]}" if crossing.height else None


_LIVING: Final = ("kept", "exact duplicate", "near-duplicate", "replaced")


def _unreplaced(state: State, made: pl.DataFrame) -> str | None:
    gone = made.filter(pl.col("fate") == "replaced")
    if gone.is_empty():
        return None
    written = pl.concat([lineage(state, family) for family in FAMILIES.values()]).collect()
    living = made.filter(pl.col("fate").is_in(_LIVING)).join(written, on="id")
    lost = gone.join(living, left_on=["id", "survivor"], right_on=["parent", "id"], how="anti")
    return f"{lost['id'][0]} is replaced by {lost['survivor'][0]}, which does not live on" if lost.height else None


def _contaminated(state: State, recipe: Recipe, made: pl.DataFrame, said: Effect) -> str | None:
    kept = made.lazy().filter(pl.col("fate") == "kept").select("id", "content_hash")
    leaks = dropping(state.scan("contamination"), recipe.contamination)
    uncleared = leaks.join(said.items.lazy(), on=["content_hash", "benchmark", "item"], how="anti")
    found = uncleared.join(kept, on="content_hash", how="inner").sort("id").head(1).collect()
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return f"{row['id']} is kept, and repeats {row['item']} of {row['benchmark']} by the rule {row['rule']}"


def _of_family(
    state: State, name: str, recipe: Recipe, known_sources: Mapping[str, Source], said: Effect, family: Family
) -> pl.DataFrame:
    rows = _with_fates_before_duplicates(state, recipe, known_sources, said, family)
    alive = rows.filter(pl.col("fate").is_null()).select(
        "id", "match_hash", "gold", "args", "node", group=group_key(), rank=_rank(recipe)
    )
    crowded = state.scan(f"crowds_{family.name}").collect()
    chosen = survivors(
        alive,
        state.scan(f"pairs_{family.name}").collect(),
        recipe.duplicates.near,
        exact=recipe.duplicates.exact,
        crowd=Crowd(crowded, state.scan(f"records_{family.name}"), compared(family)),
        apart=_apart(rows, said),
    )
    capped = pl.col("id").is_in(chosen.not_compared_further.implode())
    decided = rows.join(
        chosen.removed.rename({"fate": "duplicate"}), on="id", how="left", maintain_order="left"
    ).with_columns(marks=pl.when(capped).then(pl.col("marks").list.concat(pl.lit([NOT_COMPARED]))).otherwise("marks"))
    return decided.with_columns(
        recipe=pl.lit(name),
        family=pl.lit(family.name),
        fate=pl.coalesce("fate", "duplicate", pl.lit("kept")),
        survivor=pl.when(pl.col("fate") == "replaced").then("correction").otherwise("survivor"),
    ).select(pl.col(column).cast(dtype) for column, dtype in _SCHEMA.items())


def _with_fates_before_duplicates(
    state: State, recipe: Recipe, known_sources: Mapping[str, Source], said: Effect, family: Family
) -> pl.DataFrame:
    """Records of a family with the fates that need no other record; null where none applies so far."""
    found = evidence(state, recipe, family, known_sources, said=said)
    decided = first_of(grounds(recipe, known_sources))
    return (
        found.with_columns(decided=decided, node=node(), pinned=_is_pinned(found["split"]))
        .drop("value", "threshold")
        .unnest("decided")
    )


def _apart(rows: pl.DataFrame, said: Effect) -> pl.DataFrame:
    """The nodes (`left`, `right`) of contents that people set apart."""
    nodes = rows.select("content_hash", "node").unique()
    one = said.apart.join(nodes, on="content_hash").rename({"node": "left"})
    return one.join(nodes, left_on="other", right_on="content_hash").select("left", right="node")


def _is_pinned(splits: pl.Series) -> pl.Series:
    pinned = [split for split in splits.unique() if pinned_side(split)]
    return splits.is_in(pinned)


def _rank(recipe: Recipe) -> pl.Expr:
    """Order of survival: kept by people, a verified answer, the recipe's order of sources, a stated licence, a gold
    answer, the id. A correction has the place of the source of what it corrects.

    Best first. A refuted answer comes after one of which nothing is known.
    """
    priority = pl.col("of_source").replace_strict({s: n for n, s in enumerate(recipe.sources)}, return_dtype=pl.Int64)
    answer = pl.col("outcome").replace_strict({"verified": 0, "refuted": 2}, default=1, return_dtype=pl.Int64)
    kept = pl.col("confirmed")
    order = pl.struct(~kept, answer, priority, pl.col("license").is_null(), pl.col("gold").is_null(), pl.col("id"))
    return order.rank("ordinal").cast(pl.Int64) - 1


def _moves(lake: Lake, made: pl.DataFrame, name: str) -> pl.DataFrame:
    """Records whose fate is not the last that the recipe's history gives them."""
    key = ["id", "content_hash"]
    history = lake.scan("fates").filter(pl.col("recipe") == name).sort("pass")
    old = history.group_by(key).agg(pl.col("to").last().alias("from")).collect()
    both = old.join(made.select(*key, pl.col("fate").alias("to")), on=key, how="full", coalesce=True)
    moved = both.filter(pl.col("from").ne_missing(pl.col("to"))).sort(key)
    return moved.with_columns(pl.lit(name).alias("recipe"))


def funnel(made: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Records by source, family, fate and reason: columns `source`, `family`, `fate`, `reason`, `records`."""
    return (
        made.lazy()
        .group_by("source", "family", "fate", "reason")
        .agg(records=pl.len().cast(pl.Int64))
        .sort("source", "family", "records", "fate", "reason", descending=[False, False, True, False, False])
        .collect()
    )


def last_published(lake: Lake, recipe: str) -> Pass:
    """The recipe's last pass. TamisError if it has none."""
    found = last_pass(lake, recipe)
    if found is None:
        raise TamisError("has no pass yet", where=f"recipe {recipe}", cure="Materialise its `ledger` first.")
    return found
