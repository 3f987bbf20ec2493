"""Whether this machine is fit for a run: one line a finding, each with its cure."""

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

import httpx2

from pipelines.argilla.place import ENVIRONMENT
from pipelines.catalogue import recipes_now, settings_now
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.plan.what import size
from pipelines.recipe import Unreadable
from pipelines.states import passes
from pipelines.workspace import ROOT, Workspace

Word = Literal["OK", "WARN", "FAIL"]

LOCK: Final = ROOT / "requirements.lock"
PAGE_PORT: Final = 3000
"""Where `make up` opens Dagster's page."""

_MAIN: Final = ("dagster", "polars", "pyarrow", "deltalake", "datasets", "huggingface_hub", "torch", "trl", "numba")
_PYTHONS: Final = ((3, 11), (3, 13))
_ROOM: Final = (10**9, 10 * 10**9)
"""Bytes free below which a run fails, and below which a large one may: the whole catalogue is some 40 GB of text."""

_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `cure`: what to do about it, where something is wrong."""

    word: Word
    what: str
    found: str
    cure: str = ""

    def __str__(self) -> str:
        remedy = f". {self.cure}" if self.cure else ""
        return f"{self.word:<4}  {self.what:<9}  {self.found}{remedy}"


def findings(workspace: Workspace) -> Iterator[Finding]:
    """Everything that is looked at, one after the other. Of a token only its presence is told."""
    looks: tuple[Callable[[], Finding], ...] = (
        _python,
        lambda: _versions(LOCK),
        lambda: _place(workspace),
        lambda: disk(shutil.disk_usage(workspace.path).free, workspace.path),
        _files,
        lambda: _hub(workspace),
        lambda: _token(workspace),
        _argilla,
        _gpu,
        lambda: page(PAGE_PORT),
    )
    yield from (look() for look in looks)


def _python() -> Finding:
    found = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro} in {sys.prefix}"
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return Finding("OK", "Python", found)
    return Finding("FAIL", "Python", found, "Tamis needs 3.11, 3.12 or 3.13: remove .venv and run `make run` with one.")


def _versions(lock: Path) -> Finding:
    """The main libraries against the lock file."""
    if not lock.exists():
        return Finding("WARN", "versions", f"{lock.name} is not there", "Take it from the repository again.")
    pinned = dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)", lock.read_text(encoding="utf-8")))
    wanted = {name: pinned.get(name) or pinned.get(name.replace("_", "-")) for name in _MAIN}
    other = [
        f"{name} {_installed(name) or 'is missing'} (the lock has {number})"
        for name, number in wanted.items()
        if number and (_installed(name) or "").partition("+")[0] != number
    ]
    if other:
        return Finding("FAIL", "versions", ", ".join(other), "Run `make environment`.")
    return Finding("OK", "versions", ", ".join(f"{name} {number}" for name, number in wanted.items() if number))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _place(workspace: Workspace) -> Finding:
    if not os.access(workspace.path, os.W_OK):
        return Finding(
            "FAIL", "workspace", f"{workspace.path} cannot be written", "Set TAMIS_HOME to a folder you own."
        )
    last = passes(Lake(workspace.lake)).head(1)
    when = f"last pass {last['pass'][0]} of {last['at'][0]:%Y-%m-%d %H:%M} UTC" if last.height else "nothing published"
    return Finding("OK", "workspace", f"{workspace.path}, of the Hub {workspace.hub}; {when}")


def disk(free: int, place: Path) -> Finding:
    """Whether `free` bytes at a place are enough for a run."""
    found = f"{size(free)} free in {place}"
    if free < _ROOM[0]:
        return Finding("FAIL", "disk", found, "Free some space, or set TAMIS_HOME to another disk.")
    if free < _ROOM[1]:
        return Finding("WARN", "disk", found, "Enough for the sample; ask `tamis plan` before a larger run.")
    return Finding("OK", "disk", found)


def _files() -> Finding:
    """lake.yaml and the recipes."""
    try:
        settings_now()
    except TamisError as error:
        return Finding("FAIL", "recipes", str(error))
    recipes = recipes_now()
    wrong = [str(said.error) for said in recipes.values() if isinstance(said, Unreadable)]
    if wrong:
        return Finding("FAIL", "recipes", "; ".join(wrong))
    return Finding("OK", "recipes", f"{', '.join(recipes) or 'none'} and lake.yaml can be read")


def _hub(workspace: Workspace) -> Finding:
    if workspace.served is not None:
        if workspace.served.is_dir() or not workspace.path.joinpath("lake").exists():
            return Finding("OK", "Hub", f"{workspace.served}, served on loopback while a run lasts")
        return Finding("FAIL", "Hub", f"{workspace.served} is gone", "Put the folder back, or choose another HUB.")
    return reachable(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")


def reachable(endpoint: str) -> Finding:
    """Whether a Hub answers within five seconds."""
    try:
        status = httpx2.get(f"{endpoint}/api/datasets?limit=1", timeout=_SECONDS, follow_redirects=True).status_code
    except httpx2.HTTPError as error:
        cure = "Check the network, the proxy (HTTPS_PROXY) and HF_ENDPOINT."
        return Finding("FAIL", "Hub", f"{endpoint} cannot be reached ({error})", cure)
    if status >= 500 or status == 429:
        return Finding("WARN", "Hub", f"{endpoint} answered {status}", "Try again later.")
    return Finding("OK", "Hub", f"{endpoint} answers")


def _token(workspace: Workspace) -> Finding:
    """Whether there is one; it is never shown, nor sent anywhere from here."""
    if not workspace.online:
        return Finding("OK", "token", "not used: a Hub on loopback never gets yours")
    from huggingface_hub import get_token

    if get_token():
        return Finding("OK", "token", "there is one (not shown)")
    return Finding(
        "WARN", "token", "none", "Public sets need none; for gated ones set HF_TOKEN, or run `hf auth login`."
    )


def _argilla() -> Finding:
    endpoint = os.environ.get("ARGILLA_API_URL")
    if not endpoint:
        if not (ENVIRONMENT / "bin" / "python").exists():
            return Finding("WARN", "Argilla", f"{ENVIRONMENT} is not there", "Run `make environment`.")
        return Finding("OK", "Argilla", "embedded, with `make up`; ARGILLA_API_URL would name a server of yours")
    try:
        answer = httpx2.get(f"{endpoint.rstrip('/')}/api/v1/version", timeout=_SECONDS, follow_redirects=True)
        answer.raise_for_status()
        number = answer.json().get("version", "of unknown version")
    except (httpx2.HTTPError, ValueError) as error:
        return Finding("WARN", "Argilla", f"{endpoint} does not answer as Argilla ({error})", "Check ARGILLA_API_URL.")
    if not os.environ.get("ARGILLA_API_KEY"):
        return Finding("WARN", "Argilla", f"{number} at {endpoint}", "Set ARGILLA_API_KEY to a key of it.")
    return Finding("OK", "Argilla", f"{number} at {endpoint}, with a key (not shown)")


def _gpu() -> Finding:
    """What torch would train on; asked in a process of its own, since the import takes seconds and much memory."""
    if importlib.util.find_spec("torch") is None:
        return Finding("FAIL", "GPU", "torch is not installed", "Run `make environment`.")
    script = (
        "import json, torch; cuda = torch.cuda.is_available(); mps = torch.backends.mps.is_available();"
        "name = torch.cuda.get_device_name(0) if cuda else 'Apple GPU' if mps else None;"
        "print(json.dumps([name, torch.version.cuda]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        return Finding("FAIL", "GPU", f"torch cannot be imported: {why[0]}", "Remove .venv and run `make run`.")
    device, cuda = json.loads(done.stdout.splitlines()[-1])
    if device:
        return Finding("OK", "GPU", device)
    if shutil.which("nvidia-smi") and not cuda:
        cure = "Install torch 2.13.0 for your CUDA version into .venv."
        return Finding("WARN", "GPU", "there is one, but this torch is built without CUDA", cure)
    return Finding("OK", "GPU", "none: training runs on the CPU, with the tiny model")


def page(port: int) -> Finding:
    """Whether Dagster's page is open or its port is free."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return Finding("OK", "page", f"port {port} is free; `make up` opens Dagster's page there")
    except OSError:
        pass
    try:
        known = httpx2.get(f"http://127.0.0.1:{port}/server_info", timeout=_SECONDS, trust_env=False).json()
        number = known["dagster_version"]
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        cure = "End that program before `make up`."
        return Finding("WARN", "page", f"port {port} is taken by a program that is not Dagster", cure)
    return Finding("OK", "page", f"Dagster {number} is open at http://127.0.0.1:{port}")
