import polars as pl
import pytest

from pipelines.report.planted import JUDGED, compared, defects
from pipelines.sample_hub import manifest
from schemas.vocabulary import FATES


def row_of(fate: str, again: int = 0) -> int:
    return FATES.index(fate) + again * len(FATES)


def plant(kind, row, outcomes, *, source="alpaca", family=None, of=None, of_source=None):
    return {
        "kind": kind,
        "source": source,
        "file": f"data/{source}.parquet",
        "row": row,
        "family": family,
        "of_source": (of_source or source) if of is not None else None,
        "of_file": f"data/{of_source or source}.parquet" if of is not None else None,
        "of_row": of,
        "outcomes": outcomes,
    }


def judged(corpus, *plants):
    (kind,) = compared(pl.DataFrame(plants, schema=manifest.SCHEMA), corpus.published).kinds
    return kind


def test_a_defect_with_one_of_its_outcomes_is_caught(corpus):
    kind = judged(corpus, plant("empty", row_of("rule"), ["rule", "verdict"]))
    assert (kind.caught, kind.missed, kind.verdict) == (1, 0, "all caught")


def test_a_defect_that_was_kept_is_missed_and_named(corpus):
    kind = judged(corpus, plant("empty", row_of("kept"), ["rule"]), plant("empty", row_of("rule"), ["rule"]))
    assert (kind.planted, kind.caught, kind.missed, kind.verdict) == (2, 1, 1, "missed")
    assert kind.missed_ids == (f"alpaca/instruction/default.train.0.{row_of('kept')} (kept)",)


def test_dropped_for_another_reason_is_not_caught(corpus):
    assert judged(corpus, plant("empty", row_of("licence"), ["rule"])).missed == 1


def test_a_reject_counts_only_where_it_is_an_outcome(corpus):
    assert judged(corpus, plant("broken line", 30, ["reject"])).caught == 1
    assert judged(corpus, plant("broken line", 30, ["rule"])).missed_ids == (
        "alpaca:data/alpaca.parquet:30 (broken line)",
    )


def test_a_row_left_out_on_purpose_is_no_reject(corpus):
    assert judged(corpus, plant("broken line", 32, ["reject"])).missed == 1


def test_all_records_of_a_row_must_go_unless_a_family_is_meant(corpus):
    both = judged(corpus, plant("no verifier", 4, ["reject"], source="gsm8k"))
    assert both.missed_ids == ("gsm8k/cot/default.train.0.4 (kept)",)
    assert judged(corpus, plant("no verifier", 4, ["reject"], source="gsm8k", family="grpo")).caught == 1


@pytest.mark.parametrize(("copy", "original", "caught"), [(10, 11, 1), (11, 10, 1), (11, 23, 0)])
def test_of_a_copy_and_its_original_either_may_go(corpus, copy, original, caught):
    assert FATES[10] == "near-duplicate"
    kind = judged(corpus, plant("copy", copy, ["near-duplicate"], of=original))
    assert (kind.caught, kind.missed) == (caught, 1 - caught)


def test_what_only_looks_like_a_duplicate_must_be_kept_with_its_twin(corpus):
    kept, gone = row_of("kept"), row_of("near-duplicate")
    assert judged(corpus, plant("twin", kept, ["kept"], of=row_of("kept", 1))).caught == 1
    lost = judged(corpus, plant("twin", kept, ["kept"], of=gone))
    assert lost.missed_ids == (
        f"alpaca/instruction/default.train.0.{kept} (kept), "
        f"of alpaca/instruction/default.train.0.{gone} (near-duplicate)",
    )
    assert lost.kept_apart


def test_a_row_that_was_never_read_is_unknown(corpus):
    kind = judged(corpus, plant("broken line", 999, ["reject"]))
    assert (kind.caught, kind.missed, kind.not_read, kind.verdict) == (0, 0, 1, "not read")
    copy = judged(corpus, plant("copy", row_of("kept"), ["near-duplicate"], of=0, of_source="dolly"))
    assert copy.not_read == 1


def test_clean_rows_that_were_judged_away_are_counted_by_reason(corpus):
    plants = [
        plant("empty", row_of("rule"), ["rule"]),
        plant("copy", row_of("kept"), ["near-duplicate"], of=row_of("near-duplicate")),
        plant("broken line", 30, ["reject"]),
    ]
    found = compared(pl.DataFrame(plants, schema=manifest.SCHEMA), corpus.published)
    expected = {"reject: broken line": 1} | {
        {"rule": "empty answer"}.get(fate, fate): 1 if fate in ("rule", "near-duplicate") else 2 for fate in JUDGED
    }
    assert dict(found.wronged.select("label", "rows").iter_rows()) == expected
    assert found.wronged_rows == sum(expected.values())
    # Rows 0 to 29 less three that are touched, and the one clean reject.
    assert found.clean == 30 - 3 + 1


def test_without_a_manifest_there_is_nothing_to_compare(corpus):
    assert defects(corpus.place, corpus.published) is None


def test_numbers_of_each_kind_add_up(corpus):
    plants = [plant("all", n, ["rule", "contaminated"]) for n in range(40)]
    kind = judged(corpus, *plants)
    assert kind.planted == kind.caught + kind.missed + kind.not_read == 40
