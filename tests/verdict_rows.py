"""Rows of the table `verdicts` for tests, as a pull or an import makes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pipelines.review.verdicts import SCHEMA

START = datetime(2026, 11, 1, 9, tzinfo=UTC)


def verdict(content: bytes, decision: str | None, *, user: str = "ana", minute: int = 0, **more: Any) -> dict[str, Any]:
    """One submitted answer; `more`: what differs."""
    return {
        "response": f"{content.hex()}/{user}",
        "at": START + timedelta(minutes=minute),
        "user": user,
        "status": "submitted",
        "content_hash": content,
        "family": "instruction",
        "recipe": "default",
        "form": "test",
        "ground": "near a threshold",
        "weight": None,
        "fate": "rule",
        "rules": [],
        "shown": [],
        "decision": decision,
        "reasons": [],
        "rating": None,
        "preferred": None,
        "correction": None,
        "seconds": None,
        **more,
    }


def verdicts(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA)
