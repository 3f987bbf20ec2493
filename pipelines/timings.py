"""How long the steps of past runs took in a workspace: what the minutes of a plan are estimated from."""

import json
import os
from typing import Final

import polars as pl

from pipelines.workspace import Workspace

_SCHEMA: Final = {"step": pl.String, "of": pl.String, "seconds": pl.Float64, "amount": pl.Int64}
_LAST: Final = 5
"""Notes of a step that count; older ones were made by other code, or on another machine."""


def note(workspace: Workspace, step: str, of: str, seconds: float, amount: int) -> None:
    """Note how long a step of a source, recipe or training run took.

    `amount`: what its time grows with. Of `refresh` the upstream bytes that were read, of `curate` those of the whole
    lake, of `train` the tokens that carry loss.
    """
    line = json.dumps({"step": step, "of": of, "seconds": round(seconds, 3), "amount": amount}) + "\n"
    descriptor = os.open(workspace.timings, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def noted(workspace: Workspace) -> pl.DataFrame:
    """The last notes of each step of each source, recipe or run: `step`, `of`, `seconds`, `amount`, oldest first."""
    if not workspace.timings.exists():
        return pl.DataFrame(schema=_SCHEMA)
    line = pl.col("line").str
    notes = (
        pl.DataFrame({"line": workspace.timings.read_text(encoding="utf-8").splitlines()})
        .filter(line.json_path_match("$").is_not_null())  # a note that a full disk cut short
        .select(said=line.json_decode(pl.Struct(_SCHEMA)))
        .unnest("said")
    )
    return notes.group_by("step", "of", maintain_order=True).tail(_LAST)


def estimate(notes: pl.DataFrame, step: str, of: str, amount: int) -> float | None:
    """Seconds that a step would take now; None where it never ran here, for nothing else can be said honestly.

    In proportion to the amount, as the same source, recipe or run took on average; where that is new, as the others
    did. A step with nothing to do takes what such a step took.
    """
    ran = notes.filter((pl.col("step") == step) & ((pl.col("amount") > 0) == (amount > 0)))
    mine = ran.filter(pl.col("of") == of)
    used = mine if mine.height else ran
    if used.is_empty():
        return 0.0 if amount == 0 else None
    if amount == 0:
        return float(used["seconds"].sum()) / used.height
    return amount * float(used["seconds"].sum()) / float(used["amount"].sum())
