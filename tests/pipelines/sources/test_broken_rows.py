"""Every adapter on rows broken in every way: nulls, empty lists, other roles. None may raise, or lose a row."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.normalise import Place, normalise
from pipelines.reading.asked import Asked
from pipelines.sources import sources
from pipelines.sources.source import Read
from schemas.families import FAMILIES
from schemas.validator import validate

PLAIN = ("", " ", "x", "y\nz", "1", "2", "N/A", "-1,234.5", "é 你好 \u2028", "null", "[]", "{}", '{"a": [1]}', '["b"]')
ROLES = (
    "user",
    "assistant",
    "human",
    "gpt",
    "system",
    "prompter",
    "function",
    "environment",
    "nobody",
    "image",
    "text",
)
TALKS = ("\n\nHuman: q\n\nAssistant: a", "\n\nHuman: q", "Doctor: a\nPatient: b", "q Output:", "a<|endoftext|>")
THOUGHTS = ("<think>a</think>b", "<think>", "</think>a<think>", "<|begin_of_thought|>a<|end_of_thought|>b")
GOLDS = ("#### 72", "a #### 1,000", "####", "\\boxed{1}", "\\boxed{", "proof", "notfound")
TEXTS = st.sampled_from([*PLAIN, *ROLES, *TALKS, *THOUGHTS, *GOLDS])


def values(type_: pl.DataType | type[pl.DataType]) -> st.SearchStrategy[object]:
    """Any value of a type, null at every level."""
    kind = type_() if isinstance(type_, type) else type_
    if isinstance(kind, pl.List):
        return st.none() | st.lists(values(kind.inner), max_size=4)
    if isinstance(kind, pl.Struct):
        return st.none() | st.fixed_dictionaries({field.name: values(field.dtype) for field in kind.fields})
    if kind.is_integer():
        return st.none() | st.integers(-3, 120)
    if kind.is_float():
        return st.none() | st.floats(-9, 9) | st.sampled_from([float("nan"), float("inf"), 0.0])
    return st.none() | (st.booleans() if isinstance(kind, pl.Boolean) else TEXTS)


READS = [
    pytest.param(name, read, id=f"{name}-{number}")
    for name, source in sources().items()
    for number, read in enumerate(source.reads)
    if read.families and (number == 0 or read.columns != source.reads[number - 1].columns)
]


@pytest.mark.parametrize(("name", "read"), READS)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_each_broken_row_ends_in_exactly_one_of_three(name: str, read: Read, data: st.DataObject) -> None:
    types = {entry: column.type for entry, column in Asked.of(read.columns).columns.items()}
    rows = data.draw(st.lists(st.fixed_dictionaries({n: values(t) for n, t in types.items()}), min_size=0, max_size=8))
    frame = pl.DataFrame(rows, schema=types).with_row_index("row", 5).cast({"row": pl.Int64})
    done = normalise(frame, read, Place(name, "0" * 40, "c", "train", "f", 0, None, None))
    nothing = done.rejects.filter(pl.col("family").is_null())["row"]
    yielding = pl.concat(r["origin"].struct.field("row") for r in done.records.values()).unique()
    assert sorted([*nothing, *yielding]) == list(range(5, 5 + len(rows)))
    assert (done.rows, done.yielding) == (len(rows), yielding.len())
    for family, records in done.records.items():
        assert validate(records.to_arrow(), FAMILIES[family]).rejects.num_rows == 0
        assert records["id"].is_unique().all()
