"""From snapshot to curated, without training: what it costs in all, and what part of it is Dagster's.

Each way runs in a process and a workspace of its own: once the plain functions alone, once the same through
Dagster's runs, in turn.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.data import hub_folder

_WAYS = ("functions", "dagster")
_ROUNDS = 3


def run(data: Path | None) -> str:
    """The table: medians of three rounds each."""
    folder = hub_folder(data)
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in _WAYS}
    for _ in range(_ROUNDS):
        for way in _WAYS:
            measured[way].append(_measure(way, folder))
    lines = [
        f"data: {folder}; {_median(measured['functions'], 'rows'):,.0f} upstream rows, "
        f"{_median(measured['functions'], 'bytes') / 1e6:.1f} MB; medians of {_ROUNDS}",
        "",
        "| way | CPU seconds | wall seconds | of which start-up | peak MB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for way in _WAYS:
        values = [_median(measured[way], key) for key in ("cpu", "wall", "startup", "peak")]
        lines.append("| {} | {:.1f} | {:.1f} | {:.1f} | {:.0f} |".format(way, *values))
    plain, whole = (_median(measured[way], "wall") - _median(measured[way], "startup") for way in _WAYS)
    lines += ["", f"Dagster's share of wall time, start-up aside: {max(0.0, 1 - plain / whole):.0%}"]
    return "\n".join(lines)


def _median(rounds: list[dict[str, float]], key: str) -> float:
    return sorted(r[key] for r in rounds)[len(rounds) // 2]


def _measure(way: str, folder: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "bench.curate", way, str(folder)],
            env=os.environ | {"TAMIS_HOME": home},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _cpu() -> float:
    """CPU seconds of this process and of its children that have ended (verification's workers)."""
    return sum(os.times()[:4])


def _child(way: str, folder: str) -> None:
    from pipelines import workspace as places
    from pipelines.sample_hub.server import serve

    started = time.monotonic()
    opened = places.workspace(folder)
    with serve(Path(folder)) as endpoint:
        opened.activate(endpoint)
        opened.instance.mkdir(parents=True)
        if way == "dagster":
            from bench import through_dagster as walk
        else:
            from bench import through_functions as walk  # type: ignore[no-redef]
        ready = time.monotonic()
        cpu = _cpu()
        counts = walk.curate(opened)
        figures = {
            "cpu": _cpu() - cpu,
            "wall": time.monotonic() - started,
            "startup": ready - started,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
        }
    print(json.dumps(figures | counts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=_WAYS)
    parser.add_argument("folder")
    arguments = parser.parse_args()
    _child(arguments.way, arguments.folder)
