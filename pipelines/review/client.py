"""The connection to Argilla: what goes wrong there becomes an error that says what to do.

Argilla's client knows datasets and their settings; of records it forgets who answered when, so these are read from its
API as they are.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import httpx
import polars as pl

from pipelines.argilla import WORKSPACE
from pipelines.argilla.server import Server
from pipelines.errors import TamisError
from pipelines.review import forms
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import argilla as rg

TIMEOUT_S: Final = 60
"""Seconds that an answer may take; a bulk of records takes one or two, and twenty on a loaded machine."""

PAGE: Final = 100
"""Records that are sent or read at a time."""

_DELETED_AT_ONCE: Final = 100
"""What Argilla takes."""

_RESPONSE: Final = pl.Struct(
    {
        "id": pl.String,
        "status": pl.String,
        "user_id": pl.String,
        "updated_at": pl.String,
        "values": pl.Struct(
            {
                "decision": pl.Struct({"value": pl.String}),
                "reasons": pl.Struct({"value": pl.List(pl.String)}),
                "rating": pl.Struct({"value": pl.Int64}),
                "preferred": pl.Struct({"value": pl.String}),
                "correction": pl.Struct({"value": pl.String}),
            }
        ),
    }
)

RECORDS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "id": pl.String,
    "external_id": pl.String,
    "status": pl.String,
    "metadata": pl.Struct({"sent": pl.String, "pushed": pl.String}),
    "responses": pl.List(_RESPONSE),
    "suggestions": pl.List(pl.Struct({"id": pl.String})),
}
"""What is read of a record: no text."""


class UnansweredError(TamisError):
    """Argilla cannot be reached, or not in time, or answers with an error of its own."""


@dataclass(frozen=True)
class Found:
    """A dataset of ours. `active`: when something was last answered in it, as Argilla writes it."""

    id: str
    name: str
    recipe: str
    family: str
    form: str
    ready: bool
    active: str


@contextlib.contextmanager
def answered(url: str) -> Iterator[None]:
    """Turn what goes wrong between here and the Argilla at `url` into a TamisError."""
    from argilla._exceptions import ArgillaAPIError, ArgillaError

    try:
        yield
    except httpx.HTTPStatusError as error:
        raise _refused(url, error.response.status_code, error.response.text) from error
    except httpx.TimeoutException as error:
        raise _unanswered(url, f"did not answer within {TIMEOUT_S} seconds") from error
    except httpx.HTTPError as error:
        raise _unanswered(url, f"cannot be reached: {error}") from error
    except ArgillaAPIError as error:
        raise _refused(url, error.status_code, str(error)) from error
    except ArgillaError as error:
        cause = error.__cause__
        if isinstance(cause, ArgillaAPIError):
            raise _refused(url, cause.status_code, str(error)) from error
        raise _unanswered(url, f"refused: {error}") from error


@contextlib.contextmanager
def connected(url: str, api_key: str) -> Iterator["rg.Argilla"]:
    """Argilla's client, closed at the end. TamisError for whatever goes wrong with it inside the block."""
    with answered(url):
        import argilla as rg

        client = rg.Argilla(api_url=url, api_key=api_key, timeout=TIMEOUT_S, retries=2)
        with contextlib.closing(client.http_client):
            yield client


def argilla_workspace(workspace: Workspace, server: Server) -> str:
    """Name of Argilla's workspace. In a server that several of ours may share, sample rows and real ones never meet."""
    return f"{WORKSPACE}-{workspace.path.name}" if server.credentials is None else WORKSPACE


def workspace_id(client: "rg.Argilla", name: str) -> UUID | None:
    """Argilla's id of a workspace; None where there is none of the name."""
    return next((one.id for one in client.workspaces.list() if one.name == name), None)


def open_workspace(client: "rg.Argilla", name: str) -> None:
    """Make a workspace if it is not there."""
    import argilla as rg

    if workspace_id(client, name) is None:
        rg.Workspace(name=name, client=client).create()


def datasets(client: "rg.Argilla", workspace: str) -> list[Found]:
    """The datasets of ours in a workspace of Argilla, the oldest first; none where there is no such workspace."""
    there = workspace_id(client, workspace)
    if there is None:
        return []
    got = client.http_client.get("/api/v1/me/datasets", params={"workspace_id": str(there)})
    items = got.raise_for_status().json()["items"]
    found = []
    for item in items:
        ours = forms.parsed(item["name"])
        if ours is not None:
            ready = item["status"] == "ready"
            found.append(Found(item["id"], item["name"], *ours, ready=ready, active=item["last_activity_at"]))
    return found


def records(client: "rg.Argilla", dataset: str) -> pl.DataFrame:
    """Every record of a dataset with its responses, in the schema RECORDS."""
    pages = [pl.DataFrame(schema=RECORDS)]
    while True:
        got = client.http_client.get(
            f"/api/v1/datasets/{dataset}/records",
            params={"include": ["responses", "suggestions"], "offset": sum(map(len, pages)), "limit": PAGE},
        )
        items = got.raise_for_status().json()["items"]
        if not items:
            return pl.concat(pages)
        pages.append(pl.DataFrame(items, schema=RECORDS, strict=False))


def users(client: "rg.Argilla") -> dict[str, str]:
    """Name of each user by its id."""
    items = client.http_client.get("/api/v1/users").raise_for_status().json()["items"]
    return {item["id"]: item["username"] for item in items}


def send(client: "rg.Argilla", dataset: str, items: pl.Series) -> None:
    """Add or update records, given as JSON; answers that are there stay as they are."""
    for batch in items.to_frame("item").iter_slices(PAGE):
        body = f'{{"items":[{batch["item"].str.join(",").item()}]}}'
        client.http_client.put(
            f"/api/v1/datasets/{dataset}/records/bulk",
            content=body.encode(),
            headers={"content-type": "application/json"},
        ).raise_for_status()


def delete(client: "rg.Argilla", dataset: str, ids: pl.Series) -> None:
    """Delete records, given by Argilla's ids, with their answers."""
    for batch in ids.to_frame("id").iter_slices(_DELETED_AT_ONCE):
        client.http_client.delete(
            f"/api/v1/datasets/{dataset}/records", params={"ids": batch["id"].str.join(",").item()}
        ).raise_for_status()


def _unanswered(url: str, what: str) -> UnansweredError:
    return UnansweredError(
        what,
        where=f"Argilla at {url}",
        cure="Nothing is lost: start it (`make up`), then materialise this again.",
    )


def _refused(url: str, status: int, said: str) -> TamisError:
    where = f"Argilla at {url}"
    if status == 401:
        return TamisError("does not know the API key", where=where, cure="Set ARGILLA_API_KEY to that of an owner.")
    if status == 403:
        cure = "Set ARGILLA_API_KEY to that of an owner."
        return TamisError(f"does not allow this to the user of the API key: {said[:300]}", where=where, cure=cure)
    if status >= 500:
        return _unanswered(url, f"answered {status}: {said[:300]}")
    return TamisError(f"answered {status}: {said[:300]}", where=where, cure="Is it an Argilla server 2.8?")
