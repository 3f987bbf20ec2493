from collections import Counter

import polars as pl

from pipelines.kept_licences import most_restrictive
from pipelines.licences import strictest
from pipelines.report import samples
from pipelines.report.figures import share
from pipelines.report.summary import RunOutcome, record_stages, row_stages, summarise
from pipelines.workspace import Workspace
from schemas.vocabulary import FATES


def test_every_source_has_its_own_counts(corpus):
    summary = corpus.summary()
    fates = corpus.count("source", "fate")
    for row in summary.sources.filter(pl.col("records") > 0).to_dicts():
        name = row["source"]
        dropped = sum(n for (source, fate), n in fates.items() if source == name and fate != "kept")
        assert (row["rows"], row["kept"], row["dropped"]) == (corpus.rows[name], fates[name, "kept"], dropped)
        assert row["rows"] == row["yielding"] + row["rejected"] + row["not_selected"]
        assert row["records"] == row["kept"] + row["dropped"]


def test_absent_and_stale_sources_are_listed_with_why(corpus):
    words = {row["source"]: (row["word"], row["rows"], row["message"]) for row in corpus.summary().sources.to_dicts()}
    assert words["dolly"] == ("ABSENT", 0, "this Hub does not have it")
    assert words["gsm8k"][:2] == ("STALE", 5)
    assert words["hh_rlhf"] == ("-", 4, "not refreshed")


def test_the_funnel_adds_up_and_keeps_the_order_of_fates(corpus):
    summary = corpus.summary()
    records = record_stages(summary.fates)
    leaving = [stage for stage in records if stage.leaves]
    assert [stage.name for stage in leaving] == [fate for fate in FATES if fate != "kept"]
    assert records[0].count - sum(stage.count for stage in leaving) == records[-1].count == summary.kept
    rows = row_stages(summary.sources)
    assert rows[0].count - sum(stage.count for stage in rows if stage.leaves) == rows[-1].count
    left = len(corpus.ledger)
    for stage in leaving:
        assert stage.before == left
        left -= stage.count


def test_kept_records_by_side(corpus):
    counted = Counter((r["family"], r["side"]) for r in corpus.ledger if r["fate"] == "kept")
    for row in corpus.summary().kept_sides.to_dicts():
        assert {side: counted[row["family"], side] for side in ("train", "validation", "test")} == {
            side: row[side] for side in ("train", "validation", "test")
        }


def test_the_strictest_licence_is_that_of_the_kept_records(corpus):
    summary = corpus.summary()
    kept = [r for r in corpus.ledger if r["fate"] == "kept"]
    (every,) = most_restrictive(summary.licences)
    assert every["of"] == len(kept)
    by_file = {(one["family"], one["side"]): one for one in most_restrictive(summary.licences, "family", "side")}
    assert {key: one["of"] for key, one in by_file.items()} == Counter((r["family"], r["side"]) for r in kept)
    held = summary.licences.select("license", "source").unique().rows()
    strict = strictest([licence for licence, _ in held])
    assert (every["license"], every["sources"]) == (strict, sorted({s for licence, s in held if licence == strict}))


def test_a_workspace_without_a_pass_has_a_summary(place: Workspace, lake):
    summary = summarise(place, lake, RunOutcome({}, (), (), ("alpaca: it broke",), 1.0))
    assert summary.published is None
    assert summary.kept == 0


def test_samples_show_each_reason_with_its_evidence(corpus):
    dropped = {group.label: group for group in samples.dropped(corpus.published)}
    counts = Counter(r["fate"] for r in corpus.ledger if r["fate"] != "kept")
    assert {group.fate: group.records for group in dropped.values()} == counts
    rule = dropped["empty answer"].samples[0]
    assert (rule.value, rule.threshold) == (0.0, 1.0)
    near = dropped["near-duplicate"]
    assert {sample.source for sample in near.samples} == {"alpaca", "hh_rlhf"}
    for sample in near.samples:
        assert sample.similarity == 0.8125
        assert sample.survivor[0].text != sample.messages[0].text


def test_samples_are_the_same_each_time(corpus):
    assert samples.kept(corpus.published) == samples.kept(corpus.published)
    assert {(s.source, s.family) for s in samples.kept(corpus.published)} == {
        (r["source"], r["family"]) for r in corpus.ledger
    }


def test_long_text_says_how_much_is_left_out(corpus):
    (group,) = [g for g in samples.dropped(corpus.published) if g.fate == "verdict"]
    answers = [m for sample in group.samples for m in sample.messages if m.left_out]
    assert [len(m.text) + m.left_out for m in answers] == [500 * len("A long answer. ")]


def test_a_small_share_is_not_nothing_and_a_large_one_not_all():
    assert (share(0, 10), share(1, 100_000), share(99_999, 100_000), share(10, 10)) == (
        "0.0 %",
        "< 0.1 %",
        "> 99.9 %",
        "100.0 %",
    )
