"""The mutators on real rows, which they were not made for; and what they do not touch."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from defect_checks import Files, check
from sample_rows import load

from pipelines.sample_hub import sample
from pipelines.sample_hub.defects import ALL, copies, leaks, lines, transcripts
from pipelines.sample_hub.defects.copies import inserted
from pipelines.sample_hub.defects.leaks import Item
from pipelines.sample_hub.defects.plant import Copier, Defect, Spoiler, choose, usable
from pipelines.sample_hub.generators import alpaca, countdown, dolly, gsm8k, oasst1, sky_t1
from pipelines.sample_hub.layouts import LAYOUTS
from pipelines.sample_hub.rows import Rows
from pipelines.sample_hub.similarity import jaccard

ROWS = 400
LONG = {"sky_t1": 40}  # rows of some thousand words
REAL = {
    "alpaca": alpaca.FILE,
    "dolly": dolly.FILE,
    "oasst1": oasst1.TRAIN,
    "hh_rlhf": "harmless-base/train.jsonl.gz",
    "sky_t1": sky_t1.FILE,
    "gsm8k": gsm8k.TRAIN,
    "countdown": countdown.FILE,
}
CASES = [(defect, source) for defect in ALL for source in defect.sources if "across" not in defect.kind]


@cache
def real(folder: Path, source: str) -> Rows:
    """Some hundred real rows of a source; trees whole."""
    rows = load(folder, source, REAL[source])
    frame = rows.frame.head(LONG.get(source, ROWS))
    if source == "oasst1":
        trees = rows.frame["message_tree_id"].unique(maintain_order=True).head(ROWS // 4)
        frame = rows.frame.filter(pl.col("message_tree_id").is_in(trees.implode()))
    return Rows(source, rows.file, frame)


def ids(case: object) -> str:
    return case.kind if isinstance(case, Spoiler | Copier) else str(case)


@pytest.mark.parametrize(("defect", "source"), CASES, ids=ids)
def test_defects_are_planted_in_real_rows(defect: Defect, source: str, real_hub: Path) -> None:
    rows, generator = real(real_hub, source), np.random.default_rng(5)
    positions = choose(rows, defect, 4, generator)
    made = defect.plant(rows, positions, generator)
    assert made.plants.height == 4
    assert made.rows.frame.schema == rows.frame.schema
    files = Files({(source, rows.file): made.rows})
    for plant in made.plants.to_dicts():
        check(plant, files)
    touched = set(made.plants["row"]) if isinstance(defect, Spoiler) else set()
    untouched = [row for row in range(rows.frame.height) if row not in touched]
    assert made.rows.frame[untouched].equals(rows.frame[untouched])


@pytest.mark.parametrize("defect", [copies.ACROSS, copies.NEAR_ACROSS], ids=ids)
@pytest.mark.parametrize(
    ("source", "target"),
    [("alpaca", "dolly"), ("dolly", "oasst1"), ("oasst1", "alpaca"), ("gsm8k", "sky_t1"), ("dolly", "alpaca")],
)
def test_real_rows_are_copied_into_other_layouts(defect: Copier, source: str, target: str, real_hub: Path) -> None:
    if source not in defect.sources:
        assert defect is copies.NEAR_ACROSS
        return
    rows, into, generator = real(real_hub, source), real(real_hub, target), np.random.default_rng(6)
    made = defect.plant(rows, choose(rows, defect, 3, generator), generator, into)
    assert made.rows.source == target
    assert made.rows.frame.head(into.frame.height).equals(into.frame)
    files = Files({(source, rows.file): rows, (target, into.file): made.rows})
    for plant in made.plants.to_dicts():
        check(plant, files)


def test_the_same_generator_plants_the_same(real_hub: Path) -> None:
    rows = real(real_hub, "alpaca")
    made = [copies.NEAR_DUPLICATE.plant(rows, [5, 9], np.random.default_rng(1)).rows.frame for _ in range(2)]
    assert made[0].equals(made[1])
    other = copies.NEAR_DUPLICATE.plant(rows, [5, 9], np.random.default_rng(2)).rows.frame
    assert not made[0].equals(other)


def test_defects_are_not_planted_where_they_do_not_fit(real_hub: Path) -> None:
    rows = real(real_hub, "alpaca")
    short = next(row for row in range(ROWS) if len(rows[row]["output"].split() + rows[row]["instruction"].split()) < 12)
    assert not copies.NEAR_DUPLICATE.suits(rows, short)
    with pytest.raises(ValueError, match="no near-duplicate can be made of it"):
        copies.NEAR_DUPLICATE.plant(rows, [short], np.random.default_rng(1))
    assert not transcripts.IDENTICAL_PAIR.suits(rows, 0)
    with pytest.raises(ValueError, match="suits 1 rows, 2 are wanted"):
        one = Rows("alpaca", rows.file, rows.frame.head(1))
        choose(one, copies.EXACT, 2, np.random.default_rng(1))


def test_taken_rows_are_not_chosen(real_hub: Path) -> None:
    rows = Rows("gsm8k", REAL["gsm8k"], real(real_hub, "gsm8k").frame.head(10))
    assert choose(rows, copies.EXACT, 3, np.random.default_rng(1), taken=range(7)) == [7, 8, 9]


def test_answers_that_other_rows_of_a_tree_need_are_left_alone(real_hub: Path) -> None:
    rows = real(real_hub, "oasst1")
    chosen = rows.frame[usable(rows)]
    assert chosen.height > 50
    assert set(chosen["role"]) == {"assistant"}
    assert chosen.filter(pl.col("rank") == 0).is_empty()
    assert not chosen["message_id"].is_in(rows.frame["parent_id"].drop_nulls().implode()).any()


def test_renumbered_problems_are_worked_right(real_hub: Path) -> None:
    from pipelines.sample_hub.arithmetic import evaluate

    rows, generator = real(real_hub, "gsm8k"), np.random.default_rng(8)
    made = copies.OTHER_NUMBERS.plant(rows, choose(rows, copies.OTHER_NUMBERS, 25, generator), generator)
    assert made.plants.height == 25
    for plant in made.plants.to_dicts():
        copy, of = made.rows[plant["row"]], rows[plant["of_row"]]
        marks = copies._MARK.findall(copy["answer"])
        assert all(evaluate(expression) == evaluate(result) for expression, result in marks)
        gold, before = (row["answer"].rpartition("#### ")[2] for row in (copy, of))
        assert gold != before
        assert gold in {result for _, result in marks}
        assert jaccard(copy["question"], of["question"]) >= copies.LOOKALIKE


def test_leaks_into_real_rows_keep_a_long_run_of_the_question(real_hub: Path) -> None:
    question = (
        "A ship carries nine crates of tea and eleven crates of silk from one port to another port in the far south."
    )
    item = Item("org/bench", question, "9 + 11 = <<9+11=20>>20", "20", "It carries twenty crates.")
    for source in ("alpaca", "dolly", "oasst1", "sky_t1", "gsm8k"):
        rows = real(real_hub, source)
        plain = leaks.leak(rows, [item], np.random.default_rng(1))
        edited = leaks.leak(rows, [item], np.random.default_rng(1), edited=True)
        for made, kind in ((plain, leaks.LEAKED), (edited, leaks.EDITED)):
            layout, row = LAYOUTS[source], made.plants["row"][0]
            asked = layout.read(layout.unit(made.rows, row))["question"]
            assert made.plants["kind"].to_list() == [kind]
            assert (asked == question) == (kind == leaks.LEAKED)
            assert 0.3 < jaccard(asked, question) <= 1
    with pytest.raises(ValueError, match="too short to be edited"):
        leaks.leak(rows, [Item("b", "7 + 5?", "", "12", "12")], np.random.default_rng(1), edited=True)


@pytest.mark.parametrize("breaker", lines.ALL, ids=lambda breaker: breaker.kind)
@pytest.mark.parametrize("source", ["dolly", "hh_rlhf", "sky_t1"])
def test_lines_of_real_rows_are_broken(breaker: lines.Breaker, source: str, real_hub: Path) -> None:
    from sample_rows import said

    from pipelines.sample_hub import files

    rows = real(real_hub, source)
    texts = files.lines(rows.frame, rows.file)
    broken, plants = breaker.plant(texts, [3, 8], np.random.default_rng(1), source, rows.file)
    assert [row for row, line in enumerate(broken) if said(line) is None] == [3, 8] == plants["row"].to_list()
    assert all(a == b for row, (a, b) in enumerate(zip(texts, broken, strict=True)) if row not in (3, 8))
    assert all(b"\n" not in line for line in broken) or source == "sky_t1"


@pytest.mark.parametrize("text", ["", "one", "```\nlet x = some code here\n```", r"\(a + by cd\)", "请问 这个"])
def test_words_are_not_put_where_they_would_break_something(text: str) -> None:
    assert inserted(text, np.random.default_rng(1)) is None


def test_accessors_write_what_they_read() -> None:
    for rows in sample.clean():
        if "red" in rows.file:
            continue
        layout = LAYOUTS[rows.source]
        for position in usable(rows):
            unit = layout.unit(rows, position)
            assert layout.write(unit, layout.read(unit)) == unit
