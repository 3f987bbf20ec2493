"""What is wrong with a file as a whole. Whoever reads for a source says which file it is."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa

from pipelines.errors import TamisError
from pipelines.reading.types import any_in_words, in_words

CHANGED: Final = "Its layout has changed: adapt `columns` of its source, or pin the commit before with `revision`."


@contextlib.contextmanager
def damage(path: Path) -> Iterator[None]:
    """What Arrow and the system say of a file that cannot be read to its end, as TamisError."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise TamisError(
            f"it cannot be read to its end: {str(error).splitlines()[0]}",
            where=str(path),
            cure="It is damaged here or upstream: delete it, and materialise `snapshot` of its source again.",
        ) from error


def no_such_column(missing: list[str], found: list[str], path: Path) -> TamisError:
    """The error for columns that a file lacks."""
    return TamisError(
        f"there is no column {', '.join(missing)}; there are {', '.join(found) or 'none'}",
        where=str(path),
        cure=CHANGED,
    )


def wrong_type(name: str, asked: pl.DataType, stored: str, path: Path) -> TamisError:
    """The error for a column that has another type in every row."""
    return TamisError(f"the column {name} is {stored}, not {in_words(asked)}", where=str(path), cure=CHANGED)


def wrong_form(name: str, forms: Iterable[pl.DataType], stored: str, path: Path) -> TamisError:
    """The error for a column that has none of the known types."""
    return TamisError(f"the column {name} is {stored}, not {any_in_words(forms)}", where=str(path), cure=CHANGED)
