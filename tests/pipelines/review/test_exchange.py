"""The queue as a file and back, on a small lake."""

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from lakes import Lakes, instructions, known
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.ledger import publish_ledger
from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe, Review
from pipelines.review.asked import asked, shown_records
from pipelines.review.exchange import export_queue, import_verdicts
from pipelines.review.forms import FORMS
from pipelines.review.measure import measure
from pipelines.review.queue import CONTROLS, refresh_queue
from pipelines.states import Pass
from schemas.families import FAMILIES

SHORT = Rule(name="short", signal="completion_words", comparison="<", threshold=5, why="It says nothing.")
RECIPE = Recipe(sources={"aa": None}, rules=[SHORT], review=Review(budget=20))
QUEUED = 13
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def published(lake: Lake) -> Pass:
    made = Lakes(lake)
    asked = [(f"Question {n}?", f"Answer {n}.") for n in range(30)]
    made.source("aa", instructions("aa", asked), completion_words=list(range(30)))
    done = publish_ledger(made.state(), "default", RECIPE, known("aa")).published
    refresh_queue(lake, done, RECIPE)
    return done


def filled(path: Path, **answers) -> list[dict[str, object]]:
    """The rows of an exported file, with the same answers in the first three."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows[:3]:
        row.update(answers)
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return rows


def test_a_file_goes_out_and_comes_back_once(lake: Lake, published: Pass, tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    assert export_queue(lake, path) == QUEUED
    rows = filled(path, decision="drop", reasons="cut off; other", rating=2)
    assert rows[0]["prompt"].startswith("user: Question ") and rows[0]["completion"].startswith("Answer ")
    done = import_verdicts(lake, path, user="ana", at=NOON)
    assert (done.rows, done.answered, done.new) == (QUEUED, 3, 3)
    assert import_verdicts(lake, path, user="ana").new == 0, "the same answers at another time"
    held = lake.scan("verdicts").collect()
    queued = lake.scan("review_queue").collect()
    same = held.join(queued, on=["content_hash", "family", "ground", "fate"], how="semi")
    assert same.height == held.height == 3 and held["reasons"].to_list() == [["cut off", "other"]] * 3
    filled(path, decision="keep")
    assert import_verdicts(lake, path, user="ana").new == 3, "she changed her mind"
    assert import_verdicts(lake, path, user="ben").new == 3
    refresh_queue(lake, published, RECIPE)
    asked = lake.scan("review_queue").collect()
    assert asked.join(held, on="content_hash", how="semi").is_empty()
    late = import_verdicts(lake, path, user="eva")
    assert late.new == 3, "the file names the queue that it was written from"


def test_a_control_looks_like_any_other_row(lake: Lake, published: Pass, tmp_path: Path) -> None:
    path = tmp_path / "queue.parquet"
    export_queue(lake, path)
    file = pl.read_parquet(path)
    assert not {"ground", "fate", "weight", "rules", "reason", "priority"} & set(file.columns)
    queued = lake.scan("review_queue").collect().with_columns(pl.col("content_hash").bin.encode("hex"))
    control = file.join(queued.filter(pl.col("ground").is_in(CONTROLS)), on="content_hash", how="semi")
    assert set(control["shown"]) == {""} and "rule:short" in set(file["shown"])
    typed = file.with_columns(decision=pl.lit("keep"), user=pl.lit("ana"), reasons=pl.lit(["other"]))
    typed.write_parquet(path)
    assert import_verdicts(lake, path).new == QUEUED


WRONG = [
    ({"decision": "maybe"}, "row 1, column decision: 'maybe' is none of keep, drop, fix, and so in 2 more rows"),
    ({"rating": 7}, "row 1, column rating: 7 is not from 1"),
    ({"rating": 2.5}, "row 1, column rating: 2.5 is no whole number"),
    ({"rating": "good"}, "row 1, column rating: 'good' is no whole number"),
    ({"reasons": "ugly"}, "row 1, column reasons: 'ugly' is none of empty or placeholder, "),
    ({"preferred": "chosen"}, "row 1, column preferred: 'chosen' is said of a record without sides"),
    ({"decision": "keep", "queue": 99}, "row 1, column queue: 99 is no version"),
    ({"decision": "keep", "content_hash": "00"}, "row 1, column content_hash: '00' is answered twice"),
    ({"decision": "keep", "recipe": "other"}, "row 1, column content_hash: '[0-9a-f]*' is not in the queue"),
    ({"decision": "keep", "seconds": -1}, "row 1, column seconds: -1.0 is less than nothing"),
]


def test_what_is_wrong_is_named_and_nothing_is_taken(lake: Lake, published: Pass, tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    for answers, said in WRONG:
        export_queue(lake, path)
        filled(path, **answers)
        with pytest.raises(TamisError, match=said):
            import_verdicts(lake, path, user="ana")
    assert lake.version("verdicts") is None


def test_the_commands_say_what_they_did(lake: Lake, published: Pass, tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    told = CliRunner().invoke(app, ["review", "export", str(path), "--hub", "sample"])
    assert told.output == f"{QUEUED} records to {path}\n"
    filled(path, decision="keep")
    told = CliRunner().invoke(app, ["review", "import", str(path), "--user", "ana", "--hub", "sample"])
    assert told.output == f"3 of {QUEUED} rows are answered: 3 new verdicts, 0 known before\n"
    with pytest.raises(TamisError, match="neither parquet nor JSONL"):
        export_queue(lake, tmp_path / "queue.xlsx")
    with pytest.raises(TamisError, match="queue is empty"):
        export_queue(lake, path, "raw")


def test_what_review_brought_is_measured(lake: Lake, published: Pass, tmp_path: Path) -> None:
    path = tmp_path / "queue.parquet"
    export_queue(lake, path)
    junk = ["Answer 0.", "Answer 2."]  # of the five that the rule drops
    file = pl.read_parquet(path).with_columns(
        decision=pl.when(pl.col("completion").is_in(junk)).then(pl.lit("drop")).otherwise(pl.lit("keep")),
        seconds=pl.lit(36.0),
    )
    file.write_parquet(path)
    import_verdicts(lake, path, user="ana")
    second = publish_ledger(published.state, "default", RECIPE, known("aa")).published
    assert second.number == published.number + 1 and "verdicts" in second.versions
    told = measure(second, RECIPE, lake.scan("verdicts").collect())
    assert (told.answers, told.people, sum(told.decided.values())) == (QUEUED, 1, QUEUED)
    row = told.rules.row(0, named=True)
    assert row["rule"] == "short" and row["recall"] == 1 and 0 < row["precision"] < 1
    assert told.below["rule"].to_list() == ["short"]
    saved = file.filter((pl.col("decision") == "keep") & pl.col("shown").str.contains("rule:short")).height
    assert told.gains.gained == saved and told.gains.removed == told.decided["drop"]
    assert told.gains.hours == pytest.approx(QUEUED / 100)
    assert told.gains.per_hour == pytest.approx((saved + told.decided["drop"]) / told.gains.hours)


def test_personal_data_is_redacted_as_the_recipe_says_before_anybody_is_asked(lake: Lake, tmp_path: Path) -> None:
    recipe = RECIPE.model_copy(update={"redact": ["emails"]})
    made = Lakes(lake)
    texts = [(f"Whose is ann{n}@example.org?", f"Write to bob{n}@example.org, he knows it.") for n in range(10)]
    made.source("aa", instructions("aa", texts), completion_words=[9] * 10)
    done = publish_ledger(made.state(), "default", recipe, ("aa",)).published
    queue = refresh_queue(lake, done, recipe)
    family = FAMILIES["instruction"]
    rows = shown_records(done, recipe, family, queue)
    questions = dict.fromkeys(question.name for question in FORMS["instruction"].questions)
    pushed = asked(rows, recipe, family, [], {name: name for name in questions})
    export_queue(lake, tmp_path / "queue.jsonl")
    for told in (json.dumps(pushed.to_dicts(), default=str), (tmp_path / "queue.jsonl").read_text(encoding="utf-8")):
        assert "[e-mail]" in told and "he knows it" in told
        assert "example.org" not in told
