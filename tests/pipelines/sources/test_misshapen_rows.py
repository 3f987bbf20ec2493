"""Every source on rows of any shape, through the reader: values of other types, keys missing, nulls anywhere."""

import json
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.columns import Column
from pipelines.errors import TamisError
from pipelines.normalise import Place, normalise
from pipelines.reading import read
from pipelines.sources import sources
from pipelines.sources.source import Read
from schemas.families import FAMILIES
from schemas.validator import validate

READS = [(name, read_) for name, source in sources().items() for read_ in source.reads]
TEXTS = (
    "",
    " ",
    "q",
    "<think>a</think>b",
    "</think>",
    "<|begin_of_thought|>a<|end_of_thought|>",
    "\n\nHuman: a\n\nAssistant: b",
    "\n\nAssistant:",
    "#### 72",
    "\\boxed{1",
    "proof",
    '{"a": 1}',
    "[1",
    "<|im_start|>user\n",
    "Question:",
    "\ud800",  # half of a pair: JSON can say it, UTF-8 cannot
    "\x00",
)
ROLES = ("user", "assistant", "system", "human", "gpt", "function", "environment", "prompter", "cook", "", None)


def value(type_: Any, choose: random.Random, name: str = "") -> Any:
    """Something of a type, or null, or of quite another type."""
    odd = choose.random()
    if odd < 0.1:
        return None
    if odd < 0.13:
        return choose.choice([1, "x", [], {}, [None], [1], {"a": "b"}, True, 0.5])
    type_ = type_() if isinstance(type_, type) else type_
    if isinstance(type_, pl.List):
        return [value(type_.inner, choose, name) for _ in range(choose.choice((0, 1, 1, 2, 3)))]
    if isinstance(type_, pl.Struct):
        return {field.name: value(field.dtype, choose, field.name) for field in type_.fields if choose.random() < 0.95}
    if type_ == pl.Boolean:
        return choose.random() < 0.5
    if type_.is_integer():
        return choose.choice((-1, 0, 1, 3))
    if type_.is_numeric():
        return choose.choice((-1.5, 0.0, 2.0))
    return choose.choice(ROLES if name in ("role", "from") else TEXTS)


def row(read_: Read, choose: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, asked in read_.columns.items():
        column = asked if isinstance(asked, Column) else Column(asked)
        if choose.random() < 0.9:
            key = choose.choice(column.names or (name,))
            wild = column.as_json and choose.random() < 0.5
            made[key] = {"ground_truth": value(pl.List(pl.String), choose)} if wild else value(column.type, choose)
    return made


@pytest.mark.parametrize(("name", "read_"), READS, ids=[f"{name}-{read.config}" for name, read in READS])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_each_row_is_broken_or_ends_in_exactly_one_of_three(
    tmp_path_factory: pytest.TempPathFactory, name: str, read_: Read, seed: int
) -> None:
    choose = random.Random(seed)
    rows = [row(read_, choose) for _ in range(40)]
    path = tmp_path_factory.getbasetemp() / f"{name}.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    try:
        parts = list(read(path, columns=read_.columns, any_of=read_.any_of))
    except TamisError:  # no row of the file has the types, or a column is in none
        return
    broken = sum(part.broken.height for part in parts)
    frames = [part.rows for part in parts if part.rows.height]
    if not frames:
        return
    frame = pl.concat(frames, how="diagonal_relaxed")
    done = normalise(frame, read_, Place(name, "0" * 40, "c", "train", "f", 0, None, None))
    whole = done.rejects.filter(pl.col("family").is_null())
    assert whole["row"].is_unique().all()
    assert done.rejects.select("row", "family").is_unique().all()
    assert done.rows == frame.height == len(rows) - broken
    assert done.rows == done.yielding + whole.height
    for family, records in done.records.items():
        assert records["id"].is_unique().all()
        assert validate(records.to_arrow(), FAMILIES[family]).rejects.num_rows == 0
