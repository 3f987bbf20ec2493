"""An Argilla that is down, slow or broken: the step says what to do, and the next one makes it good."""

import socket
from typing import Any

import pytest
from argilla_faults import proxied

from pipelines.errors import TamisError
from pipelines.review import client as api

Round = Any


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("500", "answered 500"),
        pytest.param("slow", "did not answer within 2", marks=pytest.mark.slow),
        pytest.param("cut", "cannot be reached", marks=pytest.mark.slow),
    ],
)
def test_a_push_that_breaks_in_the_middle_is_made_good(
    round_: Round, monkeypatch: pytest.MonkeyPatch, fault: str, said: str
) -> None:
    monkeypatch.setattr(api, "PAGE", 2)  # so that a push has several parts
    made, server = round_.made, round_.server
    asked = made.queue("grpo", *((row, "near a threshold") for row in range(5)))
    with proxied(server.url) as proxy:
        proxy.fault = fault
        with api.connected(proxy.url, server.api_key) as client:
            round_.push(asked.head(1), client=client)
        proxy.bulks = 1
        if fault == "slow":
            monkeypatch.setattr(api, "TIMEOUT_S", 2)
        with pytest.raises(TamisError, match=said) as caught, api.connected(proxy.url, server.api_key) as client:
            round_.push(asked, client=client)
    assert proxy.url in caught.value.where
    assert "Nothing is lost" in caught.value.cure
    there = round_.records("grpo")
    assert 1 < len(there) <= 5, "of what is cut off, the part that was on its way had arrived"
    round_.annotator.answer(there[0]["id"], decision="keep")
    round_.push(asked)
    after = round_.records("grpo")
    assert [record["external_id"] for record in after] == [content.hex() for content in asked["content_hash"]]
    assert after[0]["responses"], "an answer that came between the two"
    assert round_.verdicts().height == 1


def test_a_dataset_that_a_killed_push_left_unpublished_is_made_anew(round_: Round) -> None:
    import argilla as rg

    from pipelines.review.forms import FORMS

    name = FORMS["grpo"].dataset("default")
    dataset = rg.Dataset(name=name, workspace=round_.name, client=round_.client)
    super(rg.Dataset, dataset).create()
    assert [found.ready for found in round_.datasets("grpo")] == [False]
    assert round_.pull().new == 0
    asked = round_.made.queue("grpo", (0, "near a threshold"))
    assert round_.push(asked).families["sent"].to_list() == [1]
    assert [found.ready for found in round_.datasets("grpo")] == [True]


def test_a_server_that_is_down_and_a_key_that_is_wrong_are_told_apart(round_: Round) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(api.UnansweredError, match="cannot be reached"), api.connected(url, "key"):
            pass
    with pytest.raises(TamisError, match="does not know the API key"), api.connected(round_.server.url, "wrong"):
        pass
