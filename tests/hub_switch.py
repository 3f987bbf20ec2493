"""The one Hub of the tests' process.

The Hub's libraries freeze endpoint and caches when they are imported. So the process belongs to a server on loopback
from its start, with caches in a folder of its own, and each test puts its own repositories (and faults) behind it.
"""

import atexit
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOME = Path(tempfile.mkdtemp(prefix="tamis-tests-"))
CACHE = HOME / "hub"
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
_LISTENER = socket.create_server(("127.0.0.1", 0))
ENDPOINT = f"http://127.0.0.1:{_LISTENER.getsockname()[1]}"

for _name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
    os.environ.pop(_name, None)
ENVIRONMENT = {
    "HF_ENDPOINT": ENDPOINT,
    "HF_HOME": str(HOME),
    "HF_HUB_CACHE": str(CACHE),
    "HF_DATASETS_CACHE": str(HOME / "datasets"),
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""For this process, and for those of its children that are to see the same Hub."""
os.environ |= ENVIRONMENT


class _Switch:
    """Passes every request on to the app of the test that runs."""

    def __init__(self) -> None:
        self.app: ASGIApp = PlainTextResponse("no test serves a Hub now", 404)
        self._thread: threading.Thread | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def start(self) -> None:
        if self._thread is None:
            server = uvicorn.Server(uvicorn.Config(self, log_level="critical", access_log=False, lifespan="off"))
            self._thread = threading.Thread(target=server.run, kwargs={"sockets": [_LISTENER]}, daemon=True)
            self._thread.start()


_SWITCH = _Switch()


@contextmanager
def serving(folder: Path, *wraps: Callable[[Any], Any]) -> Iterator[str]:
    """Serve the repositories in `folder` at the endpoint of this process; each of `wraps` goes around the last."""
    from pipelines.sample_hub.server import hub_app

    app: Any = hub_app(folder)
    for wrap in wraps:
        app = wrap(app)
    before, _SWITCH.app = _SWITCH.app, app
    _SWITCH.start()
    try:
        yield ENDPOINT
    finally:
        _SWITCH.app = before
