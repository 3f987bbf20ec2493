"""Sources that `lake.yaml` adds: a layout and columns in the place of a file of their own."""

import json
from pathlib import Path

import pipelines.lake_settings as settings
from pipelines.lake_settings import Added, LakeSettings
from pipelines.layouts.known import LAYOUTS
from pipelines.sources.source import Read, Source


def from_settings(lake: LakeSettings) -> dict[str, Source]:
    """The added sources by name."""
    return {name: source_of(entry) for name, entry in lake.sources.items()}


def source_of(entry: Added) -> Source:
    """An entry of `lake.yaml`, which `lake_settings` found to be right, as a source."""
    parts = LAYOUTS[entry.layout].bound(entry.keep, **entry.columns)
    read = Read.laid_out(parts, config=entry.config, splits=tuple(entry.splits), data_files=entry.data_files)
    # Where rows are does not shape them: a folder that moved is read again only where its content changed.
    shaping = entry.model_dump(mode="json", include={"layout", "columns", "keep"})
    return Source(
        repo=entry.repo or f"file:{entry.files}",
        reads=(read,),
        license=entry.licence,
        language=entry.language,
        made_with=None if entry.made_with is None else tuple(entry.made_with),
        revision=entry.revision,
        files=(settings.LAKE_FILE.parent / Path(entry.files).expanduser()) if entry.files else None,
        entry=json.dumps(shaping, sort_keys=True),
    )
