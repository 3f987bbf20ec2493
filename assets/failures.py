"""Errors that a user can act on, as Dagster shows them: without a stack trace, and without retries."""

import contextlib
from collections.abc import Iterator

import dagster as dg

from pipelines.errors import TamisError


@contextlib.contextmanager
def told(*, retry: bool = False) -> Iterator[None]:
    """Turn a TamisError into a failure of the step. `retry`: whether the step's retry policy applies."""
    try:
        yield
    except TamisError as error:
        raise dg.Failure(
            str(error), metadata={"where": error.where, "cure": error.cure}, allow_retries=retry
        ) from error
