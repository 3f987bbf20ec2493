"""The story of one record: where it came from, what it says, and its fate in each recipe with all that it hits."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

from pipelines.story.history import Past
from pipelines.story.words import parts_of
from schemas.families import FAMILIES
from schemas.vocabulary import ARGILLA

_WIDTH: Final = 110
"""Characters of a line of signals, of which there may be many."""


@dataclass(frozen=True)
class Origin:
    """Where upstream has a row. `link`: its file's page on the Hub; None for a Hub on loopback."""

    source: str
    repo: str
    revision: str
    config: str | None
    split: str
    file: str
    row: int
    link: str | None

    @property
    def place(self) -> str:
        """`SOURCE:FILE:ROW`."""
        return f"{self.source}:{self.file}:{self.row}"

    def lines(self) -> Iterator[str]:
        config = f", config {self.config}" if self.config else ""
        yield f"  from {self.repo} at {self.revision[:12]}{config}, split {self.split}"
        yield f"  as {self.place}"
        if self.link:
            yield f"  see {self.link}"


@dataclass(frozen=True)
class InRecipe:
    """A record in one pass of a recipe.

    `fate` is one sentence, `because` the words of the rule that decided it. `row`: its row of the ledger; None where
    the pass does not have the record. `signals`: those that a rule reads. `hits`: what speaks against the record beside
    its fate. `verdicts`: what people said of its content and when, as far as the pass had read it. `note`: what to know
    of both.
    """

    recipe: str
    number: int
    when: str
    state: int
    fate: str
    because: str
    row: Mapping[str, Any] | None
    signals: Mapping[str, float | None]
    hits: tuple[str, ...]
    verdicts: tuple[str, ...]
    past: Past
    note: str

    def lines(self, id_: str) -> Iterator[str]:
        yield f"{self.recipe}: {self.fate}"
        side = f", side {self.row['side']}" if self.row and self.row["side"] else ""
        pinned = " (as upstream's split says)" if self.row and self.row["pinned"] else ""
        yield f"  in pass {self.number} of {self.when}, lake state {self.state}{side}{pinned}"
        if self.because:
            yield f"  because: {self.because}"
        if self.signals:
            told = [f"{name} {value:g}" for name, value in self.signals.items() if value]
            zeros = sum(value == 0 for value in self.signals.values())
            told += [f"{zeros} more that are 0"] if zeros else []
            yield from wrap(f"  signals: {', '.join(told)}", _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        yield from (f"  people: {said}" for said in self.verdicts)
        yield from (f"  also: {hit}" for hit in self.hits)
        yield from (f"  past: {move.told(id_)}" for move in self.past.moves)
        if self.note:
            yield f"  note: {self.note}"


@dataclass(frozen=True)
class Story:
    """A record and its fates; `str()` of it is what `tamis why` prints.

    `record`: all its columns. `verified`: what verification found of its answer, None where there is none to check.
    `other`: sentences about other content that the id held or holds.
    """

    id: str
    origin: Origin
    record: Mapping[str, Any]
    verified: str | None
    recipes: tuple[InRecipe, ...]
    other: tuple[str, ...]

    @property
    def fates(self) -> dict[str, str]:
        """The fate in each recipe, in one sentence."""
        return {told.recipe: told.fate for told in self.recipes}

    def __str__(self) -> str:
        facts = [f"licence {self.record['license'] or 'not stated'}"]
        facts += [f"{name} {self.record[name]}" for name in ("language", "group") if self.record[name]]
        if self.record["source"] == ARGILLA:
            facts.append(f"corrects {json.loads(self.record['meta'])['parent']}")
        lines = [self.id, *self.origin.lines(), f"  {', '.join(facts)}", ""]
        lines += [f"  {name}: {text}" for name, text in parts_of(self.record, FAMILIES[self.id.split("/")[1]])]
        lines += [f"  verification: {self.verified}"] if self.verified else []
        for told in self.recipes:
            lines += ["", *told.lines(self.id)]
        if not self.recipes:
            lines += ["", "not published yet: no recipe has a pass"]
        if self.other:
            lines += ["", *self.other]
        return "\n".join(lines)

    __repr__ = __str__
