"""What people write becomes: on records of each family, without a graph."""

import polars as pl
import pytest
from dedup_records import records, turn
from verdict_rows import verdict, verdicts

from pipelines.lake import Lake
from pipelines.review.corrections import corrections
from schemas.families import COT, FAMILIES, GRPO, PREFERENCE, Family


def origin(file: str, row: int) -> pl.Expr:
    return pl.struct(config=pl.lit("default"), split=pl.lit("validation"), file=pl.lit(file), row=pl.lit(row))


def held(lake: Lake, family: Family, rows: pl.DataFrame, **parts: pl.Expr) -> list[bytes]:
    """Records of the sources `aa` and `bb` with their own columns; their content hashes."""
    frame = rows.with_columns(
        revision=pl.lit("r"), origin=origin("a.jsonl", 4), group=pl.lit("g"), license=pl.lit("mit")
    )
    made = records(family, frame, **parts)
    for source in made["source"].unique():
        lake.replace(f"records_{family.name}", made.filter(pl.col("source") == source), partition=source)
    return made["content_hash"].to_list()


def said(messages: list[dict[str, str]]) -> list[str]:
    return [message["content"] for message in messages]


@pytest.fixture
def pair(lake: Lake) -> bytes:
    rows = pl.DataFrame({"source": ["aa"], "id": ["aa/preference/x"]})
    sides = {"chosen": turn("assistant", pl.lit("Bad.")), "rejected": turn("assistant", pl.lit("Good."))}
    scores = {"chosen_score": pl.lit(9.0), "rejected_score": pl.lit(1.0)}
    return held(lake, PREFERENCE, rows, prompt=turn("user", pl.lit("How?")), **sides, **scores)[0]


def test_a_pair_whose_rejected_side_is_better_is_exchanged(lake: Lake, pair: bytes) -> None:
    given = verdict(pair, "keep", family="preference", preferred="rejected")
    row = corrections(verdicts(given), lake, PREFERENCE).row(0, named=True)
    assert (said(row["chosen"]), said(row["rejected"])) == (["Good."], ["Bad."])
    assert row["chosen_score"] is row["rejected_score"] is None, "upstream's scores say the contrary"
    assert (row["group"], row["license"], row["split"], row["changed"]) == ("aa/g", "mit", "validation", True)
    dropped = verdict(pair, "drop", family="preference", preferred="rejected")
    assert corrections(verdicts(dropped), lake, PREFERENCE).is_empty()
    as_it_was = verdict(pair, "keep", family="preference", preferred="chosen")
    assert corrections(verdicts(as_it_was), lake, PREFERENCE).is_empty()


def test_a_better_answer_stands_on_the_chosen_side(lake: Lake, pair: bytes) -> None:
    given = verdict(pair, "fix", family="preference", correction="Best.")
    row = corrections(verdicts(given), lake, PREFERENCE).row(0, named=True)
    assert (said(row["chosen"]), said(row["rejected"])) == (["Best."], ["Good."])
    both = verdict(pair, None, family="preference", correction="Best.", preferred="rejected")
    row = corrections(verdicts(both), lake, PREFERENCE).row(0, named=True)
    assert (said(row["chosen"]), said(row["rejected"])) == (["Best."], ["Bad."])


def test_each_record_with_the_content_has_a_correction_of_its_own(lake: Lake) -> None:
    rows = pl.DataFrame({"source": ["aa", "bb"], "id": ["aa/grpo/x", "bb/grpo/y"]})
    contents = held(lake, GRPO, rows, prompt=turn("user", pl.lit("2+2?")), answer=pl.lit("5"), verifier=pl.lit("math"))
    made = corrections(verdicts(verdict(contents[0], "fix", family="grpo", correction=" 4 ")), lake, GRPO)
    assert made["answer"].to_list() == ["4", "4"] and made["group"].to_list() == ["aa/g", "bb/g"]
    parents = made["meta"].str.json_path_match("$.parent").to_list()
    assert parents == ["aa/grpo/x", "bb/grpo/y"]
    assert made["meta"].str.json_path_match("$.of.row").to_list() == ["4", "4"]


def test_a_correction_of_a_correction_comes_from_the_same_upstream_row(lake: Lake) -> None:
    rows = pl.DataFrame({"source": ["aa"], "id": ["aa/cot/x"]})
    parts = {"reasoning": pl.lit("So."), "answer": pl.lit("4")}
    answer = turn("assistant", pl.lit("Five."))
    first = held(lake, COT, rows, prompt=turn("user", pl.lit("2+2?")), completion=answer, **parts)
    made = corrections(verdicts(verdict(first[0], "fix", family="cot", correction="Four.")), lake, COT)
    assert said(made["completion"][0]) == ["Four."] and made["reasoning"].to_list() == ["So."]
    own = made.drop("content_hash", "split", "changed").with_columns(
        id=pl.lit("argilla/cot/cot.validation.0.0"), source=pl.lit("argilla"), revision=pl.lit("r")
    )
    again = own.with_columns(origin=origin("cot/validation.parquet", 0))
    written = records(COT, again)
    lake.replace("records_cot", written, partition="argilla")
    given = verdict(written["content_hash"][0], "fix", family="cot", correction="It is four.")
    row = corrections(verdicts(given), lake, COT).row(0, named=True)
    meta = pl.Series([row["meta"]]).str
    told = [meta.json_path_match(f"$.{path}")[0] for path in ("parent", "of.source", "of.file", "of.row")]
    assert told == ["argilla/cot/cot.validation.0.0", "aa", "a.jsonl", "4"]
    assert row["group"] == "aa/g"


def test_content_that_is_gone_yields_nothing(lake: Lake) -> None:
    gone = verdicts(verdict(b"0" * 16, "fix", correction="x"))
    assert all(corrections(gone, lake, family).is_empty() for family in FAMILIES.values())
