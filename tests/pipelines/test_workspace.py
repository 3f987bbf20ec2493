import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.errors import TamisError
from pipelines.workspace import ROOT, Workspace, current, last, remember, workspace

_spawn = multiprocessing.get_context("spawn")


def test_a_workspace_refuses_another_hub(place: Workspace, tmp_path: Path) -> None:
    with pytest.raises(TamisError, match="belongs to the Hub 'sample'"):
        workspace("online", at=place.path)
    folder = tmp_path / "hub"
    folder.mkdir()
    with pytest.raises(TamisError, match="belongs to the Hub 'sample'"):
        workspace(str(folder), at=place.path)


def test_folders_of_one_name_have_workspaces_of_their_own(place: Workspace, tmp_path: Path) -> None:
    folders = [tmp_path / "a" / "rows", tmp_path / "b" / "rows"]
    for folder in folders:
        folder.mkdir(parents=True)
    first, second = (workspace(str(folder)) for folder in folders)
    assert first.path != second.path
    assert first.path.name.startswith("rows-")
    assert workspace(str(folders[0])).path == first.path


def test_a_missing_folder_is_named_with_the_cure(place: Workspace, tmp_path: Path) -> None:
    with pytest.raises(TamisError, match=r"no such folder.*Name a folder"):
        workspace(str(tmp_path / "nowhere"))


def test_a_loopback_hub_never_sees_the_users_token_or_caches(place: Workspace) -> None:
    environment = place.environment("http://127.0.0.1:1")
    assert environment["HF_TOKEN"] is None
    for name in ("HF_HOME", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_TOKEN_PATH"):
        assert Path(str(environment[name])).is_relative_to(place.path)


def test_the_users_own_token_is_not_found_in_a_loopback_workspace(place: Workspace, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".cache" / "huggingface").mkdir(parents=True)
    (home / ".cache" / "huggingface" / "token").write_text("hf_secret")
    script = (
        "from pathlib import Path; from pipelines.workspace import Workspace;"
        f"Workspace(Path({str(place.path)!r}), 'sample').activate('http://127.0.0.1:1');"
        "from huggingface_hub import get_token, constants; print(get_token(), constants.ENDPOINT)"
    )
    environment = os.environ | {"HOME": str(home), "HF_TOKEN": "hf_other"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "http://127.0.0.1:1"]


def test_a_process_keeps_to_one_hub(place: Workspace) -> None:
    script = (
        "import os; os.environ['HF_ENDPOINT'] = 'http://127.0.0.1:2'; import huggingface_hub.constants;"
        "from pathlib import Path; from pipelines.workspace import Workspace;"
        f"Workspace(Path({str(place.path)!r}), 'sample').activate('http://127.0.0.1:1')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "already works with the Hub at http://127.0.0.1:2" in done.stderr


def test_the_last_run_is_opened_again(place: Workspace) -> None:
    assert last() is None
    assert current().hub == "online"
    remember(place)
    assert last() == place
    assert current() == place


def _hold(path: Path, seconds: float) -> None:
    with Workspace(path, "sample").lock("lake", "the other run"):
        (path / "held").touch()
        time.sleep(seconds)


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_who_waits_says_for_whom_and_a_dead_holder_leaves_no_lock(place: Workspace) -> None:
    holder = _spawn.Process(target=_hold, args=(place.path, 600))
    holder.start()
    _wait_for(place.path / "held")
    told: list[str] = []

    def kill(message: str) -> None:
        told.append(message)
        os.kill(int(holder.pid or 0), signal.SIGKILL)

    with place.lock("lake", "this run", kill):
        assert told == [f"waiting for the other run (process {holder.pid}) to release lake"]
    holder.join()


def test_a_lock_is_reentrant_in_its_thread(place: Workspace) -> None:
    with place.lock("lake", "outer"), place.lock("lake", "inner"):
        pass
    with place.lock("lake", "again"):
        pass


def test_a_damaged_or_foreign_note_is_told_with_the_cure(place: Workspace) -> None:
    marker = place.path / "workspace.json"
    marker.write_text('{"hub": "sample", "layout": 99}')
    with pytest.raises(TamisError, match=r"layout 99.*Use the version of Tamis that made it"):
        workspace("sample")
    marker.write_text('{"hub": "sam')
    with pytest.raises(TamisError, match=r"workspace.json: is damaged.*Delete this file"):
        workspace("sample")


def test_a_lock_that_is_held_is_not_waited_for_where_that_is_asked(place: Workspace) -> None:
    with place.lock_if_free("source-a", "one") as mine, place.lock_if_free("source-a", "the same thread") as again:
        assert (mine, again) == (True, True)
    holder = _spawn.Process(target=_hold, args=(place.path, 600))
    holder.start()
    _wait_for(place.path / "held")
    with place.lock_if_free("lake", "this run") as mine:
        assert not mine
    holder.kill()
    holder.join()
    with place.lock_if_free("lake", "this run") as mine:
        assert mine
