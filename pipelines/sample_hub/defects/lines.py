"""Lines of JSON that cannot be read: these defects are made in the bytes of a file, not in its rows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.defects.plant import plant_in, plants_frame

_STRING: Final = re.compile(rb'": "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Breaker:
    """A kind of defect that makes one line unreadable, whatever the source."""

    kind: str
    change: Callable[[bytes, np.random.Generator], bytes]

    def plant(
        self, lines: Sequence[bytes], positions: Sequence[int], generator: np.random.Generator, source: str, file: str
    ) -> tuple[list[bytes], pl.DataFrame]:
        """The lines of a file (JSON, without line ends, one a row) with some broken, and the plants."""
        broken = list(lines)
        for position in positions:
            broken[position] = self.change(broken[position], generator)
        return broken, plants_frame([plant_in(self.kind, ("reject",), source, file, row) for row in positions])


def _cut(line: bytes, generator: np.random.Generator) -> bytes:
    """The first part of the line, as a disk that ran full leaves it."""
    return line[: int(len(line) * generator.uniform(0.3, 0.8))]


def _in_text(line: bytes, foreign: bytes) -> bytes:
    """Bytes put at the start of the longest string of an object."""
    at = max(_STRING.finditer(line), key=lambda found: len(found.group())).start(1)
    return line[:at] + foreign + line[at:]


BROKEN_JSON: Final = Breaker("broken JSON", _cut)
INVALID_UTF8: Final = Breaker("invalid UTF-8", lambda line, _: _in_text(line, b"caf\xe9 "))
LONE_SURROGATE: Final = Breaker("lone surrogate", lambda line, _: _in_text(line, b"\\ud83d "))

ALL: Final = (BROKEN_JSON, INVALID_UTF8, LONE_SURROGATE)
