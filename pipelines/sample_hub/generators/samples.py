"""What a sample repository without planted defects is: some clean rows in upstream's files, columns and types."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipelines.sample_hub.content import Subject

Numbers = np.random.Generator


@dataclass(frozen=True)
class File:
    """A file of a repository. `config`: None where upstream has but the default one."""

    path: str
    frame: pl.DataFrame
    split: str = "train"
    config: str | None = None


@dataclass(frozen=True)
class Sample:
    """A repository of the sample Hub. `card`: its front matter as upstream states it.

    `ref`: the revision that holds the files where it is not `main` (`refs/convert/parquet`).
    """

    source: str
    repo: str
    card: Mapping[str, Any]
    files: Callable[[Numbers], Sequence[File]]
    ref: str = ""

    def place(self, file: File) -> str:
        """Where the file lies in the repository's folder."""
        return f".{self.ref}/{file.path}" if self.ref else file.path


def config(splits: Mapping[str, str], name: str = "default") -> dict[str, Any]:
    """A config of a card: its splits and their files."""
    return {"config_name": name, "data_files": [{"split": split, "path": path} for split, path in splits.items()]}


def messages(*said: str, system: str = "") -> list[dict[str, str]]:
    """OpenAI's messages: the user's and the assistant's in turn, in upstream's order of keys."""
    turns = [{"content": text, "role": ("user", "assistant")[place % 2]} for place, text in enumerate(said)]
    return [{"content": system, "role": "system"}, *turns] if system else turns


def conversation(subject: Subject) -> tuple[str, str, str, str]:
    """The two questions of a subject that follow each other, with the first one's answer in short, and the second's."""
    first, then = subject.facets[2:]
    return first.ask, sentences(first.say)[0], then.ask, then.say


def sentences(text: str) -> list[str]:
    """The sentences of a text of content, each with its stop."""
    return [part if part.endswith(".") else f"{part}." for part in text.split(". ")]
