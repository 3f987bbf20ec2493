"""Similar records: exact cosine over all vectors of a data set, which stay in memory between queries."""

import threading
from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.argilla.engine.store import Store

ROOM: Final = 2**30
"""Bytes of vectors that are kept; the data set that was not asked for longest leaves first."""


def unit(vector: list[float]) -> NDArray[np.float32]:
    """The vector at length 1; one of zeros stays, and is as similar as different to all."""
    values = np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(values))
    return values / np.float32(length) if length else values


class Vectors:
    """The vectors of a store, read again only when their data set changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, tuple[int, NDArray[np.str_], NDArray[np.float32]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, dataset: str, settings: str) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """The ids of the records that have a vector of these settings, ascending, and their unit vectors."""
        asked = {"dataset": dataset, "settings": settings}
        found = self._store.read("SELECT generation FROM found.generations WHERE dataset_id=:dataset", asked)
        generation = found[0][0] if found else 0
        with self._lock:
            known = self._kept.get(settings)
            if known is None or known[0] != generation:
                statement = "SELECT record_id, value FROM found.vectors WHERE settings_id=:settings ORDER BY record_id"
                rows = self._store.read(statement, asked)
                ids = np.array([record for record, _ in rows], dtype="U32")
                values = np.frombuffer(b"".join(value for _, value in rows), dtype=np.float32)
                known = generation, ids, values.reshape(len(rows), -1) if rows else values.reshape(0, 0)
                self._kept[settings] = known
            self._kept.move_to_end(settings)
            while len(self._kept) > 1 and sum(values.nbytes for _, _, values in self._kept.values()) > ROOM:
                self._kept.popitem(last=False)
        return known[1], known[2]


def nearest(
    ids: NDArray[np.str_],
    vectors: NDArray[np.float32],
    target: NDArray[np.float32],
    limit: int,
    among: NDArray[np.str_] | None = None,
    without: str | None = None,
    threshold: float | None = None,
) -> list[tuple[str, float]]:
    """The records most similar to a unit vector, and their scores, (1 + cosine) / 2 as Elasticsearch's; best first.

    `among`: only these records, `without`: not this one. Equal scores stand in the order of their ids.
    """
    if not len(ids):
        return []
    scores = (1 + vectors @ target) / 2
    taken = np.ones(len(ids), dtype=bool) if among is None else np.isin(ids, among)
    if without is not None:
        taken &= ids != without
    if threshold is not None:
        taken &= scores >= threshold
    rows = np.flatnonzero(taken)
    if len(rows) > limit:  # all that tie with the last one, so that the order among equals is that of all
        least = np.partition(scores[rows], len(rows) - limit)[len(rows) - limit]
        rows = rows[scores[rows] >= least]
    best = rows[np.argsort(-scores[rows], kind="stable")][:limit]
    return [(str(ids[row]), float(scores[row])) for row in best]
