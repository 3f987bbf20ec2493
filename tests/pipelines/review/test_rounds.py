"""The round to Argilla and back, with the real client and the real server."""

import dataclasses
import json
import uuid
from typing import Any

import argilla as rg
import polars as pl
import pytest
from review_lake import Annotator

from pipelines.review import client as api
from pipelines.review import forms
from pipelines.review.fields import left_is_chosen
from schemas.families import FAMILIES

Round = Any  # the class is in conftest.py, which cannot be imported from


def test_each_family_is_shown_as_it_is_and_nothing_in_it_can_run(round_: Round) -> None:
    made = round_.made
    asked = [(0, "near a threshold"), (1, "random kept"), (2, "random dropped")]
    done = round_.push(*(made.queue(family, *asked) for family in FAMILIES))
    assert done.families["sent"].to_list() == [3, 3, 3, 3]
    for family in FAMILIES:
        trap, kept, dropped = round_.records(family)
        shown = json.dumps(trap["fields"])
        assert "<script" not in shown and "<img" not in shown
        assert family == "grpo" or "&lt;/script&gt;" in shown
        assert family == "grpo" or "$$x$$" in shown
        assert "It says &lt;nothing&gt;." in trap["fields"]["why"]
        assert trap["metadata"]["rules"] == ["short"]
        assert trap["metadata"]["fate"] == "rule"
        assert {s["value"] if isinstance(s["value"], str) else s["value"][0] for s in trap["suggestions"]} == {
            "drop",
            "other",
        }
        for control in (kept, dropped):
            assert control["suggestions"] == []
            assert control["fields"].get("why") is None
            assert not {"short", "rule", "random kept", "random dropped"} & set(
                json.dumps(control["metadata"]).split('"')
            )
        assert len(trap["vectors"]["hashed_words"]) == forms.VECTOR_SIZE
        again = {record["external_id"] for record in round_.records(family)}
        assert again == {content.hex() for content in made.queue(family, *asked)["content_hash"]}


def test_the_order_of_two_sides_is_drawn_from_the_content(round_: Round) -> None:
    made = round_.made
    round_.push(made.queue("preference", *((row, "random kept") for row in range(6))))
    left = made.lake.scan("records_preference").select("content_hash", left=left_is_chosen()).collect()
    orders = dict(left.select(pl.col("content_hash").bin.encode("hex"), "left").rows())
    assert set(orders.values()) == {True, False}
    for record in round_.records("preference"):
        sides = record["fields"]["sides"]
        assert (sides.index("good ") < sides.index("bad ")) is orders[record["external_id"]]
    for row, record in enumerate(round_.records("preference")):
        chosen = "left" if orders[record["external_id"]] else "right"
        round_.annotator.answer(record["id"], decision="keep", preferred=chosen if row % 2 else "neither")
    round_.pull()
    preferred = dict(round_.verdicts().select(pl.col("content_hash").bin.encode("hex"), "preferred").rows())
    said = [preferred[record["external_id"]] for record in round_.records("preference")]
    assert said == ["neither", "chosen"] * 3


def test_pushing_again_sends_what_changed_and_doubles_nothing(round_: Round) -> None:
    made = round_.made
    first = made.queue("cot", (0, "near a threshold"), (1, "near a threshold"), (2, "random kept"))
    round_.push(first)
    assert round_.push(first).families.row(0, named=True)["unchanged"] == 3
    changed = made.queue("cot", (0, "near a threshold"), (1, "random dropped"), (3, "random kept"))
    done = round_.push(changed).families.row(0, named=True)
    assert (done["unchanged"], done["sent"], done["withdrawn"]) == (1, 2, 1)
    found = round_.records("cot")
    assert len(found) == 3
    assert found[1]["suggestions"] == [], "it is a control now, so that what was suggested is gone"
    assert found[1]["fields"].get("why") is None


def test_answers_come_back_once_with_who_and_when(round_: Round) -> None:
    made = round_.made
    asked = made.queue("instruction", *((row, "near a threshold") for row in range(3)), (3, "random kept"))
    round_.push(asked)
    first, second, third, fourth = round_.records("instruction")
    given = round_.annotator.answer(
        first["id"], decision="fix", reasons=["cut off", "other"], rating=4, correction="Better."
    )
    round_.annotator.answer(second["id"], "draft", decision="keep")
    round_.annotator.answer(third["id"], "discarded")
    Annotator(round_.server.url, round_.server.api_key).answer(fourth["id"], decision="drop")
    assert round_.pull().new == 4
    assert round_.pull().new == 0
    rows = round_.verdicts()
    assert rows["status"].to_list() == ["submitted", "draft", "discarded", "submitted"]
    assert rows["user"].to_list() == [round_.server.annotator.username] * 3 + [round_.server.username]
    row = rows.row(0, named=True)
    assert row["response"] == given["id"]
    assert row["at"].isoformat().startswith(given["updated_at"])
    assert (row["decision"], row["reasons"], row["rating"], row["correction"]) == (
        "fix",
        ["cut off", "other"],
        4,
        "Better.",
    )
    assert (row["ground"], row["fate"], row["rules"], row["shown"]) == (
        "near a threshold",
        "rule",
        ["short"],
        ["rule:short"],
    )
    assert row["form"] == forms.FORMS["instruction"].identity
    assert rows.row(3, named=True)["weight"] == 2.5
    round_.annotator.edit(given["id"], decision="drop", reasons=["poor quality"])
    assert round_.pull().new == 1
    edited = round_.verdicts().filter(pl.col("response") == given["id"])
    assert edited["decision"].to_list() == ["fix", "drop"]
    assert edited["at"].n_unique() == 2


def test_answered_records_are_never_touched(round_: Round) -> None:
    made = round_.made
    round_.push(made.queue("instruction", *((row, "near a threshold") for row in range(5))))
    before = round_.records("instruction")
    round_.annotator.answer(before[0]["id"], decision="keep")
    round_.annotator.answer(before[1]["id"], "draft", decision="keep")
    round_.annotator.answer(before[2]["id"], "discarded")
    done = round_.push(made.queue("instruction", *((row, "random kept") for row in range(4))))
    assert done.pulled.new == 3, "before anything is withdrawn"
    after = round_.records("instruction")
    for name in ("id", "fields", "metadata", "suggestions", "vectors"):
        assert [record[name] for record in after[:3]] == [record[name] for record in before[:3]]
    assert [len(record["responses"]) for record in after] == [1, 1, 1, 0]
    assert after[3]["fields"] != before[3]["fields"]
    row = done.families.row(0, named=True)
    assert (row["sent"], row["answered"], row["withdrawn"]) == (1, 3, 1)


def test_what_was_decided_elsewhere_is_withdrawn(round_: Round) -> None:
    """An answer from another form, another Argilla or a file, to a record that waits here."""
    made = round_.made
    asked = made.queue("grpo", (0, "near a threshold"), (1, "near a threshold"))
    round_.push(asked)
    first = round_.records("grpo")[0]
    round_.annotator.answer(first["id"], decision="keep")
    round_.pull()
    api.delete(round_.client, round_.datasets("grpo")[0].id, pl.Series([first["id"]]))
    done = round_.push(asked).families.row(0, named=True)
    assert (done["sent"], done["unchanged"]) == (0, 1), "who answered is not asked again"


def test_a_changed_form_is_a_new_dataset(round_: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    made = round_.made
    asked = made.queue("cot", *((row, "near a threshold") for row in range(3)))
    round_.push(asked)
    old = round_.datasets("cot")[0]
    answered = round_.records("cot")[0]
    round_.annotator.answer(answered["id"], decision="drop")
    form = forms.FORMS["cot"]
    question = dataclasses.replace(form.questions[0], title="Is it good?")
    monkeypatch.setitem(forms.FORMS, "cot", dataclasses.replace(form, questions=(question, *form.questions[1:])))
    done = round_.push(asked)
    assert done.pulled.new == 1
    new = next(found for found in round_.datasets("cot") if found.id != old.id)
    assert new.form != old.form
    assert api.records(round_.client, old.id)["id"].to_list() == [answered["id"]]
    assert api.records(round_.client, new.id).height == 2
    assert round_.pull().new == 0


def test_the_deleted_do_no_harm(round_: Round) -> None:
    made = round_.made
    asked = made.queue("instruction", *((row, "near a threshold") for row in range(4)))
    round_.push(asked)
    name = f"u{uuid.uuid4().hex[:8]}"
    user = rg.User(username=name, password="passw0rd", role="annotator", client=round_.client).create()
    user.add_to_workspace(round_.client.workspaces(round_.name))
    key = round_.client.http_client.get(f"/api/v1/users/{user.id}").json()["api_key"]
    first, second, *_ = round_.records("instruction")
    Annotator(round_.server.url, key).answer(first["id"], decision="drop")
    given = round_.annotator.answer(second["id"], decision="keep")
    assert round_.pull().new == 2
    user.delete()
    assert round_.pull().new == 0, "who left keeps the verdicts that were given"
    round_.annotator.take_back(given["id"])
    assert round_.pull().new == 1
    last = round_.verdicts().row(-1, named=True)
    assert (last["response"], last["status"], last["decision"]) == (given["id"], "withdrawn", "keep")
    assert round_.pull().new == 0
    round_.client.api.datasets.delete(uuid.UUID(round_.datasets("instruction")[0].id))
    assert round_.pull().new == 0
    assert round_.push(asked).families.row(0, named=True)["sent"] == 3, "all but the one that was decided"
