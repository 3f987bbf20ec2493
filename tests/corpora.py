"""Small corpora for tests of what comes after a ledger: records, where they stand, and a pass over them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from pipelines.lake import Lake
from pipelines.states import Pass, State, last_pass, note_built
from schemas.families import FAMILIES
from schemas.tables import TABLES


@dataclass(frozen=True)
class Row:
    """A record and what the lake says of it. `own`: the family's columns; messages as (role, content) pairs.

    `fates`: the fate in each recipe's ledger, `kept` where it is left out.
    """

    id: str
    own: Mapping[str, Any]
    side: str | None = "train"
    bridge: bool = False
    pinned: bool = False
    fates: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return self.id.split("/")[0]

    @property
    def family(self) -> str:
        return self.id.split("/")[1]

    @property
    def content_hash(self) -> bytes:
        return hashlib.sha256(self.id.encode()).digest()[:16]


def messages(*turns: tuple[str, str]) -> list[dict[str, str | None]]:
    return [{"role": role, "content": content} | dict.fromkeys(_REST) for role, content in turns]


_REST = ("tool_calls", "tool_call_id", "name")


def instruction(id: str, question: str, answer: str, **lake: Any) -> Row:
    own = {"prompt": messages(("user", question)), "completion": messages(("assistant", answer))}
    return Row(f"{id.split('/')[0]}/instruction/{id.split('/')[1]}", own, **lake)


def lake_state(lake: Lake, rows: Iterable[Row]) -> State:
    """Write the records and their placements, as a ready state."""
    rows = list(rows)
    versions: dict[str, int] = {}
    for name, family in FAMILIES.items():
        for source in sorted({row.source for row in rows}):
            frame = _frame([_record(r) for r in rows if (r.family, r.source) == (name, source)], family.schema)
            if frame.height:
                versions[f"records_{name}"] = lake.replace(f"records_{name}", frame, partition=source)
    places = [
        {"content_hash": r.content_hash, "side": r.side, "bridge": r.bridge, "component": n} for n, r in enumerate(rows)
    ]
    last = lake.scan("states").select(pl.col("state").max()).collect().item() or 0
    opened = State(lake, last + 1, versions, "test", ready=False)
    placements = lake.replace("placements", _frame(places, TABLES["placements"].schema))
    return note_built(opened, {"placements": placements}, ready=True)


def published(state: State, rows: Iterable[Row], recipe: str = "default", recipe_hash: str = "h") -> Pass:
    """Publish the fates that the rows have in a recipe."""
    ledger = [
        dict.fromkeys(TABLES["ledger"].schema.names)
        | {
            "recipe": recipe,
            "id": row.id,
            "source": row.source,
            "family": row.family,
            "content_hash": row.content_hash,
            "side": row.side,
            "pinned": row.pinned,
            "fate": row.fates.get(recipe, "kept"),
            "marks": [],
        }
        for row in rows
    ]
    version = state.lake.replace("ledger", _frame(ledger, TABLES["ledger"].schema), partition=recipe)
    row = {
        "pass": (state.lake.scan("passes").select(pl.col("pass").max()).collect().item() or 0) + 1,
        "recipe": recipe,
        "recipe_hash": recipe_hash,
        "state": state.number,
        "versions": json.dumps({**state.versions, "ledger": version}),
        "at": datetime.now(UTC),
    }
    state.lake.append("passes", pl.DataFrame([row]))
    made = last_pass(state.lake, recipe)
    assert made is not None
    return made


def _record(row: Row) -> dict[str, Any]:
    shared = {
        "id": row.id,
        "source": row.source,
        "revision": "r",
        "origin": {"config": "default", "split": "train", "file": "f", "row": 0},
        "content_hash": row.content_hash,
        "prompt_hash": row.content_hash,
        "match_hash": row.content_hash,
        "license": "mit",
    }
    return dict.fromkeys(FAMILIES[row.family].schema.names) | shared | dict(row.own)


def _frame(rows: list[dict[str, Any]], schema: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=pl.DataFrame(pl.from_arrow(schema.empty_table())).schema)
