"""Argilla's assets, jobs and sensor as Dagster runs them, before the real server."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import dagster as dg
import pytest
from review_lake import Annotator, review_lake

from assets.definitions import defs
from assets.graph import Graph
from assets.jobs import pull_when_answered
from assets.resources import Tamis
from pipelines.argilla.server import Server
from pipelines.lake import Lake
from pipelines.review import client as api
from pipelines.workspace import Workspace


@pytest.fixture
def instance(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Dagster, in the workspace `place`; no Argilla is named."""
    monkeypatch.setenv("TAMIS_HUB", "sample")
    for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(instance: dg.DagsterInstance, job: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(
        partition_key=partition, instance=instance, raise_on_error=False
    )


def look(cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    return pull_when_answered(dg.build_sensor_context(cursor=cursor), tamis=Tamis())


def test_the_queue_goes_out_and_a_sensor_fetches_what_is_answered(
    instance: dg.DagsterInstance,
    place: Workspace,
    lake: Lake,
    argilla_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(look(), dg.SkipReason), "nobody runs one, and the sensor starts none"
    made = review_lake(lake)
    lake.replace("review_queue", made.queue("grpo", (0, "random kept"), (1, "random dropped")), partition="default")
    monkeypatch.setenv("ARGILLA_API_URL", argilla_server.url)
    monkeypatch.setenv("ARGILLA_API_KEY", argilla_server.api_key)
    pushed = run(instance, "push_to_argilla", "default")
    assert pushed.success
    told = pushed.asset_materializations_for_node("argilla")[0].metadata
    assert (told["sent"].value, told["withdrawn"].value) == (2, 0)
    with api.connected(argilla_server.url, argilla_server.api_key) as client:
        found = api.datasets(client, f"tamis-{place.path.name}")
        records = api.records(client, found[0].id)
    before = look()
    assert isinstance(look(before.cursor), dg.SkipReason)
    Annotator(argilla_server.url, argilla_server.api_key).answer(records["id"][0], decision="drop")
    after = look(before.cursor)
    assert [request.run_key for request in after.run_requests] == [after.cursor]
    pulled = run(instance, "pull_from_argilla")
    assert pulled.success
    assert pulled.asset_materializations_for_node("verdicts")[0].metadata["new"].value == 1
    assert lake.rows("verdicts") == 1


def test_an_argilla_that_is_down_stops_nothing_else(
    instance: dg.DagsterInstance, place: Workspace, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ARGILLA_API_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        monkeypatch.setenv("ARGILLA_API_KEY", "key")
        review_lake(lake)
        graph = Graph(place, None, None)
        graph._instance = instance
        with ExitStack() as argilla:
            graph._pull(argilla)
            graph._review_all(["default"], argilla)
    assert len(graph.failures) == 2, "and neither raised"
    assert all("Check ARGILLA_API_URL" in failure for failure in graph.failures)
    assert lake.rows("verdicts") == 0
