"""The Hub's HTTP interface for data sets over a folder, as `huggingface_hub` and `datasets` ask for it.

The folder holds repositories as `<org>/<name>/files...`. What is changed in it is a new commit with the next request;
older commits cannot be had. `README.md` carries the card; `.hub.json` may say `{"gated": true}` or
`{"renamed_to": "org/new"}`; `.refs/convert/parquet/` is served as the revision `refs/convert/parquet`.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from pipelines.errors import TamisError
from pipelines.sample_hub.repository import HubFile, Repositories, Repository, Settings, lfs_pointer

_PAGE = 1000  # entries of a tree that the Hub lists in one answer
_START_SECONDS = 10.0


class _RefusedError(Exception):
    """An answer other than what was asked for."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class _File(FileResponse):
    chunk_size = 1 << 20


def hub_app(folder: Path) -> Starlette:
    """A Hub whose data sets are the repositories under `folder`. Raises TamisError where there is no such folder."""
    if not folder.is_dir():
        raise TamisError("there is no such folder.", where=str(folder), cure="Name one that holds <org>/<name>/files.")
    repositories = Repositories(folder.resolve())

    def info(request: Request) -> Response:
        repository, settings = _open(repositories, request, request.path_params.get("revision", "main"))
        return JSONResponse(_info(repository, settings, blobs="blobs" in request.query_params))

    def tree(request: Request) -> Response:
        revision, path = _split_revision(request.path_params["rest"])
        repository, _ = _open(repositories, request, revision)
        entries = _entries(repository, path, recursive=request.query_params.get("recursive", "").lower() == "true")
        if not entries and path:
            raise _RefusedError(_missing_entry(repository, path))
        start, limit = (int(request.query_params.get(name, value)) for name, value in (("cursor", 0), ("limit", _PAGE)))
        response = JSONResponse(entries[start : start + limit])
        if len(entries) > start + limit:
            query = urlencode({**request.query_params, "cursor": start + limit})
            response.headers["Link"] = f'<{request.url.replace(query=query)}>; rel="next"'
        return response

    async def paths_info(request: Request) -> Response:
        wanted = _form_paths(await request.body(), request.headers.get("content-type", ""))
        return await run_in_threadpool(paths_info_of, request, wanted)

    def paths_info_of(request: Request, wanted: list[str]) -> Response:
        repository, _ = _open(repositories, request, request.path_params["revision"])
        entries = {entry["path"]: entry for entry in _entries(repository, "", recursive=True)}
        return JSONResponse([entries[path] for path in wanted if path in entries])

    def resolve(request: Request) -> Response:
        revision, path = _split_revision(request.path_params["rest"])
        repository, settings = _open(repositories, request, revision)
        if settings.gated:
            raise _RefusedError(_gated(repository.id, known="authorization" in request.headers))
        file = repository.file(path)
        if file is None:
            raise _RefusedError(_missing_entry(repository, path))
        headers = {"ETag": f'"{file.etag}"', "X-Repo-Commit": repository.commit}
        if file.sha256:
            headers |= {"X-Linked-ETag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
        return _File(file.local, headers=headers, filename=file.local.name, content_disposition_type="inline")

    repo = "/{org}/{name}"
    return Starlette(
        routes=[
            Route(f"/api/datasets{repo}", info),
            Route(f"/api/datasets{repo}/revision/{{revision:path}}", info),
            Route(f"/api/datasets{repo}/tree/{{rest:path}}", tree),
            Route(f"/api/datasets{repo}/paths-info/{{revision:path}}", paths_info, methods=["POST"]),
            Route(f"/datasets{repo}/resolve/{{rest:path}}", resolve),
        ],
        exception_handlers={_RefusedError: lambda _, refusal: refusal.response, 404: _no_route},
    )


@contextmanager
def serve(folder: Path, *, wrap: Callable[[Any], Any] | None = None) -> Iterator[str]:
    """Serve `folder` on a free port of 127.0.0.1 while the context lasts; yields the endpoint's address.

    `wrap` may put an ASGI middleware around the app. Raises TamisError where there is no such folder.
    """
    app = hub_app(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            wrap(app) if wrap else app,
            log_level="error",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sample-hub", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)
        listener.close()


def _open(repositories: Repositories, request: Request, revision: str) -> tuple[Repository, Settings]:
    """The repository that a request names, at a revision; raises the Hub's refusals."""
    repo = f"{request.path_params['org']}/{request.path_params['name']}"
    root = repositories.root(repo)
    if root is None:
        raise _RefusedError(_refused(404, "RepoNotFound", "Repository not found"))
    settings = Settings.of(root)
    if settings.renamed_to:
        path = quote(request.url.path.replace(f"/{repo}", f"/{settings.renamed_to}", 1))
        raise _RefusedError(RedirectResponse(f"{path}?{request.url.query}" if request.url.query else path, 307))
    repository = repositories.open(repo, revision)
    if repository is None:
        raise _RefusedError(_refused(404, "RevisionNotFound", f"Invalid rev id: {revision}"))
    return repository, settings


def _split_revision(rest: str) -> tuple[str, str]:
    """`main/data/a.json` and `refs/convert/parquet/data/a.json` as revision and path."""
    parts = rest.split("/")
    length = 3 if parts[0] == "refs" else 1
    return "/".join(parts[:length]), "/".join(parts[length:]).strip("/")


def _info(repository: Repository, settings: Settings, *, blobs: bool) -> dict[str, Any]:
    changed = max((file.local.stat().st_mtime for file in repository.files), default=0)
    when = datetime.fromtimestamp(changed, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    card = json.loads(json.dumps(repository.card(), default=str))  # YAML has dates
    licenses = card.get("license", [])
    return {
        "_id": repository.commit[:24],
        "id": repository.id,
        "author": repository.id.partition("/")[0],
        "sha": repository.commit,
        "lastModified": when,
        "createdAt": when,
        "private": False,
        "gated": "manual" if settings.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [f"license:{name}" for name in ([licenses] if isinstance(licenses, str) else licenses)],
        "cardData": card,
        "siblings": [_sibling(file, blobs=blobs) for file in repository.files],
    }


def _sibling(file: HubFile, *, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": file.path}
    sibling: dict[str, Any] = {"rfilename": file.path, "size": file.size, "blobId": file.oid}
    if file.sha256:
        pointer = len(lfs_pointer(file.sha256, file.size))
        sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": pointer}
    return sibling


def _entries(repository: Repository, path: str, *, recursive: bool) -> list[dict[str, Any]]:
    """What the tree of a folder lists: folders and files under `path`, or directly in it."""
    prefix = f"{path}/" if path else ""
    folders = [{"type": "directory", "path": name, "oid": oid, "size": 0} for name, oid in repository.folders.items()]
    files = [_entry(file) for file in repository.files]
    entries = [entry for entry in folders + files if str(entry["path"]).startswith(prefix)]
    if not recursive:
        entries = [entry for entry in entries if "/" not in str(entry["path"])[len(prefix) :]]
    return sorted(entries, key=lambda entry: str(entry["path"]))


def _entry(file: HubFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": file.path, "oid": file.oid, "size": file.size}
    if file.sha256:
        pointer = len(lfs_pointer(file.sha256, file.size))
        entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": pointer}
    return entry


def _form_paths(body: bytes, content_type: str) -> list[str]:
    if content_type.startswith("application/json"):
        paths = json.loads(body or b"{}").get("paths", [])
        return [paths] if isinstance(paths, str) else list(paths)
    return parse_qs(body.decode()).get("paths", [])


def _refused(status: int, code: str, message: str, **headers: str) -> Response:
    headers = {"X-Error-Code": code, "X-Error-Message": message, **headers}
    return JSONResponse({"error": message}, status, headers=headers)


def _no_route(request: Request, _: Exception) -> Response:
    """Data sets without an organisation, which the Hub has and this one has not; and what clients try in passing."""
    if request.url.path.startswith(("/api/datasets/", "/datasets/")):
        return _refused(404, "RepoNotFound", "Repository not found")
    return JSONResponse({"error": "Sorry, we can't find the page you are looking for."}, 404)


def _missing_entry(repository: Repository, path: str) -> Response:
    message = f"{quote(path)} does not exist on this revision"
    return _refused(404, "EntryNotFound", message, **{"X-Repo-Commit": repository.commit})


def _gated(repo: str, *, known: bool) -> Response:
    """The Hub answers 401 to who brings no token, 403 to who was not admitted."""
    message = f"Access to dataset {repo} is restricted. You must have access to it and be authenticated to access it."
    return _refused(403 if known else 401, "GatedRepo", message)
