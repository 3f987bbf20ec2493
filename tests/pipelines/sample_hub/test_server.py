"""The sample Hub as the real clients see it."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from urllib.parse import urlparse

import httpx2
import polars as pl
import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoFolder

from pipelines.errors import TamisError
from pipelines.sample_hub.server import serve

CARD = """---
license: mit
configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
---
A card with `---` in it.
"""


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "hub"
    write(root / "org/set/README.md", CARD)
    write(root / "org/set/notes/ünïcode name.txt", "ä" * 10)
    (root / "org/set/main").mkdir()
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet(root / "org/set/main/train-00000-of-00001.parquet")
    write(root / "org/set/.git/config", "not served")
    write(root / "org/closed/.hub.json", json.dumps({"gated": True}))
    write(root / "org/closed/a.jsonl", '{"a": 1}\n')
    write(root / "org/old/.hub.json", json.dumps({"renamed_to": "org/set"}))
    return root


@pytest.fixture
def api(folder):
    with serve(folder) as endpoint:
        yield HfApi(endpoint=endpoint, token=False)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def tree(api, repo="org/set", **how):
    return list(api.list_repo_tree(repo, repo_type="dataset", **how))


def get(api, path, **headers):
    return httpx2.get(f"{api.endpoint}/datasets/org/set/resolve/{path}", headers=headers, trust_env=False)


def test_info_gives_commit_card_and_files(api):
    info = api.dataset_info("org/set", files_metadata=True)
    assert info.id == "org/set"
    assert len(info.sha) == 40
    assert info.card_data.license == "mit"
    assert {file.rfilename for file in info.siblings} == {
        "README.md",
        "main/train-00000-of-00001.parquet",
        "notes/ünïcode name.txt",
    }
    assert api.dataset_info("org/set", revision=info.sha).sha == info.sha


def test_content_ids_are_those_of_git_and_lfs(api, folder, tmp_path):
    files = {entry.path: entry for entry in tree(api, recursive=True) if isinstance(entry, RepoFile)}
    readme = files["README.md"]
    git = subprocess.run(["git", "hash-object", folder / "org/set/README.md"], capture_output=True, text=True)
    assert readme.blob_id == git.stdout.strip()
    assert readme.lfs is None
    parquet = files["main/train-00000-of-00001.parquet"]
    content = (folder / "org/set" / parquet.path).read_bytes()
    assert parquet.lfs.sha256 == hashlib.sha256(content).hexdigest()
    assert parquet.size == parquet.lfs.size == len(content)
    pointer = tmp_path / "pointer"
    pointer.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{parquet.lfs.sha256}\nsize {len(content)}\n"
    )
    git = subprocess.run(["git", "hash-object", pointer], capture_output=True, text=True)
    assert parquet.blob_id == git.stdout.strip()
    assert parquet.lfs.pointer_size == pointer.stat().st_size


def test_tree_lists_one_folder_or_all(api):
    assert {entry.path for entry in tree(api)} == {"README.md", "main", "notes"}
    assert [type(entry) for entry in tree(api) if entry.path == "main"] == [RepoFolder]
    assert [entry.path for entry in tree(api, path_in_repo="main")] == ["main/train-00000-of-00001.parquet"]
    assert len(tree(api, recursive=True)) == 5


def test_tree_is_paged(api, folder):
    for number in range(2345):
        write(folder / f"org/many/part/{number:05}.txt", "")
    files = [entry.path for entry in tree(api, "org/many", recursive=True) if isinstance(entry, RepoFile)]
    assert files == [f"part/{number:05}.txt" for number in range(2345)]
    first = httpx2.get(f"{api.endpoint}/api/datasets/org/many/tree/main?recursive=true", trust_env=False)
    assert len(first.json()) == 1000
    assert "next" in first.links


def test_paths_info_skips_what_is_not_there(api):
    found = api.get_paths_info("org/set", ["main", "README.md", "nothing"], repo_type="dataset")
    assert [(entry.path, type(entry)) for entry in found] == [("main", RepoFolder), ("README.md", RepoFile)]


def test_download_is_cached_by_commit_and_content(api, folder, tmp_path):
    for name in ("main/train-00000-of-00001.parquet", "notes/ünïcode name.txt"):
        local = hf_hub_download(
            "org/set", name, repo_type="dataset", endpoint=api.endpoint, cache_dir=tmp_path, token=False
        )
        assert Path(local).read_bytes() == (folder / "org/set" / name).read_bytes()
        assert api.dataset_info("org/set").sha in local
    blobs = {path.name for path in (tmp_path / "datasets--org--set/blobs").iterdir()}
    content = (folder / "org/set/main/train-00000-of-00001.parquet").read_bytes()
    assert hashlib.sha256(content).hexdigest() in blobs


def test_head_and_ranges(api, folder):
    content = (folder / "org/set/README.md").read_bytes()
    head = httpx2.head(f"{api.endpoint}/datasets/org/set/resolve/main/README.md", trust_env=False)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(content))
    assert head.headers["x-repo-commit"] == api.dataset_info("org/set").sha
    part = get(api, "main/README.md", Range="bytes=5-9")
    assert (part.status_code, part.content) == (206, content[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(content)}"
    assert part.headers["etag"] == head.headers["etag"]
    assert get(api, "main/README.md", Range=f"bytes={len(content)}-").status_code == 416


def test_a_change_is_a_new_commit_and_the_old_one_is_gone(api, folder):
    before = api.dataset_info("org/set").sha
    write(folder / "org/set/notes/ünïcode name.txt", "b" * 20)  # as many bytes as before
    after = api.dataset_info("org/set").sha
    assert after != before
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info("org/set", revision=before)
    write(folder / "org/set/notes/ünïcode name.txt", "ä" * 10)
    assert api.dataset_info("org/set").sha == before


def test_refs_convert_parquet_is_a_revision_of_its_own(api, folder, tmp_path):
    converted = folder / "org/set/.refs/convert/parquet/default/train/0000.parquet"
    converted.parent.mkdir(parents=True)
    pl.DataFrame({"b": [1]}).write_parquet(converted)
    info = api.dataset_info("org/set", revision="refs/convert/parquet")
    assert info.sha != api.dataset_info("org/set").sha
    for revision in ("refs/convert/parquet", info.sha):
        local = hf_hub_download(
            "org/set",
            "default/train/0000.parquet",
            repo_type="dataset",
            revision=revision,
            endpoint=api.endpoint,
            cache_dir=tmp_path,
            token=False,
        )
        assert Path(local).read_bytes() == converted.read_bytes()
    paths = [entry.path for entry in tree(api, recursive=True, revision="refs/convert/parquet")]
    assert "default/train/0000.parquet" in paths
    assert not any(".refs" in entry.path for entry in tree(api, recursive=True))


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda api: api.dataset_info("org/none"), RepositoryNotFoundError),
        (lambda api: api.dataset_info("none"), RepositoryNotFoundError),
        (lambda api: download(api, "a.jsonl", repo="none"), RepositoryNotFoundError),
        (lambda api: tree(api, "org/none"), RepositoryNotFoundError),
        (lambda api: api.dataset_info("org/set", revision="v9"), RevisionNotFoundError),
        (lambda api: tree(api, path_in_repo="none"), EntryNotFoundError),
        (lambda api: download(api, "none.txt"), EntryNotFoundError),
        (lambda api: download(api, ".hub.json"), EntryNotFoundError),
        (lambda api: download(api, ".git/config"), EntryNotFoundError),
        (lambda api: download(api, "a.jsonl", repo="org/closed"), GatedRepoError),
    ],
)
def test_what_is_missing_or_closed_is_named_as_the_hub_does(api, ask, error):
    with pytest.raises(error):
        ask(api)


def test_nothing_outside_the_repository_is_served(api, tmp_path):
    write(tmp_path / "secret.txt", "secret")
    host = urlparse(api.endpoint)
    for path in (
        "/datasets/org/set/resolve/main/../../../secret.txt",
        "/datasets/org/..%2F..%2F/resolve/main/secret.txt",
    ):
        with socket.create_connection((host.hostname, host.port)) as raw:  # clients normalise such paths
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: raw.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 404")


def download(api, name, repo="org/set"):
    return api.hf_hub_download(repo, name, repo_type="dataset", cache_dir="/nonexistent")


def test_a_gated_repository_shows_its_files_but_not_their_content(api):
    assert api.dataset_info("org/closed").gated == "manual"
    assert [entry.path for entry in tree(api, "org/closed")] == ["a.jsonl"]


def test_a_renamed_repository_is_found_under_its_old_name(api, tmp_path):
    assert api.dataset_info("org/old").id == "org/set"
    assert tree(api, "org/old") == tree(api, "org/set")
    local = hf_hub_download(
        "org/old", "README.md", repo_type="dataset", endpoint=api.endpoint, cache_dir=tmp_path, token=False
    )
    assert Path(local).read_text() == CARD


def test_a_broken_card_hides_no_files(api, folder):
    write(folder / "org/set/README.md", "---\nlicense: [mit\n---\n")
    info = api.dataset_info("org/set")
    assert len(info.siblings) == 3
    assert info.card_data is None


def test_a_missing_folder_is_an_error_and_the_port_is_free_afterwards(folder, tmp_path):
    with pytest.raises(TamisError, match="no such folder"), serve(tmp_path / "none"):
        pass
    with serve(folder) as endpoint:
        assert httpx2.get(endpoint, trust_env=False).status_code == 404
    start = time.monotonic()
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(endpoint, trust_env=False)
    assert time.monotonic() - start < 1


def test_a_large_file_is_streamed(folder):
    """The server's memory does not grow with the file: 200 MB are read under a limit of 150 MB more than at rest."""
    with (folder / "org/set/large.bin").open("wb") as sparse:
        sparse.truncate(200 << 20)
    script = textwrap.dedent("""
        import resource, sys, httpx2
        from pathlib import Path
        from pipelines.sample_hub.server import serve
        with serve(Path(sys.argv[1])) as endpoint:
            httpx2.get(f"{endpoint}/datasets/org/set/resolve/main/README.md", trust_env=False)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            total = 0
            with httpx2.stream("GET", f"{endpoint}/datasets/org/set/resolve/main/large.bin", trust_env=False) as answer:
                for chunk in answer.iter_bytes():
                    total += len(chunk)
            print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        """)
    done = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, timeout=60)
    total, grown = map(int, done.stdout.split())
    assert total == 200 << 20
    unit = 1 if sys.platform == "darwin" else 1024
    assert grown * unit < 100 << 20


def test_datasets_loads_a_repository_and_leaves_the_home_folder_alone(folder, tmp_path):
    """With the environment of a workspace, `load_dataset` reads the rows, sends no token and writes no other cache."""
    home = tmp_path / "home"
    write(home / ".cache/huggingface/token", "hf_of_the_user")
    script = textwrap.dedent("""
        import datasets
        rows = datasets.load_dataset("org/set", "main", split="train", token=False)
        print(rows["a"][:], datasets.get_dataset_config_names("org/set", token=False))
        """)
    with serve(folder) as endpoint:
        environment = {
            **os.environ,
            "HOME": str(home),
            "HF_ENDPOINT": endpoint,
            "HF_HUB_CACHE": str(tmp_path / "hub_cache"),
            "HF_DATASETS_CACHE": str(tmp_path / "datasets_cache"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=100, check=False
        )
    assert done.stdout.strip() == "[1, 2, 3] ['main']", done.stderr
    assert [path.name for path in home.rglob("*") if path.is_file()] == ["token"]
