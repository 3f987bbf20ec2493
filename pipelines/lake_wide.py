"""The tables that are built from a whole lake state: pairs of near-equal records, ties, and where records stand."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines import dedup, sides
from pipelines.dedup.pairs import pairs
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.sources.source import pinned_side
from pipelines.states import State, note_built
from schemas.families import FAMILIES
from schemas.vocabulary import SIDES

_KEY = ("content_hash", "text_hash", "words", "keys")


def built_with(settings: LakeSettings) -> str:
    """Identity of what shapes the lake-wide tables: the settings, and the code of duplicates and sides."""
    digest = hashlib.sha256(settings.model_dump_json(exclude={"rejects_at_most"}).encode())
    for package in (dedup, sides):
        for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Signatures:
    """The signatures that a lake keeps by content: see `dedup.signed.Cache`."""

    lake: Lake

    def known(self, kind: str, code: str) -> pl.DataFrame:
        held = self.lake.scan("signatures").filter((pl.col("kind") == kind) & (pl.col("code") == code))
        return held.select(_KEY).collect()

    def add(self, kind: str, code: str, new: pl.DataFrame) -> None:
        rows = new.with_columns(kind=pl.lit(kind), code=pl.lit(code))
        staged = self.lake.stage("signatures", rows, partition=kind)
        # Those of other code are of no use any more.
        first = self.known(kind, code).is_empty()
        self.lake.commit("signatures", staged, replace=kind if first else None)


def build_pairs(state: State, settings: LakeSettings) -> tuple[State, dict[str, int]]:
    """Find the pairs of each family over the state; returns the state with them, and their numbers by family.

    A state that has them keeps them.
    """
    if f"pairs_{next(iter(FAMILIES))}" not in state.versions:
        built = {}
        for name, family in FAMILIES.items():
            found = pairs(state.scan(f"records_{name}"), family, settings.pair_floor, Signatures(state.lake))
            built[f"pairs_{name}"] = state.lake.replace(f"pairs_{name}", found.table)
            built[f"crowds_{name}"] = state.lake.replace(f"crowds_{name}", found.crowded)
        state = note_built(state, built, ready=False)
    return state, {name: int(state.scan(f"pairs_{name}").select(pl.len()).collect().item()) for name in FAMILIES}


@dataclass(frozen=True)
class Sided:
    """Where the content of a state stands. `records`: side -> records; `largest`: records of the largest component."""

    state: State
    records: dict[str, int]
    bridges: int
    largest: int


def build_sides(state: State, settings: LakeSettings) -> Sided:
    """Tie what belongs together and give each component a side; old rows keep theirs. Makes the state ready."""
    if not state.ready:
        lake = state.lake
        tied = sides.ties(state, settings.ties, Signatures(lake))
        placed = sides.place(_nodes(state), tied, _history(lake), settings.shares, state.number)
        built = {
            "ties": lake.replace("ties", tied),
            "placements": lake.replace("placements", placed.placements),
        }
        lake.append("sides", placed.newcomers)
        state = note_built(state, built, ready=True)
    return _sided(state)


def _nodes(state: State) -> pl.DataFrame:
    """Each content once, with the highest side that upstream pins it to: `content_hash`, `pinned`."""
    records = state.records("content_hash", "origin").select(
        "content_hash", split=pl.col("origin").struct.field("split")
    )
    splits = records.select(pl.col("split").unique()).collect()["split"]
    order = {split: SIDES.index(side) for split in splits if (side := pinned_side(split))}
    level = pl.col("split").replace_strict(order, default=None, return_dtype=pl.Int64)
    highest = records.group_by("content_hash").agg(level=level.max())
    named = pl.col("level").replace_strict(dict(enumerate(SIDES)), default=None, return_dtype=pl.String)
    return highest.select("content_hash", pinned=named).sort("content_hash").collect()


def _history(lake: Lake) -> pl.DataFrame:
    return lake.scan("sides").select("content_hash", "side").collect()


def _sided(state: State) -> Sided:
    where = state.scan("placements").collect()
    content = state.records("content_hash").select("content_hash").collect()
    located = content.join(where, on="content_hash", how="left")
    counts = located.group_by("side").len()
    sizes = located.group_by("component").len()
    return Sided(
        state=state,
        records={side: int(counts.filter(pl.col("side") == side)["len"].sum()) for side in SIDES},
        bridges=int(located["bridge"].sum()),
        largest=int(sizes["len"].max() or 0),  # type: ignore[arg-type]
    )
