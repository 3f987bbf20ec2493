"""Scores from outside, such as a reward model's: files that `lake.yaml` names, as signals of records."""

import hashlib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.lake_settings import LAKE_FILE, ScoreFile
from pipelines.standalone.files import collected, scanned
from pipelines.states import State
from schemas.families import FAMILIES

_HASH_BYTES: Final = 16


def update_scores(
    lake: Lake,
    scores: Mapping[str, ScoreFile],
    tell: Callable[[str], None] = lambda _: None,
    folder: Path = LAKE_FILE.parent,
) -> None:
    """Bring the table `scores` up to the files, which are read where they or what `lake.yaml` says of them changed.

    Scores that are not named any more leave. TamisError, with the file and `lake.yaml`'s key, for one that is not
    there or cannot be read, for a column that it lacks or that holds no numbers, and for keys that are none or have
    two scores; then the scores as they were read last stand.
    """
    changed = changed_scores(lake, scores, folder)
    frames = {name: _read(name, scores[name], folder) for name in changed if name in scores}
    for name in changed:
        frame = frames.get(name)
        staged = [] if frame is None else lake.stage("scores", frame, partition=name)
        lake.commit("scores", staged, replace=name)
        tell(f"score {name}: {'not named any more' if frame is None else f'{frame.height:,} scores read'}")


def changed_scores(lake: Lake, scores: Mapping[str, ScoreFile], folder: Path = LAKE_FILE.parent) -> list[str]:
    """Names of the scores whose file, or what is said of it, is not that which was read last."""
    known = dict(lake.scan("scores").select("name", "file").unique().collect().rows())
    now = {name: _identity(name, said, folder) for name, said in scores.items()}
    return sorted(name for name in {*known, *now} if known.get(name) != now.get(name))


def scored(state: State) -> dict[str, int]:
    """How many records have each score."""
    counts = {}
    for name, key in state.scores().items():
        values = state.scan("scores").filter(pl.col("name") == name).select(key)
        records = pl.concat([state.scan(f"records_{family}").select("id", "content_hash") for family in FAMILIES])
        counts[name] = int(records.join(values, on=key, how="semi").select(pl.len()).collect().item())
    return counts


def _identity(name: str, said: ScoreFile, folder: Path) -> str:
    """Of a file's bytes, and of how it is read."""
    path = folder / said.path
    if not path.is_file():
        cure = f"Put it there, or take `scores.{name}` out of lake.yaml."
        raise TamisError(f"the file of the score {name!r} is not there", where=str(path), cure=cure)
    digest = hashlib.sha256(f"{said.key} {said.column} ".encode())
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:16]


def _read(name: str, said: ScoreFile, folder: Path) -> pl.DataFrame:
    """Rows of the table `scores`: each key once, without those that have no score."""
    path = folder / said.path
    rows = scanned(path)
    schema = rows.collect_schema()
    for column in (said.key, said.column):
        if column not in schema:
            near = get_close_matches(column, schema.names(), 1)
            cure = f"Did you mean {near[0]}?" if near else f"Say `key` and `column` of `scores.{name}` in lake.yaml."
            raise _wrong(f"has no column {column!r}", path, name, cure)
    if not (schema[said.column].is_numeric() or schema[said.column] == pl.Boolean):
        raise _wrong(f"its column {said.column!r} is {schema[said.column]}, no number", path, name)
    keyed = _keys(schema[said.key], said, path, name)
    values = pl.col(said.column).cast(pl.Float64).fill_nan(None)
    read = collected(rows.select(raw=_shown(said.key, schema), key=keyed, value=values), path)
    bad = read.with_row_index("row").filter(pl.col("key").is_null())
    if bad.height:
        raise _wrong(f"row {bad['row'][0]:,} has no {said.key}: {bad['raw'][0]!r}", path, name)
    found = read.drop_nulls("value").select("key", "value").unique(maintain_order=True)
    twice = found.filter(pl.col("key").is_duplicated()).sort("key", maintain_order=True)
    if twice.height:
        raise _wrong(f"{_told(twice['key'][0])} has {twice['value'][0]:g} and {twice['value'][1]:g}", path, name)
    if found.is_empty():
        raise _wrong("holds no score", path, name)
    other = "content_hash" if said.key == "id" else "id"
    nothing = pl.lit(None, dtype=pl.Binary if other == "content_hash" else pl.String)
    return found.rename({"key": said.key}).with_columns(
        nothing.alias(other), name=pl.lit(name), file=pl.lit(_identity(name, said, folder))
    )


def _keys(dtype: pl.DataType, said: ScoreFile, path: Path, name: str) -> pl.Expr:
    """The key as the lake has it; null where it is none."""
    key = pl.col(said.key)
    if said.key == "id" and dtype == pl.String:
        return key
    if said.key == "content_hash" and dtype == pl.String:
        key = key.str.decode("hex", strict=False)
    elif not (said.key == "content_hash" and dtype == pl.Binary):
        raise _wrong(f"its column {said.key!r} is {dtype}", path, name, "Ids are text; hashes 16 bytes, or hex.")
    return pl.when(key.bin.size() == _HASH_BYTES).then(key)


def _shown(key: str, schema: pl.Schema) -> pl.Expr:
    return pl.col(key).bin.encode("hex") if schema[key] == pl.Binary else pl.col(key).cast(pl.String)


def _told(key: str | bytes) -> str:
    return key if isinstance(key, str) else key.hex()


def _wrong(what: str, path: Path, name: str, cure: str = "Mend the file.") -> TamisError:
    return TamisError(what, where=f"{path} (scores.{name} of lake.yaml)", cure=cure)
