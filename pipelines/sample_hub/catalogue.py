"""The sample repositories of the sets that no defects are planted in: a few clean rows each, in upstream's layout."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pipelines.sample_hub.generators import chats, checked, code_and_verse, sides, thoughts
from pipelines.sample_hub.generators.samples import File, Sample

SAMPLES: Final[tuple[Sample, ...]] = (
    *chats.SAMPLES,
    *code_and_verse.SAMPLES,
    *sides.SAMPLES,
    *thoughts.SAMPLES,
    *checked.SAMPLES,
)


def files(seed: int) -> Iterator[tuple[Sample, File]]:
    """Every file of every repository. What one holds depends on the seed and its source alone."""
    for sample in SAMPLES:
        generator = np.random.default_rng([seed, *sample.source.encode()])
        for file in sample.files(generator):
            yield sample, file
