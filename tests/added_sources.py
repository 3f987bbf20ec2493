"""Files of any layout, looked at, added and read as a user's sources are."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from unseen_rows import Row

import pipelines.lake_settings as lake_settings
from pipelines.accounting import accounts
from pipelines.hub import Hub
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.refresh import Refreshed, refresh
from pipelines.sources import sources
from pipelines.sources.source import Source
from pipelines.unseen.adding import Addition, Wish, add
from pipelines.unseen.inspection import inspect
from pipelines.upstream import snapshot
from pipelines.workspace import Workspace

LAKE = "# Ours.\npair_floor: 0.7  # as they said\n"


def written(path: Path, rows: list[Row]) -> Path:
    """A file of rows, in the form that its name states."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bare = path.name.removesuffix(".gz")
    if bare.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    if bare.endswith(".csv"):
        text = pl.DataFrame(rows, infer_schema_length=None).write_csv()
    elif bare.endswith(".json"):
        text = json.dumps(rows, ensure_ascii=False, indent=1)
    else:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    return path


@contextmanager
def own_lake(monkeypatch, folder: Path, text: str = LAKE) -> Iterator[Path]:
    """A `lake.yaml` in a folder in the place of the clone's."""
    file = folder / "lake.yaml"
    file.write_text(text)
    monkeypatch.setattr(lake_settings, "LAKE_FILE", file)
    sources.cache_clear()
    yield file
    sources.cache_clear()


def added(what: Path | str, place: Workspace, wish: Wish | None = None, hub: Hub | None = None) -> Addition:
    """What `tamis add` does."""
    return add(inspect(str(what), hub, place), wish or Wish())


def read(name: str, place: Workspace, hub: Hub | None = None, rejects_at_most: float = 1.0) -> Refreshed:
    """A source's run, as the graph makes it; its tables hold what was counted while reading."""
    source: Source = sources()[name]
    taken = snapshot(hub, place, source)
    lake = Lake(place.lake)
    done = refresh(place, lake, name, source, taken, settings=LakeSettings(rejects_at_most=rejects_at_most))
    assert accounts(lake, name) is None
    return done


def counts(done: Refreshed) -> tuple[int, int, int, int]:
    """Upstream rows; those that yield, are rejects, are not selected."""
    return tuple(int(done.files[name].sum()) for name in ("rows", "yielding", "rejected", "not_selected"))
