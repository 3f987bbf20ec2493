"""One round of review: the queue goes to Argilla, answers come back, and a cheap look says whether there are any."""

import polars as pl

from pipelines.argilla.server import Server
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.review import client as api
from pipelines.review.pull import Pulled, pull
from pipelines.review.push import Pushed, push
from pipelines.states import last_pass
from pipelines.workspace import Workspace


def push_queue(workspace: Workspace, lake: Lake, server: Server, name: str, recipe: Recipe) -> Pushed:
    """Make Argilla hold the review queue of a recipe, as its last pass drew it. TamisError where Argilla fails."""
    queue = lake.scan("review_queue").filter(pl.col("recipe") == name).collect()
    number = int(queue["pass"].max()) if queue.height else None  # type: ignore[arg-type]
    published = last_pass(lake, name, number)
    if published is None:
        raise TamisError("has no pass yet", where=f"recipe {name}", cure="Materialise its `ledger` first.")
    with workspace.lock("argilla", f"the review queue of {name}"), api.connected(server.url, server.api_key) as client:
        return push(client, api.argilla_workspace(workspace, server), lake, published, recipe, queue)


def pull_answers(workspace: Workspace, lake: Lake, server: Server) -> Pulled:
    """Every answer that Argilla has and `verdicts` has not. TamisError where Argilla fails."""
    with api.connected(server.url, server.api_key) as client:
        return pull(client, api.argilla_workspace(workspace, server), lake)


def last_activity(workspace: Workspace, server: Server) -> str:
    """When anything was last answered in our datasets, as Argilla writes it; empty where nothing ever was.

    Two requests, whatever the datasets hold.
    """
    with api.connected(server.url, server.api_key) as client:
        found = api.datasets(client, api.argilla_workspace(workspace, server))
        return max((one.active for one in found), default="")
