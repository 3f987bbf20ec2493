"""A workspace with its Hub at hand: what `make run` and `tamis plan` open before they ask the Hub for anything."""

import contextlib
import time
from collections.abc import Callable, Iterator

from pipelines.workspace import SAMPLE, Workspace


@contextlib.contextmanager
def at_its_hub(workspace: Workspace, say: Callable[[str], None]) -> Iterator[None]:
    """Set this process up for the workspace's Hub, and serve it on loopback while the context lasts if it is a folder.

    The sample Hub's repositories are written if they are not there. Import the Hub's libraries, and what needs them,
    inside the context only: they freeze endpoint and caches when they are imported. TamisError where they were
    imported before, or the folder is gone.
    """
    if workspace.served is None:
        workspace.activate(None)
        yield
        return
    from pipelines.sample_hub.server import serve

    if workspace.hub == SAMPLE:
        from pipelines.sample_hub.repositories import ensure

        started = time.monotonic()
        if ensure(workspace.sample_repositories):
            say(f"sample Hub written in {time.monotonic() - started:.1f} s")
    with serve(workspace.served) as endpoint:
        workspace.activate(endpoint)
        yield
