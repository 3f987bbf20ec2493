"""The real server killed with all its processes: the next start brings the index up to the server's tables."""

import json

import argilla as rg
import psutil
import pytest

from pipelines.argilla import WORKSPACE
from pipelines.argilla.place import Place
from pipelines.argilla.server import running
from pipelines.workspace import Workspace


def found(server_url: str, key: str, query: str) -> int:
    dataset = rg.Argilla(api_url=server_url, api_key=key).datasets("killed", workspace=WORKSPACE)
    return len(list(dataset.records(rg.Query(query=query))))


@pytest.mark.slow
def test_a_killed_server_loses_nothing(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARGILLA_API_URL", "ARGILLA_API_KEY", "ARGILLA_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    ours = Place(place.argilla)
    with running(place) as server:
        client = rg.Argilla(api_url=server.url, api_key=server.api_key)
        questions = [rg.LabelQuestion("verdict", labels=["keep", "drop"])]
        settings = rg.Settings(fields=[rg.TextField("text")], questions=questions)
        dataset = rg.Dataset(name="killed", workspace=WORKSPACE, settings=settings, client=client)
        dataset.create()
        dataset.records.log([rg.Record(id=str(n), fields={"text": f"zebra {n}"}) for n in range(250)])
        processes = [psutil.Process(int(pid)) for pid in json.loads(ours.state.read_text())["processes"]]
        for process in processes:
            process.kill()
    psutil.wait_procs(processes, timeout=20)
    for file in ours.folder.glob("search.db*"):
        file.unlink()
    with running(place) as again:
        assert again.api_key == server.api_key
        assert found(again.url, again.api_key, "zebra") == 250
        assert found(again.url, again.api_key, '"zebra 7"') == 1
