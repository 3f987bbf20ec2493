"""Sources that `lake.yaml` adds: a layout and columns in the place of a file of their own."""

import json
from pathlib import Path

import pipelines.lake_settings as settings
from pipelines.errors import TamisError
from pipelines.lake_settings import Added, LakeSettings
from pipelines.layouts.known import LAYOUTS
from pipelines.sources.source import Read, Source


def from_settings(lake: LakeSettings) -> dict[str, Source]:
    """The added sources by name. TamisError for a layout or a role that there is not."""
    return {name: source_of(name, entry) for name, entry in lake.sources.items()}


def source_of(name: str, entry: Added) -> Source:
    """An entry of `lake.yaml` as a source. TamisError for a layout or a role that there is not."""
    where = f"{settings.LAKE_FILE}: sources.{name}"
    if entry.layout not in LAYOUTS:
        cure = f"There are {', '.join(LAYOUTS)}."
        raise TamisError(f"there is no layout {entry.layout!r}", where=where, cure=cure)
    try:
        parts = LAYOUTS[entry.layout].bound(entry.keep, **entry.columns)
    except ValueError as error:
        raise TamisError(
            str(error), where=where, cure="`tamis inspect` shows which columns play which role."
        ) from error
    read = Read.laid_out(parts, config=entry.config, splits=tuple(entry.splits), data_files=entry.data_files)
    # Where rows are does not shape them: a folder that moved is read again only where its content changed.
    shaping = entry.model_dump(mode="json", include={"layout", "columns", "keep"})
    return Source(
        repo=entry.repo or f"file:{entry.files}",
        reads=(read,),
        license=entry.licence,
        language=entry.language,
        revision=entry.revision,
        files=(settings.LAKE_FILE.parent / Path(entry.files).expanduser()) if entry.files else None,
        entry=json.dumps(shaping, sort_keys=True),
    )
