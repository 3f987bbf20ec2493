"""Mutators that plant known defects in any rows of a source's upstream layout, for samples and for tests."""

from typing import Final

from pipelines.sample_hub.defects import answers, copies, reasoning, transcripts
from pipelines.sample_hub.defects.plant import Defect

ALL: Final[tuple[Defect, ...]] = (*copies.ALL, *answers.ALL, *reasoning.ALL, *transcripts.ALL)
"""Every defect of rows; leaks of benchmark items and broken lines have modules of their own."""
