"""What a snapshot holds, and what it asks the Hub for."""

import re
import shutil
import uuid
from pathlib import Path

import pytest
from hub_faults import Requests
from hub_repositories import CARD, make, parquet, settings, write
from hub_switch import CACHE, ENDPOINT, serving

from pipelines.errors import TamisError
from pipelines.hub import Absent, Hub, UpstreamFile, Wanted

MAIN = Wanted("main", ("train", "test"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.rmtree(CACHE, ignore_errors=True)
    return tmp_path / "hub"


@pytest.fixture
def repo() -> str:
    """A name of its own for each test: `datasets` remembers what it was told of one."""
    return f"org/set-{uuid.uuid4().hex[:8]}"


def hub(*, online: bool = True) -> Hub:
    return Hub(None, CACHE, online=online)


def places(files: tuple[UpstreamFile, ...]) -> list[tuple[str, str, int, str]]:
    return [(file.config, file.split, file.number, file.path) for file in files]


def test_a_snapshot_has_the_files_in_order_with_their_content(folder, repo):
    root = make(folder, repo)
    with serving(folder):
        pulled = hub().snapshot(repo, [MAIN, Wanted("other", ("train",))])
    assert (pulled.repo, pulled.asked, pulled.license, pulled.absent) == (repo, repo, "mit", ())
    assert re.fullmatch("[0-9a-f]{40}", pulled.revision)
    assert places(pulled.files) == [
        ("main", "train", 0, "main/train-00000-of-00002.parquet"),
        ("main", "train", 1, "main/train-00001-of-00002.parquet"),
        ("main", "test", 0, "main/test-00000-of-00001.parquet"),
        ("other", "train", 0, "other.jsonl"),
    ]
    for file in pulled.files:
        assert file.local.read_bytes() == (root / file.path).read_bytes()
        assert file.size == (root / file.path).stat().st_size
    assert all(pulled.revision in str(file.local) for file in pulled.files)


def test_a_second_snapshot_asks_for_the_commit_and_nothing_else(folder, repo):
    make(folder, repo)
    seen = Requests()
    with serving(folder, seen.wrap):
        first = hub().snapshot(repo, [MAIN])
        asked = len(seen.seen)
        assert hub().snapshot(repo, [MAIN]) == first
    assert asked < 30
    assert seen.paths()[asked:] == [f"/api/datasets/{repo}"]


def test_a_moved_commit_fetches_only_what_changed(folder, repo):
    root = make(folder, repo)
    seen = Requests()
    with serving(folder, seen.wrap):
        first = hub().snapshot(repo, [MAIN])
        parquet(root / "main/train-00001-of-00002.parquet", 100, seed=9)
        asked = len(seen.seen)
        second = hub().snapshot(repo, [MAIN])
    assert first.revision != second.revision
    assert [f.etag for f in first.files][::2] == [f.etag for f in second.files][::2]
    assert first.files[1].etag != second.files[1].etag
    fetched = [path for verb, path, *_ in seen.seen[asked:] if verb == "GET" and path.endswith(".parquet")]
    assert fetched == [f"/datasets/{repo}/resolve/{second.revision}/main/train-00001-of-00002.parquet"]


def test_a_pinned_revision_stays_though_main_moves(folder, repo):
    root = make(folder, repo)
    parquet(root / ".refs/convert/parquet/main/train/0000.parquet", 7)
    converted = Wanted("main", ("train",), {"train": "main/train/*.parquet"})
    with serving(folder):
        pinned = hub().revision(repo, "refs/convert/parquet")
        assert pinned != hub().revision(repo)
        write(root / "more.txt", "main moves")
        pulled = hub().snapshot(repo, [converted], revision=pinned)
        assert pulled == hub().snapshot(repo, [converted], revision="refs/convert/parquet")
        assert (pulled.revision, [file.path for file in pulled.files]) == (pinned, ["main/train/0000.parquet"])
        with pytest.raises(TamisError, match=r"no such revision.*pin another"):
            hub().snapshot(repo, [MAIN], revision="0" * 40)


@pytest.mark.parametrize("pin", ["0" * 40, "40b4365"])
def test_what_a_folder_holds_stands_for_a_pinned_commit(folder, repo, pin):
    make(folder, repo)
    with serving(folder):
        assert hub(online=False).snapshot(repo, [MAIN], revision=pin) == hub().snapshot(repo, [MAIN])
        assert hub(online=False).revision(repo, pin) == hub().revision(repo)
        with pytest.raises(TamisError, match=r"no such revision.*pin another"):
            hub().snapshot(repo, [MAIN], revision=pin)


def test_splits_may_be_named_by_a_pattern(folder, repo):
    make(folder, repo)
    with serving(folder):
        every = hub().snapshot(repo, [Wanted("main", ("*",))])
        assert {file.split for file in every.files} == {"train", "test"}
        assert every.files == hub().snapshot(repo, [Wanted("main", ("t*n", "te*"))]).files
        assert hub(online=False).snapshot(repo, [Wanted("main", ("*_sft",))]).absent == ("main/*_sft",)
        with pytest.raises(TamisError, match=r"has no split \*_sft of main\. It has test, train"):
            hub().snapshot(repo, [Wanted("main", ("*_sft",))])


def test_a_renamed_repository_is_found_under_its_old_name(folder, repo):
    make(folder, repo)
    settings(folder / "org/old", renamed_to=repo)
    with serving(folder):
        pulled = hub().snapshot("org/old", [MAIN])
        assert (pulled.asked, pulled.repo, len(pulled.files)) == ("org/old", repo, 3)


def test_the_default_config_is_found_and_named(folder, repo):
    root = folder / repo
    write(root / "README.md", "---\nlicense: [mit, cc-by-4.0]\n---\n")
    write(root / "rows.jsonl", '{"a": 1}\n')
    with serving(folder):
        pulled = hub().snapshot(repo, [Wanted(None, ("train",))])
        assert pulled == hub().snapshot(repo, [Wanted(None, ("train",))])
    assert places(pulled.files) == [("default", "train", 0, "rows.jsonl")]
    assert pulled.license == "mit AND cc-by-4.0"


def test_several_configs_without_a_default_are_named(folder, repo):
    make(folder, repo)
    with serving(folder), pytest.raises(TamisError, match=r"several configs and no default.*main, other"):
        hub().snapshot(repo, [Wanted(None, ("train",))])


@pytest.mark.parametrize(
    ("wanted", "absent", "error"),
    [
        (Wanted("none", ("train",)), "none", r"has no config none\. It has main, other"),
        (Wanted("main", ("train", "gone")), "main/gone", r"has no split gone of main\. It has test, train"),
        (Wanted("x", ("train",), {"train": "no/*.json"}), "x/train", r"has no split train of x\. It has README.md"),
    ],
)
def test_what_is_missing_is_an_error_online_and_absent_in_a_folder(folder, repo, wanted, absent, error):
    make(folder, repo)
    with serving(folder):
        with pytest.raises(TamisError, match=error):
            hub().snapshot(repo, [wanted])
        pulled = hub(online=False).snapshot(repo, [wanted, MAIN])
    assert pulled.absent == (absent,)
    assert "main/test-00000-of-00001.parquet" in [file.path for file in pulled.files]


def test_a_folder_may_hold_a_part_of_what_its_card_names(folder, repo):
    root = make(folder, repo)
    (root / "other.jsonl").unlink()
    with serving(folder):
        pulled = hub(online=False).snapshot(repo, [MAIN, Wanted("other", ("train",))])
        assert pulled.absent in {("other",), ("other/train",)}
        assert len(pulled.files) == 3
        with pytest.raises(TamisError, match=r"cannot be resolved|has no"):
            hub().snapshot(repo, [Wanted("other", ("train",))])


def test_a_missing_repository_is_absent_in_a_folder_and_an_error_online(folder, repo):
    make(folder, repo)
    with serving(folder):
        for ask in (lambda where: where.revision("org/none"), lambda where: where.snapshot("org/none", [MAIN])):
            with pytest.raises(Absent, match="org/none"):
                ask(hub(online=False))
            with pytest.raises(TamisError, match="org/none") as refused:
                ask(hub())
            assert not isinstance(refused.value, Absent)
        with pytest.raises(TamisError, match="not the name of a repository"):
            hub().revision("a/b/c")


def test_a_loading_script_is_told_with_the_cure(folder, repo):
    name = repo.split("/")[1]
    write(folder / repo / f"{name}.py", "raise SystemExit('scripts must not run')")
    with serving(folder), pytest.raises(TamisError, match=r"script.*data_files, or read the revision refs/convert"):
        hub().snapshot(repo, [Wanted(None, ("train",))])


def test_named_files_need_neither_card_nor_config(folder, repo):
    write(folder / repo / "README.md", CARD.replace("main/train-*", "nothing/*"))
    for name in ("b", "a"):
        write(folder / repo / f"x/{name}.jsonl.gz", name)
    wanted = Wanted("x", ("train",), {"train": ("x/b.jsonl.gz", "x/*.gz")})
    seen = Requests()
    with serving(folder, seen.wrap):
        pulled = hub().snapshot(repo, [wanted])
    assert places(pulled.files) == [("x", "train", 0, "x/b.jsonl.gz"), ("x", "train", 1, "x/a.jsonl.gz")]
    assert len(seen.seen) == 2 + 2 * 2, "card, tree, and head and body of each file"


def test_what_a_snapshot_would_fetch_is_known_before(folder, repo):
    root = make(folder, repo)
    seen = Requests()
    with serving(folder, seen.wrap):
        planned, to_fetch = hub().look(repo, [MAIN])
        assert not [path for path in seen.paths("GET") if path.endswith(".parquet") and "/resolve/" in path]
        fetched = []
        pulled = hub().snapshot(repo, [MAIN], progress=lambda path, done, total: fetched.append((done, total)))
        assert hub().look(repo, [MAIN]) == (pulled, 0)
    assert planned == pulled
    assert to_fetch == sum(path.stat().st_size for path in (root / "main").iterdir())
    assert max(fetched) == (to_fetch, to_fetch)


def test_a_process_keeps_to_one_hub(tmp_path):
    with pytest.raises(TamisError, match="belongs to the Hub"):
        Hub("https://huggingface.co", CACHE, online=True)
    with pytest.raises(TamisError, match="belongs to the Hub"):
        Hub(ENDPOINT, tmp_path, online=False)
