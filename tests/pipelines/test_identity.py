import unicodedata

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identity import fold, with_hashes
from schemas.families import COT, INSTRUCTION

MESSAGE = pl.Struct(dict.fromkeys(("role", "content", "tool_calls", "tool_call_id", "name"), pl.String))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def rows(*pairs: tuple[str, str], system: str | None = None) -> pl.DataFrame:
    def turn(role: str, content: str) -> dict[str, str | None]:
        return {"role": role, "content": content, "tool_calls": None, "tool_call_id": None, "name": None}

    first = [turn("system", system)] if system is not None else []
    return pl.DataFrame(
        {
            "prompt": [[*first, turn("user", question)] for question, _ in pairs],
            "completion": [[turn("assistant", answer)] for _, answer in pairs],
            "tools": pl.Series([None] * len(pairs), dtype=pl.String),
        },
        schema_overrides={"prompt": pl.List(MESSAGE), "completion": pl.List(MESSAGE)},
    )


def hashed(*pairs: tuple[str, str], system: str | None = None) -> pl.DataFrame:
    return with_hashes(rows(*pairs, system=system), INSTRUCTION)


def test_hashes_are_the_same_on_every_machine_and_version() -> None:
    row = hashed(("What is 2 + 2?", "4")).row(0, named=True)
    assert row["content_hash"].hex() == "8b1392a76d0279c38b0fd6352badefd4"
    assert row["prompt_hash"].hex() == "06d139403c22406a4424d9b950d61b91"
    assert row["match_hash"].hex() == "60f002454e71649d499a10e9541c55a9"


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(texts, texts), min_size=2, max_size=6))
def test_content_hashes_agree_exactly_where_the_texts_do(pairs: list[tuple[str, str]]) -> None:
    hashes = hashed(*pairs)["content_hash"].to_list()
    normal = [tuple(unicodedata.normalize("NFC", text) for text in pair) for pair in pairs]
    for first, hash_ in zip(normal, hashes, strict=True):
        for second, other in zip(normal, hashes, strict=True):
            assert (first == second) == (hash_ == other)


def test_a_hash_does_not_depend_on_the_rows_beside_it() -> None:
    alone = hashed(("q", "a"))["content_hash"][0]
    assert hashed(("é", "x"), ("q", "a"), ("ü", "y"))["content_hash"][1] == alone


def test_null_is_not_empty() -> None:
    base = rows(("q", "a")).with_columns(answer=pl.lit(None, dtype=pl.String))
    absent = with_hashes(base.with_columns(reasoning=pl.lit(None, dtype=pl.String)), COT)["content_hash"][0]
    empty = with_hashes(base.with_columns(reasoning=pl.lit("")), COT)["content_hash"][0]
    assert absent != empty


def test_a_system_prompt_changes_the_content_and_not_what_is_matched() -> None:
    plain, told = hashed(("q", "a")), hashed(("q", "a"), system="be brief")
    assert plain["content_hash"][0] != told["content_hash"][0]
    assert plain["prompt_hash"][0] == told["prompt_hash"][0]
    assert plain["match_hash"][0] == told["match_hash"][0]


def test_case_and_space_are_folded_but_code_symbols_and_digits_are_not() -> None:
    assert fold(pl.Series(["Hello   World\n"]))[0] == fold(pl.Series([" hello world"]))[0]
    different = ["sin 60", "sin(-60)", "a == b", "a != b", "x²", "x2", "```A```", "```a```", "20 apples", "30 apples"]
    assert fold(pl.Series(different)).n_unique() == len(different)
    assert fold(pl.Series(["Run ```X = Y``` NOW"]))[0] == "run ```X = Y``` now"
