"""The corpus from Python: what the command `tamis` and notebooks use.

    from pipelines import corpus

    lake = corpus.open()                        # the workspace of the last `make run`
    lake.curated("cot", side="train")           # a polars LazyFrame
    lake.why("gsm8k/cot/main.train.0.5")        # the record's story
    lake.find("square root of two")
    lake.sweep("answer loops").frame            # kept records at each of some thresholds

Everything is read through passes: what a recipe has not published is not in `curated` or `ledger`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from pipelines import exports
from pipelines.as_published import edited_since, made_by
from pipelines.catalogue import recipes_now
from pipelines.effects.diff import Diff, diff
from pipelines.effects.preview import Preview, preview
from pipelines.effects.rules import RuleEffects, rule_effects
from pipelines.effects.sweep import Sweep, sweep
from pipelines.effects.thresholds import STEPS
from pipelines.errors import TamisError
from pipelines.lake import Lake
from pipelines.quality.redaction import KINDS, Kind, redacted_columns
from pipelines.recipe import Recipe, Unreadable
from pipelines.report.summary import CURATED
from pipelines.sources import sources
from pipelines.states import Pass, last_pass, passes
from pipelines.story.find import Found, find
from pipelines.story.record import Story
from pipelines.story.row import RowStory, place, tell_row
from pipelines.story.tell import tell
from pipelines.workspace import Workspace, current, workspace
from schemas.families import FAMILIES
from schemas.vocabulary import SIDES


@dataclass(frozen=True)
class Ledger:
    """A recipe's ledger. `rows`: one a record, in the schema of the table `ledger`."""

    published: Pass
    rows: pl.LazyFrame

    def counts(self) -> pl.DataFrame:
        """Records by `source`, `family`, `fate` and `reason`, the most frequent first."""
        counted = self.rows.group_by("source", "family", "fate", "reason").agg(records=pl.len().cast(pl.Int64))
        order = ["source", "family", "records", "fate", "reason"]
        return counted.sort(order, descending=[name == "records" for name in order]).collect()

    def __str__(self) -> str:
        by_fate = self.rows.group_by("fate", "reason").agg(records=pl.len().cast(pl.Int64))
        counts = by_fate.sort(pl.col("fate") != "kept", -pl.col("records"), "fate", "reason").collect()
        total = int(counts["records"].sum())
        lines = [
            f"recipe {self.published.recipe}, pass {self.published.number} of {self.published.at:%Y-%m-%d %H:%M} UTC: "
            f"{total:,} records"
        ]
        lines += [f"{records:>12,}  {fate}{f': {reason}' if reason else ''}" for fate, reason, records in counts.rows()]
        return "\n".join(lines)

    __repr__ = __str__


@dataclass(frozen=True)
class Corpus:
    """One workspace's corpus."""

    workspace: Workspace
    lake: Lake

    @property
    def recipes(self) -> tuple[str, ...]:
        """Recipes that have published a pass, in alphabetical order."""
        return tuple(passes(self.lake)["recipe"].unique().sort())

    def curated(
        self, family: str, side: str | None = None, recipe: str = "default", *, redact: Sequence[Kind] = ()
    ) -> pl.LazyFrame:
        """Kept records of a family with all their columns and `side`, in the order of the lake.

        `side`: train, validation or test; all three where it is None. `redact`: personal data and secrets that give
        place to placeholders, in a copy made on demand; the lake holds records as they are, whatever the recipe
        redacts in its exports. TamisError for a name that is not there.
        """
        _known("family", family, FAMILIES)
        if side is not None:
            _known("side", side, SIDES)
        for kind in redact:
            _known("kind of personal data", kind, KINDS)
        rows = exports.curated(self._published(recipe), family, side)
        return rows.with_columns(redacted_columns(FAMILIES[family], redact))

    def ledger(self, recipe: str = "default") -> Ledger:
        """Every record's fate in the recipe's last pass. TamisError if it has none."""
        published = self._published(recipe)
        return Ledger(published, published.ledger())

    def why(self, what: str, number: int | None = None) -> Story | RowStory:
        """The story of a record (its id), or of an upstream row (`SOURCE:FILE:ROW`, rows counted from 0).

        `number`: a pass; each recipe's last one where it is None. TamisError, with what is near, where there is no
        such record or row.
        """
        named = place(what)
        if named is not None:
            return tell_row(self.lake, *named, sources(), number=number)
        return tell(self.lake, what, recipes_now(), sources(), number=number, online=self.workspace.online)

    def find(self, text: str, *, family: str | None = None, source: str | None = None, limit: int = 20) -> Found:
        """Records and rejects that hold a text, whatever its case; see `pipelines.story.find.find`."""
        return find(self.lake, text, family=family, source=source, limit=limit)

    def rules(self, recipe: str = "default") -> RuleEffects:
        """Each rule of the recipe's last pass with its effect alone and among the others, from stored signals."""
        published = self._published(recipe)
        now = recipes_now()
        file = now.get(recipe)
        edited = isinstance(file, Recipe) and edited_since(published, file)
        return rule_effects(published, made_by(published, now), edited=edited)

    def sweep(
        self,
        rule: str,
        recipe: str = "default",
        *,
        start: float | None = None,
        end: float | None = None,
        steps: int = STEPS,
        examples: int = 1,
    ) -> Sweep:
        """A rule's threshold moved over the recipe's last pass; see `pipelines.effects.sweep.sweep`."""
        published = self._published(recipe)
        said = made_by(published, recipes_now())
        return sweep(published, said, rule, start=start, end=end, steps=steps, examples=examples)

    def diff(self, left: str, right: str, *, examples: int = 1) -> Diff:
        """What the last pass of one recipe keeps that the other's does not, and why not."""
        one, other, now = self._published(left), self._published(right), recipes_now()
        return diff(one, other, made_by(one, now), made_by(other, now), examples=examples)

    def preview(self, recipe: str = "default", *, against: str | None = None, examples: int = 1) -> Preview:
        """What the recipe's file as it is now would change of its last pass, before a run.

        `against`: another recipe's pass to compare with; where the recipe has none yet, that of `default`. TamisError
        where the file cannot be read, and for names that are not there.
        """
        now = recipes_now()
        _known("recipe", recipe, now)
        said = now[recipe]
        if isinstance(said, Unreadable):
            raise said.error
        before = against or (recipe if recipe in self.recipes else CURATED)
        published = self._published(before)
        return preview(published, made_by(published, now), recipe, said, sources(), examples=examples)

    def passes(self) -> pl.DataFrame:
        """Every pass, the last one first: `pass`, `recipe`, `recipe_hash`, `state`, `at`."""
        return passes(self.lake).drop("versions")

    def sources(self) -> pl.DataFrame:
        """What was read of each source: `source`, `repo`, `revision`, `files`, `rows`, `rejected`, `records`."""
        records = pl.sum_horizontal(pl.col("records").struct.field(name) for name in FAMILIES)
        return (
            self.lake.scan("files")
            .sort("source", "position")
            .with_columns(records=records)
            .group_by("source", maintain_order=True)
            .agg(
                pl.col("repo", "revision").last(),
                pl.len().cast(pl.Int64).alias("files"),
                pl.col("rows", "yielding", "rejected", "not_selected", "records").sum(),
            )
            .collect()
        )

    def __str__(self) -> str:
        published = ", ".join(self.recipes) or "nothing yet"
        return f"corpus of the Hub {self.workspace.hub} in {self.workspace.path}; published: {published}"

    __repr__ = __str__

    def _published(self, recipe: str) -> Pass:
        found = last_pass(self.lake, recipe)
        if found is None:
            _known("published recipe", recipe, self.recipes)
            raise AssertionError("a recipe with a pass has a last one")
        return found


def open(hub: str | None = None) -> Corpus:
    """The corpus of a Hub's workspace: "sample", "online" or a folder laid out as repositories.

    None takes `TAMIS_HUB`, else the last run's, else the online Hub's. Nothing is fetched and no lock is taken.
    """
    opened = workspace(hub) if hub is not None else current()
    return Corpus(opened, Lake(opened.lake))


def _known(what: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        near = get_close_matches(name, names, 1)
        cure = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names) or 'none yet: `make run` first'}."
        raise TamisError(f"there is no {what} {name!r}", cure=cure)
