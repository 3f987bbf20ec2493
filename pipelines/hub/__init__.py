"""Hubs: what a source reads there, pinned to a commit, verified, on this disk.

`huggingface_hub` fetches files, `datasets` says which files a config and its splits are made of. Both freeze endpoint
and cache when they are first imported: set `HF_ENDPOINT`, `HF_HUB_CACHE` and `HF_DATASETS_CACHE` before this package
is imported (`Workspace.activate` does). Nothing outside of it talks to a Hub.
"""

from pipelines.hub.errors import Absent, Unreachable
from pipelines.hub.hub import Hub
from pipelines.wanted import Progress, Snapshot, UpstreamFile, Wanted

__all__ = ["Absent", "Hub", "Progress", "Snapshot", "Unreachable", "UpstreamFile", "Wanted"]
