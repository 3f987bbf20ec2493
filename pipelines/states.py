"""Lake states and passes: the versions of tables that belong together, and what each recipe has published.

Tables are many and are refreshed one by one, so nobody reads "the last version": a state names a version of each
per-source table and of the benchmarks, and, once it is ready, of each lake-wide table built from them. A pass
publishes one recipe's ledger over one state; what no pass names is invisible.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from pipelines.accounting import accounting
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.locks import Tell
from pipelines.transactions import Change, commit, committing
from pipelines.workspace import Workspace
from schemas.families import FAMILIES
from schemas.tables import PER_SOURCE, SHARED, TABLES

_SAID: Final = {"recipe_hash": pl.String, "said": pl.String}


@dataclass(frozen=True)
class State:
    """One lake state. `scan` reads a table as the state has it."""

    lake: Lake
    number: int
    versions: Mapping[str, int]
    built_with: str
    ready: bool

    def scan(self, table: str) -> pl.LazyFrame:
        return self.lake.scan(table, self.versions.get(table), absent=table not in self.versions)

    def signals(self, family: str) -> pl.LazyFrame:
        """The signals of a family's records: those that were computed, and each score from outside as one more column.

        A record without a score has null there. No columns but those of the table's schema where nothing is computed.
        """
        table = self.scan(f"signals_{family}")
        if set(table.collect_schema().names()) == set(TABLES[f"signals_{family}"].schema.names):
            return table
        for name, key in self.scores().items():
            values = self.scan("scores").filter(pl.col("name") == name).select(key, pl.col("value").alias(name))
            table = table.join(values, on=key, how="left", maintain_order="left")
        return table

    def scores(self) -> dict[str, str]:
        """The scores from outside that the state has, by name, and what each is keyed by: `id` or `content_hash`."""
        keyed = pl.when(pl.col("id").is_null().all()).then(pl.lit("content_hash")).otherwise(pl.lit("id"))
        return dict(self.scan("scores").group_by("name").agg(key=keyed).sort("name").collect().rows())

    def records(self, *columns: str) -> pl.LazyFrame:
        """Columns that every family has, of all records, with `family` beside them."""
        return pl.concat([self.scan(f"records_{name}").select(*columns, family=pl.lit(name)) for name in FAMILIES])


@dataclass(frozen=True)
class Pass:
    """One publication of a recipe's ledger."""

    lake: Lake
    number: int
    recipe: str
    recipe_hash: str
    state: State
    versions: Mapping[str, int]
    at: datetime

    def ledger(self) -> pl.LazyFrame:
        """The recipe's ledger as this pass published it."""
        return self.lake.scan("ledger", self.versions["ledger"]).filter(pl.col("recipe") == self.recipe)


def open_state(workspace: Workspace, lake: Lake, built_with: str, tell: Tell | None = None) -> State:
    """The lake as it is now, as a state: the last one if nothing was committed since.

    `built_with` is the identity of what its lake-wide tables are built by. TamisError names the source whose tables
    do not hold what was counted while reading; then no state is opened.
    """
    with committing(lake, tell):
        versions = lake.versions(t.name for t in PER_SOURCE)
        if not versions:
            raise TamisError(
                "no source has been read yet",
                where=str(workspace.path),
                cure="Materialise `records` of a source first.",
            )
        versions |= lake.versions(t.name for t in SHARED)
        last = last_state(lake)
        if last is not None and last.built_with == built_with and _opened_with(last) == versions:
            _check_accounts(last)
            return last
        state = State(lake, _next(lake, "state", "states", "sides"), versions, built_with, ready=False)
        _check_accounts(state)
        _append(state)
        return state


def note_built(state: State, built: Mapping[str, int], *, ready: bool) -> State:
    """Note that lake-wide tables of the state are built, at these versions; `ready`: all of them are."""
    noted = State(state.lake, state.number, {**state.versions, **built}, state.built_with, ready)
    _append(noted)
    return noted


def last_state(lake: Lake, *, ready: bool = False) -> State | None:
    """The last state (the last ready one); None if there is none."""
    states = lake.scan("states").sort("state", "ready", "at")
    if ready:
        states = states.filter("ready")
    found = states.tail(1).collect()
    return _state(lake, found.row(0, named=True)) if found.height else None


def ready_state(lake: Lake) -> State:
    """The last ready state. TamisError if there is none."""
    found = last_state(lake, ready=True)
    if found is None:
        raise TamisError("no lake state is ready", cure="Materialise `state`, `pairs` and `sides` first.")
    return found


def unpublished(lake: Lake) -> State:
    """The per-source tables as they were committed last, whether or not a state names them; its number is 0."""
    return State(lake, 0, lake.versions(t.name for t in PER_SOURCE), "", ready=False)


def publish(
    state: State,
    recipe: str,
    recipe_hash: str,
    versions: Mapping[str, int],
    moved: pl.DataFrame,
    said: str | None = None,
) -> Pass:
    """Append the row that makes a ledger visible, and with it, all or nothing, the fates that `moved`.

    `moved` has the columns of the table `fates` but for `pass`. `said`: the parsed recipe as JSON, which is kept once
    for all passes that were made by it; None where it is not known.
    """
    lake = state.lake
    with committing(lake):
        number, at = _next(lake, "pass", "passes", "fates"), datetime.now(UTC)
        row = {
            "pass": number,
            "recipe": recipe,
            "recipe_hash": recipe_hash,
            "state": state.number,
            "versions": json.dumps(dict(versions), sort_keys=True),
            "at": at,
        }
        fates = moved.with_columns(pl.lit(number, dtype=pl.Int64).alias("pass"))
        held = lake.scan("recipes").filter(pl.col("recipe_hash") == recipe_hash).select(pl.len()).collect().item()
        texts = pl.DataFrame({"recipe_hash": [recipe_hash], "said": [said]}, schema=_SAID)
        kept = texts.clear() if held or said is None else texts
        frames = {"fates": fates, "recipes": kept, "passes": pl.DataFrame([row])}
        commit(
            lake,
            f"the pass of {recipe}",
            [Change(table, tuple(lake.stage(table, frame)), None, None) for table, frame in frames.items()],
        )
    return Pass(lake, number, recipe, recipe_hash, state, dict(versions), at)


def passes(lake: Lake) -> pl.DataFrame:
    """Every pass, the last one first."""
    return lake.scan("passes").sort("pass", descending=True).collect()


def last_pass(lake: Lake, recipe: str, number: int | None = None) -> Pass | None:
    """The recipe's last pass (or pass `number`); None if it has none."""
    found = passes(lake).filter(pl.col("recipe") == recipe)
    if number is not None:
        found = found.filter(pl.col("pass") == number)
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    state = lake.scan("states").filter((pl.col("state") == row["state"]) & pl.col("ready")).sort("at").tail(1).collect()
    return Pass(
        lake=lake,
        number=row["pass"],
        recipe=recipe,
        recipe_hash=row["recipe_hash"],
        state=_state(lake, state.row(0, named=True)),
        versions=json.loads(row["versions"]),
        at=row["at"],
    )


def _next(lake: Lake, column: str, *tables: str) -> int:
    """The number after the highest that any of the tables has: lasting ones outlive those that can be rebuilt.

    The caller holds the lock of commits, so that nobody else takes it.
    """
    highest = (lake.scan(table).select(pl.col(column).max()).collect().item() for table in tables)
    return 1 + max(int(number or 0) for number in highest)


def _opened_with(state: State) -> dict[str, int]:
    names = {t.name for t in (*PER_SOURCE, *SHARED)}
    return {table: version for table, version in state.versions.items() if table in names}


def _state(lake: Lake, row: Mapping[str, object]) -> State:
    versions = json.loads(str(row["versions"]))
    return State(lake, int(str(row["state"])), versions, str(row["built_with"]), bool(row["ready"]))


def _append(state: State) -> None:
    row = {
        "state": state.number,
        "ready": state.ready,
        "versions": json.dumps(dict(state.versions), sort_keys=True),
        "built_with": state.built_with,
        "at": datetime.now(UTC),
    }
    state.lake.append("states", pl.DataFrame([row]))


def _check_accounts(state: State) -> None:
    """The gate of a state: for every source and file, the tables hold what was counted while reading."""
    files = state.scan("files").collect()
    held = state.records("source", "origin").unnest("origin")
    rejects = state.scan("rejects").filter(pl.col("family").is_null())
    for source in sorted(files["source"].unique()):
        mine = pl.col("source") == source
        wrong = accounting(files.filter(mine), held.filter(mine), rejects.filter(mine))
        if wrong:
            raise TamisError(
                wrong,
                where=source,
                cure="Its tables were changed behind the lake's back: materialise `records` of this source, which "
                "reads it anew.",
            )
