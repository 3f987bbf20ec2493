"""A small lake and a workspace of its own in the Argilla that all tests share."""

import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any

import argilla as rg
import polars as pl
import pytest
from review_lake import RECIPE, Annotator, ReviewLake, review_lake

from pipelines.argilla.server import Server
from pipelines.lake import Lake
from pipelines.review import client as api
from pipelines.review.pull import Pulled, pull
from pipelines.review.push import Pushed, push


@dataclasses.dataclass
class Round:
    """One lake and its own workspace of the shared Argilla."""

    made: ReviewLake
    client: rg.Argilla
    server: Server
    name: str

    def push(self, *queues: pl.DataFrame, client: rg.Argilla | None = None) -> Pushed:
        queue = pl.concat(queues)
        return push(client or self.client, self.name, self.made.lake, self.made.published, RECIPE, queue)

    def pull(self) -> Pulled:
        return pull(self.client, self.name, self.made.lake)

    @property
    def annotator(self) -> Annotator:
        return Annotator(self.server.url, self.server.annotator.api_key)

    def datasets(self, family: str) -> list[api.Found]:
        return [found for found in api.datasets(self.client, self.name) if found.family == family]

    def records(self, family: str) -> list[dict[str, Any]]:
        """What Argilla has of a family, in the order of the records' ids in the lake."""
        order = self.made.lake.scan(f"records_{family}").select("content_hash").collect()["content_hash"]
        place = {content.hex(): number for number, content in enumerate(order)}
        found = [
            record
            for dataset in self.datasets(family)
            for record in self.client.http_client.get(
                f"/api/v1/datasets/{dataset.id}/records",
                params={"include": ["responses", "suggestions", "vectors"], "limit": 1000},
            ).json()["items"]
        ]
        return sorted(found, key=lambda record: place[record["external_id"]])

    def verdicts(self) -> pl.DataFrame:
        return self.made.lake.scan("verdicts").sort("at").collect()


@pytest.fixture
def round_(lake: Lake, argilla_server: Server) -> Iterator[Round]:
    made = review_lake(lake)
    name = f"test-{uuid.uuid4().hex[:8]}"
    with api.connected(argilla_server.url, argilla_server.api_key) as client:
        annotator = next(user for user in client.users.list() if user.username == argilla_server.annotator.username)
        rg.Workspace(name=name, client=client).create().add_user(annotator)
        yield Round(made, client, argilla_server, name)
