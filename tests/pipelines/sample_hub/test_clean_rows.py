"""The clean rows: valid, plausible, right, and no two of them alike."""

import re
from itertools import pairwise

import polars as pl
import pytest
from sample_rows import catalogued, normalised, records, with_text

from pipelines.sample_hub import catalogue, sample
from pipelines.sample_hub.arithmetic import evaluate
from pipelines.sample_hub.content import load, subjects
from pipelines.sample_hub.generators import benchmarks, gsm8k
from pipelines.sample_hub.generators.countdown import reachable
from pipelines.sample_hub.generators.samples import Sample
from pipelines.sample_hub.rows import Rows
from pipelines.sample_hub.similarity import alike, shingles
from pipelines.sources import sources
from schemas.families import FAMILIES

UPSTREAM = list(catalogue.files(sample.SEED))
"""The files of the repositories that no defects are planted in."""

UNKNOWN = {"dolphin_r1_flash", "medical_deepseek", "medical_deepseek_chat"}
"""Sources whose columns are not known: no sample pretends to know them."""


@pytest.fixture(scope="module")
def clean() -> list[Rows]:
    """The rows that the sources read: no test split of a benchmark, no socratic solutions."""
    return [rows for rows in sample.clean() if rows.source != "gsm8k" or rows.file == gsm8k.TRAIN]


@pytest.fixture(scope="module")
def pairs_only(clean: list[Rows]) -> list[Rows]:
    return [rows for rows in clean if "red" not in rows.file]


def test_every_source_has_some_dozens_of_rows(clean: list[Rows]) -> None:
    counts = pl.DataFrame([(r.source, r.frame.height) for r in clean], ["source", "rows"], orient="row")
    assert set(counts["source"]) == set(sample.REPOSITORIES)
    assert counts.group_by("source").sum().filter(~pl.col("rows").is_between(40, 75)).is_empty()


def test_every_source_with_a_known_layout_has_a_sample() -> None:
    assert {made.source for made in catalogue.SAMPLES} | set(sample.REPOSITORIES) == set(sources()) - UNKNOWN
    rows = pl.DataFrame([(made.source, file.frame.height) for made, file in UPSTREAM], ["source", "n"], orient="row")
    assert rows.group_by("source").sum().filter(~pl.col("n").is_between(10, 60)).is_empty()


@pytest.mark.parametrize("made", catalogue.SAMPLES, ids=lambda made: made.source)
def test_every_row_of_the_catalogue_yields_a_record_or_is_left_out_on_purpose(made: Sample) -> None:
    families = set()
    for _, file in (pair for pair in UPSTREAM if pair[0] == made):
        done = catalogued(made, file)
        assert done.rejects.filter("selected").is_empty(), (file.path, done.rejects["reason"].unique())
        assert done.yielding + done.rejects.height == done.rows == file.frame.height
        families |= {family for family, records in done.records.items() if records.height}
    assert families == set(sources()[made.source].families), "the sample shows all that a source yields"


def test_every_clean_row_yields_a_record_or_is_left_out_on_purpose(clean: list[Rows]) -> None:
    for rows in clean:
        made = normalised(rows)
        assert made.rejects.filter("selected").is_empty(), (rows.file, made.rejects["reason"].unique())
        assert made.yielding + made.rejects.height == made.rows == rows.frame.height


def test_no_two_clean_records_of_a_family_are_alike(pairs_only: list[Rows]) -> None:
    for family in FAMILIES.values():
        made = [
            records(rows, family.name).select("id", "text", "group")
            for rows in pairs_only
            if family.name in sources()[rows.source].families and rows.source != "countdown"
        ]
        made += [
            with_text(catalogued(*file).records[family.name], family.name).select("id", "text", "group")
            for file in UPSTREAM
            if family.name in catalogued(*file).records
        ]
        all_of_it = pl.concat(made)
        groups = all_of_it["group"].to_list()
        for left, right, similarity in alike(all_of_it["text"], 0.5):
            same_group = groups[left] is not None and groups[left] == groups[right]
            assert same_group, (family.name, all_of_it["id"][left], all_of_it["id"][right], similarity)


def test_countdown_tasks_differ_and_can_be_solved(clean: list[Rows]) -> None:
    tasks = next(rows.frame for rows in clean if rows.source == "countdown")
    assert tasks.select(pl.col("nums").list.sort().cast(pl.List(pl.String)).list.join(" "), "target").is_unique().all()
    assert all(target in reachable(numbers) for target, numbers in tasks.iter_rows())


def test_the_thoughts_of_sky_t1_are_right_and_end_in_the_answer(clean: list[Rows]) -> None:
    made = records(next(rows for rows in clean if rows.source == "sky_t1"), "cot")
    assert made["reasoning"].is_not_null().all()
    for text in made["text"]:
        plain = text.replace(r"\times", "*").replace(r"\(", " ").replace(r"\)", " ")
        stated = re.findall(r"((?:-?\d+ [-+*] )+-?\d+) = (-?\d+)", plain)
        assert len(stated) >= 3
        for expression, result in stated:
            assert evaluate(expression) == int(result), (expression, result)
    boxed = made["completion"].list.first().struct.field("content").str.extract(r"\\boxed\{(\d+)\}\\\)\.$")
    assert boxed.is_not_null().all()
    words = made["reasoning"].str.count_matches(r"\S+")
    assert words.min() >= 60
    assert words.mean() > 100


def test_texts_are_whole_sentences_without_repetition() -> None:
    for subject in subjects():
        for facet in subject.facets:
            assert re.fullmatch(r"[A-Z].*[.?]", facet.ask), facet.ask
            for text in filter(None, (facet.say, facet.short, facet.poor)):
                assert re.fullmatch(r"[A-Z].*\.", text), text
                sentences = re.split(r"(?<=[.?]) ", text)
                assert len(set(sentences)) == len(sentences)
                words = text.lower().split()
                assert all(left != right for left, right in pairwise(words)), text
            assert len(facet.say.split()) >= 35


def test_conversations_are_told_in_several_languages(clean: list[Rows]) -> None:
    spoken = pl.concat([records(rows, "instruction") for rows in clean if rows.source == "oasst1"])["language"]
    assert {"en", "de", "fr", "es", "zh", "ru", "pt-BR"} == set(spoken)


def test_trees_hold_ranked_siblings_and_continuations(clean: list[Rows]) -> None:
    pairs = pl.concat([records(rows, "preference") for rows in clean if rows.source == "oasst1"])
    assert pairs.height >= 10
    paths = pl.concat([records(rows, "instruction") for rows in clean if rows.source == "oasst1"])
    assert set(paths["prompt"].list.len()) == {1, 3}


def test_no_clean_record_shares_eight_words_with_a_benchmark(pairs_only: list[Rows]) -> None:
    told = load("benchmarks")
    test = next(rows for rows in sample.clean() if rows.file == gsm8k.TEST)
    items = [
        *test.frame["question"],
        *test.frame["answer"],
        *(text for item in told["math"] for text in (item["problem"], item["solution"])),
        *("\n".join([item["question"], *item["choices"]]) for item in told["mmlu"]),
        *(item["prompt"] + item["solution"] for item in told["humaneval"]),
        *(item["prompt"] for item in told["ifeval"]),
        *(" ".join([item["question"], item["best"]]) for item in told["truthfulqa"]),
    ]
    forbidden = frozenset().union(*(shingles(item, 8) for item in items))
    assert len(items) > 50
    for rows in pairs_only:
        for family in sources()[rows.source].families:
            for text in records(rows, family)["text"]:
                assert not shingles(text, 8) & forbidden, text


def test_items_that_leak_are_those_that_the_repositories_hold() -> None:
    test = next(rows for rows in sample.clean() if rows.file == gsm8k.TEST)
    items = benchmarks.items(test)
    assert [item.question for item in items[benchmarks.GSM8K]] == test.frame["question"].to_list()
    assert set(items) - {benchmarks.GSM8K} <= set(benchmarks.files())
