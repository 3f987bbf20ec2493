"""Records made by hand, and their signals."""

from collections.abc import Callable
from typing import Any

import hypothesis
import polars as pl
import pytest

from pipelines.quality.signals import signals
from schemas.families import FAMILIES

# The first call of a kernel compiles it.
hypothesis.settings.register_profile("compiled", deadline=None)
hypothesis.settings.load_profile("compiled")

Turns = list[tuple[str, str]]


def _messages(turns: Turns) -> list[dict[str, Any]]:
    return [{"role": r, "content": c, "tool_calls": None, "tool_call_id": None, "name": None} for r, c in turns]


def records(family: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a family: a part that is a string becomes one message (of the user in the prompt)."""
    schema = pl.DataFrame(pl.from_arrow(FAMILIES[family].schema.empty_table())).schema
    defaults: dict[str, Any] = {"source": "here", "content_hash": b"h", "prompt": "Why?", "verifier": "math"}
    made = []
    for number, row in enumerate(rows):
        full = dict.fromkeys(schema) | {k: v for k, v in defaults.items() if k in schema} | {"id": str(number)} | row
        for part in ("prompt", "completion", "chosen", "rejected"):
            if part in schema:
                said = full[part] if full[part] is not None else "Because."
                role = "user" if part == "prompt" else "assistant"
                full[part] = _messages(said if isinstance(said, list) else [(role, said)])
        made.append(full)
    return pl.DataFrame(made, schema=schema)


@pytest.fixture(scope="session")
def measure() -> Callable[..., list[Any]]:
    """`measure(family, column, rows)`: the values of one column of signals."""

    def measured(family: str, column: str, rows: list[dict[str, Any]]) -> list[Any]:
        values: list[Any] = signals(records(family, rows), FAMILIES[family])[column].to_list()
        return values

    return measured


@pytest.fixture(scope="session")
def make() -> Callable[[str, list[dict[str, Any]]], pl.DataFrame]:
    """`make(family, rows)`: records of a family."""
    return records
