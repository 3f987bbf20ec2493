"""A process joins a workspace: its Hub is served where it lies in a folder, and the environment says so.

Nothing here imports a Hub library, since those freeze endpoint and caches when they are imported.
"""

import contextlib
import time
from collections.abc import Iterator

from pipelines.workspace import SAMPLE, Workspace


@contextlib.contextmanager
def served(opened: Workspace) -> Iterator[None]:
    """Serve the workspace's Hub on loopback while it is needed, and set this process's environment for it.

    The online Hub needs no serving. The sample Hub's repositories are written first, unless they are there.
    TamisError where this process works with another Hub already.
    """
    for folder in (opened.lake, opened.instance):
        folder.mkdir(parents=True, exist_ok=True)
    if opened.served is None:
        opened.activate(None)
        yield
        return
    from pipelines.sample_hub.server import serve

    if opened.hub == SAMPLE:
        from pipelines.sample_hub.repositories import ensure

        started = time.monotonic()
        if ensure(opened.sample_repositories, opened.planted):
            print(f"sample Hub written in {time.monotonic() - started:.1f} s", flush=True)
    with serve(opened.served) as endpoint:
        opened.activate(endpoint)
        yield
