"""One pool of workers for all tests of verification: it starts in a second."""

from collections.abc import Iterator

import pytest

from pipelines.verify.workers import Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    with Workers(1, cpu=1.0) as pool:
        yield pool
