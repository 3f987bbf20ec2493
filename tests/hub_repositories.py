"""Small repositories for tests of what talks to a Hub."""

import json
import random
from pathlib import Path

import numpy as np
import polars as pl

CARD = """---
license: mit
configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
  - split: test
    path: main/test-*
- config_name: other
  data_files: other.jsonl
---
"""


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(path: Path, rows: int, seed: int = 0) -> Path:
    """A parquet file of one column `a`; some 10 bytes a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = np.frombuffer(random.Random(seed).randbytes(rows * 8), np.int64)
    pl.DataFrame({"a": numbers}).write_parquet(path, compression="uncompressed")
    return path


def make(folder: Path, repo: str, *, card: str = CARD, rows: int = 100) -> Path:
    """A repository with two configs: `main` (train in two parquet files, test in one) and `other` (a JSONL file)."""
    root = folder / repo
    write(root / "README.md", card)
    parquet(root / "main/train-00000-of-00002.parquet", rows, 1)
    parquet(root / "main/train-00001-of-00002.parquet", rows, 2)
    parquet(root / "main/test-00000-of-00001.parquet", rows, 3)
    write(root / "other.jsonl", '{"a": 1}\n{"a": 2}\n')
    return root


def settings(root: Path, **what: object) -> None:
    """What the sample Hub knows of a repository: `gated`, `renamed_to`."""
    write(root / ".hub.json", json.dumps(what))
