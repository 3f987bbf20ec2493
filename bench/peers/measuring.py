"""What the scripts share: the rows, one core, the joining of bands, and the figures that they print."""

import json
import os
import re
import resource
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

BANDS, ROWS = 14, 8
"""What datatrove's defaults are, for all of them: candidates from a similarity of some .72 on."""

WORDS = 5

os.environ |= {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "true"}


def cpu() -> float:
    """CPU seconds of this process, all its threads and the children that ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak() -> float:
    """The most memory that this process has held, in MB. What `getrusage` says begins with what its parent held."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(re.findall(r"VmHWM:\s+(\d+)", status.read_text(encoding="utf-8"))[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(work: Callable[[Path], "list[int]"]) -> None:
    """Run `work` (a parquet file with `id` and `text`: the ids that are kept) on one core; its result is timed.

    `work` gets the file's path and gives a function without arguments, that takes texts held in memory to ids.
    Arguments of the script: the file, where the kept ids go, and how often it is run.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, out, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    ready = work(path)
    costs = []
    for _ in range(rounds):
        started = cpu()
        kept = ready()
        costs.append(cpu() - started)
    pq.write_table(pa.table({"id": pa.array(kept, pa.int64())}), out)
    print(json.dumps({"cpu": statistics.median(costs), "peak": peak()}))


def first_of_each(signatures: "NDArray[np.uint32]") -> "NDArray[np.int64]":  # noqa: F821
    """The first row of each component of rows that agree in a band: `signatures` has a row a text."""
    import numpy as np

    count = len(signatures)
    left, right = [], []
    for band in range(BANDS):
        part = np.ascontiguousarray(signatures[:, band * ROWS : (band + 1) * ROWS], np.uint64)
        key = np.zeros(count, np.uint64)
        for position in range(ROWS):
            key = (key ^ part[:, position]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
        order = np.argsort(key, kind="stable")
        alike = key[order[1:]] == key[order[:-1]]
        left.append(order[:-1][alike])
        right.append(order[1:][alike])
    return components(count, np.concatenate(left), np.concatenate(right))


def components(count: int, left: "NDArray[np.int64]", right: "NDArray[np.int64]") -> "NDArray[np.int64]":  # noqa: F821
    """The smallest row of each component, by hooking and jumping of pointers."""
    import numpy as np

    root = np.arange(count)
    while True:
        one, other = root[left], root[right]
        apart = one != other
        if not apart.any():
            return np.unique(root)
        left, right, one, other = left[apart], right[apart], one[apart], other[apart]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while (jumped := root[root]).tobytes() != root.tobytes():
            root = jumped
