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


def labelled_corpus(data: Path | None) -> Path | None:
    """A parquet file of rows with planted copies: `data` or the corpus.parquet in it, else that of TAMIS_DEDUP_BENCH,
    else that of ../shared/dedup-bench; None where there is none."""
    for candidate in (data, os.environ.get("TAMIS_DEDUP_BENCH"), ROOT.parent / "shared" / "dedup-bench"):
        if candidate is not None:
            path = Path(candidate) / "corpus.parquet" if Path(candidate).is_dir() else Path(candidate)
            if path.is_file():
                return path.resolve()
    return None
