"""Where a benchmark's rows come from: a folder that is named, the real rows, else the sample Hub's."""

import os
import tempfile
from pathlib import Path
from typing import Final

from pipelines.workspace import ROOT

SEVEN: Final = ("alpaca", "countdown", "dolly", "gsm8k", "hh_rlhf", "oasst1", "sky_t1")
"""The sources that the figures of the whole graph are of, whatever joins the catalogue later."""


def hub_folder(data: Path | None) -> Path:
    """A folder laid out as repositories: `data`, else TAMIS_REAL_HUB, else ../shared/real-hub, else generated rows."""
    for candidate in (data, os.environ.get("TAMIS_REAL_HUB"), ROOT.parent / "shared" / "real-hub"):
        if candidate is not None and Path(candidate).is_dir():
            return Path(candidate).resolve()
    from pipelines.sample_hub.repositories import ensure

    folder = Path(tempfile.gettempdir()) / "tamis-bench-hub"
    ensure(folder, folder.with_name(f"{folder.name}-planted.parquet"))
    return folder
