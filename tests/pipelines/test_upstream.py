"""A look at where upstream is: one repository that cannot be had hides no other."""

import shutil
import uuid
from pathlib import Path

import pytest
from hub_faults import refusing
from hub_repositories import make, settings
from hub_switch import CACHE, serving
from numbers_source import SOURCE

from pipelines.hub import Hub, Unreachable, errors
from pipelines.sources.source import Source
from pipelines.upstream import look


@pytest.fixture
def repos(tmp_path: Path) -> dict[str, str]:
    shutil.rmtree(CACHE, ignore_errors=True)
    return {name: f"org/{name}-{uuid.uuid4().hex[:8]}" for name in ("good", "broken", "missing", "pinned", "old")}


def test_each_commit_is_seen_whatever_befalls_the_others(tmp_path, place, repos, monkeypatch):
    monkeypatch.setattr(errors, "_pause", lambda _: None)
    folder = tmp_path / "hub"
    for name in ("good", "broken", "pinned"):
        make(folder, repos[name])
    settings(folder / repos["old"], renamed_to=repos["good"])
    with serving(folder, refusing(9999, 503, where=repos["broken"])):
        hub = Hub(None, CACHE, online=False)
        good, pinned = hub.revision(repos["good"]), hub.revision(repos["pinned"])
        sources = {name: Source(repo=repo, license=None, reads=SOURCE.reads) for name, repo in repos.items()}
        sources["pinned"] = Source(repo=repos["pinned"], license=None, reads=SOURCE.reads, revision=pinned)
        seen = look(hub, place, sources)
        online = look(Hub(None, CACHE, online=True), place, sources)
    assert seen.commits == {"good": good, "pinned": pinned, "old": good}
    assert seen.absent.keys() == {"missing"}
    assert seen.failed.keys() == {"broken"}
    assert isinstance(seen.failed["broken"], Unreachable)
    assert online.absent == {}
    assert online.failed.keys() == {"broken", "missing"}
