import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.families import FAMILIES, GRPO, INSTRUCTION, PREFERENCE, Family
from schemas.tables import TABLES
from schemas.validator import SchemaMismatchError, validate
from schemas.vocabulary import INVALID


def message(role: str | None = "user", content: str | None = "hello") -> dict[str, str | None]:
    return {"role": role, "content": content, "tool_calls": None, "tool_call_id": None, "name": None}


def table(family: Family, **changes: object) -> pa.Table:
    """One valid row of the family, with changes."""
    row: dict[str, object] = {name: None for name in family.schema.names}
    row |= {"id": "s/f/1", "source": "s", "revision": "0" * 40, "content_hash": b"c", "prompt_hash": b"p"}
    row |= {"match_hash": b"m", "origin": {"config": None, "split": "train", "file": "f", "row": 1}}
    row |= {"prompt": [message()], "verifier": "math"}
    for part in ("completion", "chosen", "rejected"):
        row[part] = [message("assistant")]
    row |= changes
    nullable = pa.schema([pa.field(f.name, _loose(f.type)) for f in family.schema])
    return pa.Table.from_pylist([{name: row[name] for name in family.schema.names}], schema=nullable)


def _loose(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(f.name, _loose(f.type)) for f in type_])
    return pa.list_(_loose(type_.value_type)) if pa.types.is_list(type_) else type_


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_good_row_comes_out_in_the_familys_schema(family: Family) -> None:
    split = validate(table(family), family)
    assert split.valid.schema.equals(family.schema, check_metadata=True)
    assert (split.valid.num_rows, split.rejects.num_rows) == (1, 0)


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        (INSTRUCTION, {"prompt": []}, "no prompt"),
        (INSTRUCTION, {"prompt": None}, "no prompt"),
        (INSTRUCTION, {"prompt": [message("narrator")]}, "unknown role"),
        (INSTRUCTION, {"prompt": [message(None)]}, "unknown role"),
        (INSTRUCTION, {"prompt": [message("user", None)]}, "null content"),
        (INSTRUCTION, {"completion": []}, "no messages"),
        (INSTRUCTION, {"completion": [message("assistant")] * 2}, "not one completion"),
        (INSTRUCTION, {"completion": [message("user")]}, "completion is not the assistant's"),
        (INSTRUCTION, {"source": None}, "null value"),
        (PREFERENCE, {"rejected": [message("assistant"), message("user")]}, "ends with the user"),
        (GRPO, {"verifier": None}, "no verifier"),
        (GRPO, {"verifier": "hope"}, "unknown verifier"),
    ],
)
def test_what_cannot_be_represented_is_a_reject_with_its_reason(
    family: Family, changes: dict[str, object], reason: str
) -> None:
    both = pa.concat_tables([table(family), table(family, **changes)])
    split = validate(both, family)
    assert split.rejects.to_pylist() == [{"position": 1, "reason": reason}]
    assert split.valid.num_rows == 1


@pytest.mark.parametrize("content", ["", " ", "\x00", "￾", "a" * 100_000])
def test_what_is_merely_bad_is_a_record(content: str) -> None:
    assert validate(table(INSTRUCTION, completion=[message("assistant", content)]), INSTRUCTION).valid.num_rows == 1


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaMismatchError, match=r"needs the columns \['completion'\]"):
        validate(table(INSTRUCTION).drop(["completion"]), INSTRUCTION)


def test_a_wrong_type_is_named() -> None:
    wrong = table(INSTRUCTION).drop(["prompt"]).append_column("prompt", pa.array([3]))
    with pytest.raises(SchemaMismatchError, match="the family instruction"):
        validate(wrong, INSTRUCTION)


roles = st.sampled_from(["system", "user", "assistant", "tool", "narrator", None])
messages = st.none() | st.lists(
    st.builds(message, roles, st.none() | st.text(st.characters(exclude_categories=["Cs"]))), max_size=4
)


@given(rows=st.lists(st.tuples(messages, messages), min_size=1, max_size=8))
def test_every_row_is_valid_or_a_reject_with_one_known_reason(rows: list[tuple[object, object]]) -> None:
    tables = [table(INSTRUCTION, prompt=prompt, completion=completion) for prompt, completion in rows]
    split = validate(pa.concat_tables(tables), INSTRUCTION)
    rejected = pl.DataFrame(pl.from_arrow(split.rejects))
    assert split.valid.num_rows + rejected.height == len(rows)
    assert rejected["position"].n_unique() == rejected.height
    assert set(rejected["reason"]) <= set(INVALID)


def test_every_column_of_every_table_says_what_it_holds() -> None:
    for name, spec in TABLES.items():
        for column in spec.columns:
            assert column.metadata and column.metadata[b"description"], f"{name}.{column.name}"
        assert set(spec.key) <= set(spec.schema.names)
