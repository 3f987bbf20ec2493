"""Layouts that any file may have, as what is read of it: recognised by the names of its columns, or named."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow.parquet as pq

from pipelines.columns import Column
from pipelines.errors import TamisError
from pipelines.layouts import detected
from pipelines.layouts.conversations import PAIR, answered_plainly, not_text, side_columns, sides
from pipelines.layouts.messages import MESSAGES, answered, transcript, turns
from pipelines.layouts.tasks import checked
from pipelines.reading.streams import opened
from pipelines.sources.source import Read

_ASKED: Final = ("problem", "prompt", "instruction", "question", "query", "input")
_ANSWERED: Final = ("response", "output", "answer", "completion", "solution")
_THOUGHT: Final = ("reasoning", "thinking", "thought", "reasoning_content", "chain_of_thought", "cot")
_GOLD: Final = ("answer", "solution", "gold", "ground_truth", "expected_answer", "final_answer")
_TEXT: Final = ("text", "content")
_TALKS: Final = detected.COLUMNS["transcript"].names

_HEAD: Final = 1 << 20
"""Bytes of a JSON file in which the names of its columns are looked for."""

_OBJECTS: Final = 100


@dataclass(frozen=True)
class Layout:
    """One layout. `needs`: ways to have it, each of groups of names of which a file has one column each."""

    about: str
    needs: tuple[tuple[tuple[str, ...], ...], ...]
    read: Read


def _plain_sides(frame: pl.DataFrame) -> pl.DataFrame:
    """As `sides`, also of texts: Anthropic's transcripts, or answers."""
    said = {
        name: pl.when(pl.col(f"{name}_text").str.starts_with("\n\nHuman:"))
        .then(transcript(f"{name}_text"))
        .when(pl.col(f"{name}_text").is_not_null())
        .then(turns(assistant=pl.col(f"{name}_text")))
        .list.eval(pl.struct(role=_turn.field("role"), content=_turn.field("content")))
        for name in ("chosen", "rejected")
    }
    return sides(frame.with_columns(pl.coalesce(name, text).alias(name) for name, text in said.items()))


_turn = pl.element().struct
_talk = pl.col("messages")
_thinking = answered(_talk)
_marked = _thinking["reasoning"].is_not_null()


def _read(families: Mapping[str, Mapping[str, pl.Expr]], columns: Mapping[str, Column], **more: object) -> Read:
    return Read(config=None, splits=("rows",), columns=columns, families=families, **more)  # type: ignore[arg-type]


LAYOUTS: Final[dict[str, Layout]] = {
    "preference": Layout(
        "`chosen` and `rejected`, as messages, transcripts or answers; the prompt in them or in `prompt`",
        ((("chosen",), ("rejected",)),),
        _read(
            {"preference": PAIR},
            side_columns()
            | {f"{name}_text": Column(pl.String, (name,), True, if_it_fits=True) for name in ("chosen", "rejected")}
            | {name: Column(MESSAGES, (name,), optional=True, if_it_fits=True) for name in ("chosen", "rejected")},
            prepare=_plain_sides,
            reject=not_text("chosen", "rejected"),
        ),
    ),
    "reasoning": Layout(
        "a question, its reasoning and its answer in columns of their own",
        ((_ASKED, _THOUGHT, _ANSWERED),),
        _read(
            {
                "cot": {
                    "prompt": turns(user=pl.col("asked")),
                    "reasoning": pl.col("thought"),
                    "completion": turns(assistant=pl.col("answered")),
                }
            },
            {
                "asked": Column(pl.String, _ASKED),
                "thought": Column(pl.String, _THOUGHT),
                "answered": Column(pl.String, _ANSWERED),
            },
        ),
    ),
    "conversation": Layout(
        "a conversation in any form, or a question and an answer; with reasoning where it is in tags",
        ((_TALKS,), (detected.COLUMNS["asked"].names, detected.COLUMNS["answered"].names)),
        _read(
            {"instruction": answered_plainly(_talk) | {"when": ~_marked}, "cot": {**_thinking, "when": _marked}},
            dict(detected.COLUMNS),
            any_of=detected.ANY_OF,
            prepare=detected.talks,
            reject=detected.REJECT,
        ),
    ),
    "task": Layout(
        "a problem and its gold answer, without a model's answer",
        ((_ASKED, _GOLD),),
        _read(
            {"grpo": checked(pl.col("asked"), pl.col("gold"))},
            {"asked": Column(pl.String, _ASKED), "gold": Column(pl.String, _GOLD, as_json=True)},
            reject={"no gold answer": pl.col("gold").is_null()},
        ),
    ),
    "text": Layout(
        "one text, taken as an answer to nothing",
        ((_TEXT,),),
        _read(
            {"instruction": {"prompt": turns(user=pl.lit("")), "completion": turns(assistant=pl.col("text"))}},
            {"text": Column(pl.String, _TEXT)},
            reject={"no text": pl.col("text").is_null()},
        ),
    ),
}
"""By name, in the order in which they are looked for."""


def layout_of(path: Path, named: str | None = None) -> tuple[str, Layout]:
    """The layout of a file, by its columns, or the one that is named.

    TamisError for a name that is none, and for a file in which none is recognised, with the columns that it has.
    """
    if named is not None:
        if named not in LAYOUTS:
            raise TamisError(f"there is no layout {named!r}", cure=f"There are {', '.join(LAYOUTS)}.")
        return named, LAYOUTS[named]
    found = column_names(path)
    for name, layout in LAYOUTS.items():
        if any(all(found & set(names) for names in groups) for groups in layout.needs):
            return name, layout
    raise TamisError(
        f"no layout is recognised among its columns: {', '.join(sorted(found)) or 'none'}",
        where=str(path),
        cure=f"Name one with --layout, or rename the columns; there are {', '.join(LAYOUTS)}.",
    )


def column_names(path: Path) -> set[str]:
    """The columns of a parquet file, or the keys of the first objects of a JSON one."""
    if not path.is_file():
        raise TamisError("there is no such file", where=str(path))
    with opened(path) as stream:
        head = bytes(stream.read(_HEAD))
    if head.startswith(b"PAR1"):
        with opened(path) as stream:
            return set(pq.read_schema(stream).names)
    return _keys(head.decode("utf-8", "replace"))


def _keys(text: str) -> set[str]:
    """Keys of the objects that a text begins with, one a line or in an array; what is broken is passed over."""
    decoder, names, place = json.JSONDecoder(), set[str](), 0
    for _ in range(_OBJECTS):
        place = text.find("{", place)
        if place < 0:
            break
        try:
            found, place = decoder.raw_decode(text, place)
            names |= set(found)
        except (ValueError, RecursionError):
            place = text.find("\n", place)
            if place < 0:
                break
    return names
