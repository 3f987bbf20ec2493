"""Small lakes for tests: tables of one family written as a source's run and a lake state write them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from pipelines.identity import with_hashes
from pipelines.lake import Lake
from pipelines.sources.source import Source
from pipelines.states import State, last_state, note_built, passes
from schemas.families import FAMILIES
from schemas.tables import PER_SOURCE, TABLES

INSTRUCTION = FAMILIES["instruction"]
FILE = "data/train.jsonl"


def known(*names: str) -> dict[str, Source]:
    """Sources of these names that nobody but people wrote."""
    return {name: Source(repo=f"o/{name}", license=None, reads=(), made_with=()) for name in names}


def empty(table: str) -> pl.DataFrame:
    frame = pl.from_arrow(TABLES[table].schema.empty_table())
    assert isinstance(frame, pl.DataFrame)
    return frame


def instructions(
    source: str, pairs: Sequence[tuple[str, str]], *, license: str | None = "mit", first: int = 0, split: str = "train"
) -> pl.DataFrame:
    """Records of the family instruction, one a pair of question and answer, from rows `first` on of one file."""
    types = pl.DataFrame(pl.from_arrow(INSTRUCTION.schema.empty_table())).schema
    message = types["prompt"]

    def turn(role: str, name: str) -> pl.Expr:
        nothing = pl.lit(None, dtype=pl.String)
        said = pl.struct(role=pl.lit(role), content=name, tool_calls=nothing, tool_call_id=nothing, name=nothing)
        return pl.concat_list(said).cast(message)

    rows = pl.DataFrame(pairs, schema={"asked": pl.String, "said": pl.String}, orient="row").with_row_index(
        "row", first
    )
    parts = rows.with_columns(
        pl.col("row").cast(pl.Int64),
        prompt=turn("user", "asked"),
        completion=turn("assistant", "said"),
        tools=pl.lit(None, dtype=pl.String),
    )
    shared: dict[str, Any] = {
        "id": pl.format("{}/instruction/default.{}.0.{}", pl.lit(source), pl.lit(split), "row"),
        "source": pl.lit(source),
        "revision": pl.lit("c0ffee" + 34 * "0"),
        "origin": pl.struct(config=pl.lit("default"), split=pl.lit(split), file=pl.lit(FILE), row="row"),
        "license": pl.lit(license, dtype=pl.String),
        **{name: pl.lit(None, dtype=pl.String) for name in ("group", "language", "template_kwargs", "meta")},
    }
    return (
        with_hashes(parts, INSTRUCTION)
        .with_columns(**shared)
        .select(pl.col(name).cast(dtype) for name, dtype in types.items())
    )


def reject(source: str, row: int, reason: str, excerpt: str, *, selected: bool = True) -> pl.DataFrame:
    values = {"source": source, "file": FILE, "row": row, "family": None, "selected": selected, "reason": reason}
    return empty("rejects").vstack(pl.DataFrame([values | {"excerpt": excerpt}], schema=empty("rejects").schema))


@dataclass
class Lakes:
    """Writes a lake step by step; `source` and `state` each make new versions of the tables."""

    lake: Lake

    def source(self, name: str, records: pl.DataFrame, rejects: pl.DataFrame | None = None, **signals: Any) -> None:
        """What a run of a source commits. `signals`: columns, a value a record."""
        left_out = empty("rejects") if rejects is None else rejects
        measured = records.select("id", "source", "content_hash", code=pl.lit("test")).with_columns(
            **{column: pl.Series(values) for column, values in signals.items()}
        )
        counts = {
            "rows": records.height + left_out.height,
            "yielding": records.height,
            "rejected": int(left_out["selected"].sum()),
            "not_selected": int((~left_out["selected"]).sum()),
            "records": dict.fromkeys(FAMILIES, 0) | {"instruction": records.height},
        }
        file = {
            "source": name,
            "file": FILE,
            "position": 0,
            "number": 0,
            "config": "default",
            "split": "train",
            "repo": f"org/{name}",
            "revision": "c0ffee" + 34 * "0",
            "etag": "e",
            "reader": "r",
            "limit": None,
            **counts,
            "bytes": 1000,
            "license": "mit",
        }
        self.lake.replace("records_instruction", records, partition=name)
        self.lake.replace("signals_instruction", measured, partition=name)
        self.lake.replace("rejects", left_out, partition=name)
        self.lake.replace("files", pl.DataFrame([file], schema=empty("files").schema), partition=name)

    def state(self, pairs: pl.DataFrame | None = None, side: str = "train", bridges: Sequence[bytes] = ()) -> State:
        """A ready state over what was written, every record on one side."""
        before = last_state(self.lake)
        number = before.number + 1 if before else 1
        opened = State(self.lake, number, self.lake.versions(t.name for t in PER_SOURCE), "test", ready=False)
        content = opened.records("content_hash").select("content_hash").unique().collect()
        placements = content.with_row_index("component").with_columns(
            pl.col("component").cast(pl.Int64), side=pl.lit(side), bridge=pl.col("content_hash").is_in(list(bridges))
        )
        built = {
            "pairs_instruction": self.lake.replace(
                "pairs_instruction", empty("pairs_instruction") if pairs is None else pairs
            ),
            "placements": self.lake.replace("placements", placements),
            "ties": self.lake.replace("ties", empty("ties")),
        }
        return note_built(opened, built, ready=True)

    def published(self, state: State, recipe: str, recipe_hash: str, fates: pl.DataFrame) -> None:
        """A pass with a ledger written by hand. `fates`: `id` and what differs from `kept`."""
        columns = empty("ledger").schema
        records = state.records("id", "source", "content_hash").collect()
        told = records.join(fates, on="id", how="left").with_columns(
            recipe=pl.lit(recipe),
            side=pl.lit("train"),
            pinned=pl.lit(value=False),
            fate=pl.col("fate").fill_null("kept"),
        )
        given = told.with_columns(
            pl.lit(None, dtype=dtype).alias(name) for name, dtype in columns.items() if name not in told.columns
        ).with_columns(pl.col("marks").fill_null([]))
        version = self.lake.replace("ledger", given.select(columns.names()).sort("id"), partition=recipe)
        versions = json.dumps({**state.versions, "ledger": version})
        row = {
            "pass": passes(self.lake).height + 1,
            "recipe": recipe,
            "recipe_hash": recipe_hash,
            "state": state.number,
        }
        self.lake.append("passes", pl.DataFrame([row | {"versions": versions, "at": datetime.now(UTC)}]))


def pair(left: bytes, right: bytes, similarity: float, kind: str = "near-duplicate") -> dict[str, object]:
    low, high = sorted((left, right))
    return {"left": low, "right": high, "similarity": similarity, "kind": kind}
