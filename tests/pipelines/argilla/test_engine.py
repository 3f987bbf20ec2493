"""The embedded engine through the real server, asked as its page and its client ask."""

import itertools
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import argilla as rg
import httpx2
import pytest

from pipelines.argilla import WORKSPACE
from pipelines.argilla.server import Server

COUNT = 30
NAMES = [f"r{number:02}" for number in range(COUNT)]


def record(number: int) -> rg.Record:
    suggestion = rg.Suggestion("verdict", ["keep", "drop"][number % 2], score=number / 100, agent=f"rule{number % 3}")
    return rg.Record(
        id=NAMES[number],
        fields={
            "prompt": [{"role": "user", "content": f"Question {number} about {'cats' if number % 2 else '机器学习'}"}],
            "answer": f"Answer {number}. " + "more " * (number % 4),
        },
        metadata={"source": ["alpaca", "dolly", "oasst"][number % 3], "tokens": number * 10, "score": number / 4}
        | ({"rules": ["short", "ascii"][: 1 + number % 2]} if number < 20 else {}),
        vectors={"meaning": [float(number), 10.0]},
        suggestions=[suggestion] if number < 24 else [],
    )


class Asked:
    """A published data set of COUNT records, and its search as the page of a user asks for it."""

    def __init__(self, server: Server) -> None:
        assert server.annotator is not None
        self.client = rg.Argilla(api_url=server.url, api_key=server.api_key)
        settings = rg.Settings(
            fields=[rg.ChatField("prompt"), rg.TextField("answer")],
            questions=[
                rg.LabelQuestion("verdict", labels=["keep", "drop"]),
                rg.RatingQuestion("rating", values=[1, 2, 3, 4, 5], required=False),
                rg.MultiLabelQuestion("defects", labels=["short", "wrong", "rude"], required=False),
            ],
            metadata=[
                rg.TermsMetadataProperty("source"),
                rg.TermsMetadataProperty("rules"),
                rg.IntegerMetadataProperty("tokens"),
                rg.FloatMetadataProperty("score"),
            ],
            vectors=[rg.VectorField("meaning", dimensions=2)],
            distribution=rg.TaskDistribution(min_submitted=2),
        )
        name = f"engine-{uuid.uuid4().hex[:8]}"
        self.dataset = rg.Dataset(name=name, workspace=WORKSPACE, settings=settings, client=self.client)
        self.dataset.create()
        self.dataset.records.log([record(number) for number in range(COUNT)])
        keys = {"owner": server.api_key, "annotator": server.annotator.api_key}
        self.users = {
            name: httpx2.Client(base_url=f"{server.url}/api/v1", headers={"X-Argilla-Api-Key": key}, timeout=60)
            for name, key in keys.items()
        }
        self.ids = {found["external_id"]: found["id"] for found in self.page(limit=COUNT)["records"]}

    def page(self, user: str = "owner", limit: int = 50, offset: int = 0, **body: Any) -> dict[str, Any]:
        """One page of search: `records`, `scores` and `total`."""
        path = f"/me/datasets/{self.dataset.id}/records/search"
        answer = self.users[user].post(path, params={"limit": limit, "offset": offset}, json=body)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return {
            "records": [item["record"] for item in found["items"]],
            "scores": [item["query_score"] for item in found["items"]],
            "total": found["total"],
        }

    def names(self, **asked: Any) -> list[str]:
        found = self.page(**asked)
        assert found["total"] >= len(found["records"])
        return [one["external_id"] for one in found["records"]]

    def filtered(self, *filters: dict[str, Any], **asked: Any) -> set[str]:
        return set(self.names(filters={"and": list(filters)}, **asked))

    def answer(self, user: str, name: str, status: str, **values: Any) -> None:
        body = {
            "record_id": self.ids[name],
            "status": status,
            "values": {key: {"value": value} for key, value in values.items()},
        }
        answer = self.users[user].post("/me/responses/bulk", json={"items": [body]})
        assert answer.status_code == 200 and answer.json()["items"][0]["error"] is None, answer.text


@pytest.fixture(scope="module")
def asked(argilla_server: Server) -> Iterator[Asked]:
    made = Asked(argilla_server)
    made.answer("owner", "r00", "submitted", verdict="keep", rating=5, defects=["short", "rude"])
    made.answer("owner", "r01", "submitted", verdict="drop", rating=1)
    made.answer("owner", "r02", "draft", verdict="keep")
    made.answer("owner", "r03", "discarded")
    made.answer("annotator", "r00", "submitted", verdict="drop", rating=2)
    made.answer("annotator", "r04", "submitted", verdict="drop", rating=4, defects=["wrong"])
    yield made
    for client in made.users.values():
        client.close()


def terms(*values: object, **scope: Any) -> dict[str, Any]:
    return {"type": "terms", "scope": scope, "values": list(values)}


def between(ge: object = None, le: object = None, **scope: Any) -> dict[str, Any]:
    bounds = {"ge": ge, "le": le}
    return {"type": "range", "scope": scope} | {key: value for key, value in bounds.items() if value is not None}


def where(condition: Any) -> set[str]:
    return {NAMES[number] for number in range(COUNT) if condition(number)}


def test_metadata_filters(asked: Asked) -> None:
    source = {"entity": "metadata", "metadata_property": "source"}
    rules = {"entity": "metadata", "metadata_property": "rules"}
    tokens = {"entity": "metadata", "metadata_property": "tokens"}
    score = {"entity": "metadata", "metadata_property": "score"}
    assert asked.filtered(terms("alpaca", "oasst", **source)) == where(lambda n: n % 3 != 1)
    assert asked.filtered(terms("ascii", **rules)) == where(lambda n: n < 20 and n % 2)  # any of several values
    assert asked.filtered(between(100, 150, **tokens)) == where(lambda n: 10 <= n <= 15)
    assert asked.filtered(between(le=1.25, **score)) == where(lambda n: n <= 5)
    both = asked.filtered(terms("dolly", **source), between(200, **tokens))
    assert both == where(lambda n: n % 3 == 1 and n >= 20)
    assert asked.filtered(terms("nobody", **source)) == set()


def test_suggestion_filters(asked: Asked) -> None:
    verdict = {"entity": "suggestion", "question": "verdict"}
    assert asked.filtered(terms("drop", **verdict, property="value")) == where(lambda n: n < 24 and n % 2)
    assert asked.filtered(terms("drop", **verdict)) == where(lambda n: n < 24 and n % 2)
    assert asked.filtered(between(0.1, 0.12, **verdict, property="score")) == {"r10", "r11", "r12"}
    assert asked.filtered(terms("rule1", **verdict, property="agent")) == where(lambda n: n < 24 and n % 3 == 1)


def test_response_filters_are_those_of_the_user_who_asks(asked: Asked) -> None:
    status = {"entity": "response", "property": "status"}
    assert asked.filtered(terms("submitted", **status)) == {"r00", "r01"}
    assert asked.filtered(terms("draft", "discarded", **status)) == {"r02", "r03"}
    assert asked.filtered(terms("pending", **status)) == where(lambda n: n >= 4)
    assert asked.filtered(terms("pending", "draft", **status)) == where(lambda n: n >= 4 or n == 2)
    assert asked.filtered(terms("submitted", **status), user="annotator") == {"r00", "r04"}
    assert asked.filtered(terms("pending", **status), user="annotator") == where(lambda n: n not in (0, 4))
    verdict, rating = ({"entity": "response", "question": name} for name in ("verdict", "rating"))
    defects = {"entity": "response", "question": "defects"}
    assert asked.filtered(terms("keep", **verdict)) == {"r00", "r02"}
    assert asked.filtered(terms("keep", **verdict), user="annotator") == set()
    assert asked.filtered(between(3, **rating)) == {"r00"}
    assert asked.filtered(terms(2, **rating), user="annotator") == {"r00"}
    assert asked.filtered(terms("rude", "wrong", **defects)) == {"r00"}


def test_record_filters(asked: Asked) -> None:
    def record(name: str) -> dict[str, Any]:
        return {"entity": "record", "property": name}

    assert asked.filtered(terms("completed", **record("status"))) == {"r00"}
    assert asked.filtered(terms("r07", "r08", "r99", **record("external_id"))) == {"r07", "r08"}
    assert asked.filtered(terms(asked.ids["r05"], **record("id"))) == {"r05"}
    dates = sorted(one["inserted_at"] for one in asked.page()["records"])
    assert len(asked.filtered(between(dates[0], dates[-1], **record("inserted_at")))) == COUNT
    assert asked.filtered(between(le="2020-01-01T00:00:00+02:00", **record("inserted_at"))) == set()


def test_orders(asked: Asked) -> None:
    def by(order: str, **scope: Any) -> list[str]:
        return asked.names(sort=[{"scope": scope, "order": order}])

    assert by("asc", entity="metadata", metadata_property="tokens") == NAMES
    assert by("desc", entity="metadata", metadata_property="score") == NAMES[::-1]
    assert by("desc", entity="record", property="external_id") == NAMES[::-1]
    assert by("desc", entity="suggestion", question="verdict", property="score")[:2] == ["r23", "r22"]
    assert set(by("asc", entity="suggestion", question="verdict", property="score")[24:]) == where(lambda n: n >= 24)
    assert by("asc", entity="response", question="rating")[:2] == ["r01", "r00"]
    twice = [
        {"scope": {"entity": "metadata", "metadata_property": "source"}, "order": "desc"},
        {"scope": {"entity": "metadata", "metadata_property": "tokens"}, "order": "asc"},
    ]
    assert asked.names(sort=twice) == [*NAMES[2::3], *NAMES[1::3], *NAMES[0::3]]


def test_pages_hold_every_record_once_and_each_user_has_a_stable_order(asked: Asked) -> None:
    orders = {}
    for user in ("owner", "annotator"):
        pages = [asked.names(user=user, limit=7, offset=offset) for offset in range(0, COUNT, 7)]
        orders[user] = list(itertools.chain(*pages))
        assert sorted(orders[user]) == NAMES
        assert orders[user] == asked.names(user=user)
    assert orders["owner"] != orders["annotator"]


def test_text(asked: Asked) -> None:
    def found(q: str, field: str | None = None, **more: Any) -> set[str]:
        return set(asked.names(query={"text": {"q": q} | ({"field": field} if field else {})}, **more))

    assert found("cats") == where(lambda n: n % 2)
    assert found("机器") == where(lambda n: n % 2 == 0)
    assert found("more cats") == where(lambda n: n % 2 and n % 4)
    assert found("cats -more") == where(lambda n: n % 2 and not n % 4)
    assert found("cats", "answer") == set()
    assert found("question", "prompt") == set(NAMES)
    assert found("!!!") == found("|") == set()
    assert found('"Answer 7"') == {"r07"}
    submitted = {"and": [terms("submitted", entity="response", property="status")]}
    assert found("cats", filters=submitted) == {"r01"}
    best = asked.page(query={"text": {"q": "more"}}, limit=3)
    assert all(one["fields"]["answer"].count("more") == 3 for one in best["records"])
    assert best["scores"] == sorted(best["scores"], reverse=True) and best["total"] == len(where(lambda n: n % 4))
    too_deep = asked.users["owner"].post(
        f"/me/datasets/{asked.dataset.id}/records/search", json={"query": {"text": {"q": "(a | b c " * 200}}}
    )
    assert too_deep.status_code == 422


def test_similarity(asked: Asked) -> None:
    def similar(limit: int = 5, order: str = "most_similar", **body: Any) -> tuple[list[str], list[float]]:
        vector = {"name": "meaning", "order": order, **body.pop("of")}
        found = asked.page(limit=limit, query={"vector": vector} | body.pop("query", {}), **body)
        return [one["external_id"] for one in found["records"]], found["scores"]

    names, scores = similar(of={"record_id": asked.ids["r20"]})
    assert "r20" not in names and set(names) == {"r18", "r19", "r21", "r22", "r23"}
    assert scores == sorted(scores, reverse=True) and 0.99 < scores[0] <= 1
    assert similar(of={"value": [0, 1]})[0] == NAMES[:5]
    assert similar(of={"value": [0, 1]}, order="least_similar")[0] == NAMES[:-6:-1]
    drop = {"and": [terms("drop", entity="suggestion", question="verdict")]}
    assert similar(of={"value": [0, 1]}, filters=drop)[0] == ["r01", "r03", "r05", "r07", "r09"]
    assert similar(of={"value": [0, 1]}, query={"text": {"q": "more cats"}})[0] == ["r01", "r03", "r05", "r07", "r09"]
    assert similar(of={"value": [0, 1]}, query={"text": {"q": "!?"}})[0] == []


def test_progress_and_metrics(asked: Asked) -> None:
    owner = asked.users["owner"]
    progress = owner.get(f"/datasets/{asked.dataset.id}/progress").json()
    assert (progress["total"], progress["completed"], progress["pending"]) == (COUNT, 1, COUNT - 1)
    mine = owner.get(f"/me/datasets/{asked.dataset.id}/metrics").json()["responses"]
    assert (mine["submitted"], mine["draft"], mine["discarded"]) == (2, 1, 1)
    properties = owner.get(f"/me/datasets/{asked.dataset.id}/metadata-properties").json()["items"]
    metrics = {one["name"]: owner.get(f"/metadata-properties/{one['id']}/metrics").json() for one in properties}
    assert {one["term"]: one["count"] for one in metrics["source"]["values"]} == {
        "alpaca": 10,
        "dolly": 10,
        "oasst": 10,
    }
    assert {one["term"]: one["count"] for one in metrics["rules"]["values"]} == {"short": 20, "ascii": 10}
    assert (metrics["tokens"]["min"], metrics["tokens"]["max"]) == (0, (COUNT - 1) * 10)
    assert (metrics["score"]["min"], metrics["score"]["max"]) == (0, (COUNT - 1) / 4)


def test_edit_and_delete_and_many_annotators_at_once(argilla_server: Server) -> None:
    """A data set of its own, since it changes."""
    asked = Asked(argilla_server)
    text = {"query": {"text": {"q": "zebra"}}}
    assert asked.names(**text) == []
    changed = rg.Record(
        id="r01",
        fields={"prompt": [{"role": "user", "content": "zebra"}], "answer": "Answer 1"},
        metadata={"source": "alpaca", "tokens": 999},
        vectors={"meaning": [-1.0, 0.0]},
    )
    asked.dataset.records.log([changed])
    assert asked.names(**text) == ["r01"]
    assert asked.names(query={"text": {"q": "cats"}}, limit=COUNT).count("r01") == 0
    assert asked.filtered(between(999, entity="metadata", metadata_property="tokens")) == {"r01"}
    opposite = {"vector": {"name": "meaning", "value": [-1, 0], "order": "most_similar"}}
    assert asked.names(query=opposite, limit=1) == ["r01"]
    assert asked.page()["total"] == COUNT
    deleted = asked.users["owner"].delete(f"/records/{asked.ids['r01']}")
    assert deleted.status_code == 200
    assert asked.names(**text) == []
    assert asked.names(query=opposite, limit=1) != ["r01"]
    assert asked.page()["total"] == COUNT - 1
    some = NAMES[2:12]

    def answer(user: str) -> None:
        for name in some:
            asked.answer(user, name, "submitted", verdict="keep")
        assert asked.page(user=user, query={"text": {"q": "question"}})["total"] == COUNT - 1

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(answer, ["owner", "annotator"]))
    progress = asked.dataset.progress(with_users_distribution=True)
    assert (progress["total"], progress["completed"]) == (COUNT - 1, len(some))
    assert progress["users"]["annotator"]["completed"]["submitted"] == len(some)
    asked.dataset.delete()
