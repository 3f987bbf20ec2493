"""databricks/databricks-dolly-15k: instruction, context, response and one of eight categories, as JSON lines."""

from typing import Final

import numpy as np
import polars as pl

from pipelines.sample_hub.content import Subject, load, subjects
from pipelines.sample_hub.layouts import DOLLY
from pipelines.sample_hub.rows import Row, Rows

REPO: Final = "databricks/databricks-dolly-15k"
FILE: Final = "databricks-dolly-15k.jsonl"


def rows(generator: np.random.Generator) -> list[Rows]:
    """The second facet of every subject (a passage to answer from, where it has a short answer), and the free tasks."""
    told = [_row(subject, number) for number, subject in enumerate(subjects())]
    free = [{"context": "", **task} for task in load("dolly")]
    made = told + free
    order = generator.permutation(len(made))
    return [Rows("dolly", FILE, pl.DataFrame([made[number] for number in order], DOLLY.schema))]


def _row(subject: Subject, number: int) -> Row:
    facet = subject.facets[1]
    if facet.short:
        return {"instruction": facet.ask, "context": facet.say, "response": facet.short, "category": "closed_qa"}
    category = ("open_qa", "general_qa")[number % 2]
    return {"instruction": facet.ask, "context": "", "response": facet.say, "category": category}
