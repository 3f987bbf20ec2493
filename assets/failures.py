"""Errors that a user can act on, as Dagster shows them: without a stack trace."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

import dagster as dg

from pipelines.errors import TamisError
from pipelines.hub import Unreachable

WATCHED: Final = {"tamis/watched": "true"}
"""Tag of a run that somebody waits for: told at once what fails, instead of after the step's retries."""


@contextlib.contextmanager
def told(*, retry: bool = False) -> Iterator[None]:
    """Turn a TamisError into a failure of the step. `retry`: whether the step's retry policy applies to a Hub that
    cannot be reached; no other error passes by itself."""
    try:
        yield
    except TamisError as error:
        raise dg.Failure(
            str(error),
            metadata={"where": error.where, "cure": error.cure},
            allow_retries=retry and isinstance(error, Unreachable),
        ) from error


def watched(tags: Mapping[str, str]) -> bool:
    """Whether somebody waits for the run with these tags."""
    return WATCHED.items() <= tags.items()
