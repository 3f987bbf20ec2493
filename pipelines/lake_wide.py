"""The tables that are built from a whole lake state: pairs of near-equal records, what repeats benchmarks, ties, and
where records stand."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines import decontaminate, dedup, kernels, sides
from pipelines.benchmarks.held import indexable
from pipelines.decontaminate import index as indexing
from pipelines.decontaminate.records import contamination
from pipelines.decontaminate.rules import invisible
from pipelines.dedup.pairs import pairs
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.sources.source import pinned_side
from pipelines.states import State, last_state, note_built
from schemas.families import FAMILIES
from schemas.tables import LAKE_WIDE
from schemas.vocabulary import SIDES

_KEY = ("content_hash", "text_hash", "words", "keys")


def built_with(settings: LakeSettings) -> str:
    """Identity of what shapes the lake-wide tables: settings, and the code of duplicates, contamination, sides."""
    aside = {"rejects_at_most", "scores", "sources", "tokenizer"}
    digest = hashlib.sha256(settings.model_dump_json(exclude=aside).encode())
    for package in (dedup, decontaminate, kernels, sides):
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
class Compared:
    """What a state's records share with benchmarks. `records`: contents hit, by rule; `unseen`: as of `invisible`."""

    state: State
    records: dict[str, int]
    unseen: pl.DataFrame


def build_contamination(state: State) -> Compared:
    """Compare every record with the items that the state names; content that the last state compared is not again.

    A state that has the table keeps it.
    """
    items = indexable(state.scan("benchmarks"))
    if "contamination" not in state.versions:
        before = last_state(state.lake, ready=True)
        known = before is not None and _compared_alike(before, state)
        old = before if known else None
        found = _contamination(state, items, old)
        state = note_built(state, {"contamination": state.lake.replace("contamination", found)}, ready=False)
    hit = state.scan("contamination").group_by("rule").agg(pl.col("content_hash").n_unique()).collect()
    return Compared(state, dict(hit.sort("rule").iter_rows()), invisible(items))


def _compared_alike(before: State, state: State) -> bool:
    versions = [one.versions.get("benchmarks") for one in (before, state)]
    return before.built_with == state.built_with and versions[0] == versions[1] and "contamination" in before.versions


def _contamination(state: State, items: pl.DataFrame, before: State | None) -> pl.DataFrame:
    now = state.records("content_hash").select("content_hash")
    kept = State(state.lake, 0, {}, "", ready=False).scan("contamination").collect()
    compared = kept.lazy().select("content_hash")
    if before is not None:
        kept = before.scan("contamination").join(now, on="content_hash", how="semi").collect()
        compared = before.records("content_hash").select("content_hash")
    index = indexing.index(items)
    fresh = [
        contamination(state.scan(f"records_{name}").join(compared, on="content_hash", how="anti"), family, index)
        for name, family in FAMILIES.items()
    ]
    return pl.concat([kept, *fresh]).sort("content_hash", "benchmark", "item", "rule")


@dataclass(frozen=True)
class Sided:
    """Where the content of a state stands. `records`: side -> records; `largest`: records of the largest component."""

    state: State
    records: dict[str, int]
    bridges: int
    largest: int


def build_sides(state: State, settings: LakeSettings) -> Sided:
    """Tie what belongs together and give each component a side; old rows keep theirs. Makes the state ready.

    TamisError where the state's other tables are not built yet.
    """
    if not state.ready:
        _check_built(state)
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


def _check_built(state: State) -> None:
    missing = [t.name for t in LAKE_WIDE if t.name not in {*state.versions, "ties", "placements"}]
    if missing:
        cure = f"Materialise `{missing[0].split('_')[0]}` first."
        raise TamisError(f"the table {missing[0]} is not built", where=f"lake state {state.number}", cure=cure)


def _nodes(state: State) -> pl.DataFrame:
    """Each content once: `content_hash`, `pinned` (the highest side that upstream pins it to), and `stratum`.

    A stratum is a source and family; of several it is the one that has the fewest records.
    """
    records = pl.concat(
        state.scan(f"records_{name}").select(
            "content_hash", split=pl.col("origin").struct.field("split"), stratum=pl.format("{}/" + name, "source")
        )
        for name in FAMILIES
    )
    splits = records.select(pl.col("split").unique()).collect()["split"]
    order = {split: SIDES.index(side) for split in splits if (side := pinned_side(split))}
    level = pl.col("split").replace_strict(order, default=None, return_dtype=pl.Int64)
    sizes = records.group_by("stratum").len()
    stratum = pl.col("stratum").sort_by("len", "stratum").first()
    highest = records.join(sizes, on="stratum").group_by("content_hash").agg(stratum, level=level.max())
    named = pl.col("level").replace_strict(dict(enumerate(SIDES)), default=None, return_dtype=pl.String)
    return highest.select("content_hash", "stratum", pinned=named).sort("content_hash").collect()


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
