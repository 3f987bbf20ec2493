"""What a run did, counted from the lake: the numbers that the terminal and the HTML report show."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import polars as pl

from pipelines.as_published import redaction_of, said_in
from pipelines.benchmarks.held import Held, held
from pipelines.catalogue import recipes_now
from pipelines.kept_licences import kept_licences
from pipelines.lake import Lake
from pipelines.ledger import funnel
from pipelines.quality.redaction import KINDS, Kind, redacted
from pipelines.recipe import Recipe
from pipelines.report.between import between
from pipelines.report.planted import Defects, defects
from pipelines.report.review import Reviewed, reviewed
from pipelines.sources import sources
from pipelines.states import Pass, last_pass
from pipelines.training.compare import Comparison
from pipelines.training.launch import BASELINE
from pipelines.workspace import Workspace
from schemas.families import FAMILIES
from schemas.vocabulary import ARGILLA, FATES, SIDES

CURATED: Final = "default"
"""The recipe that a report is about, where it has been published."""

Word = Literal["OK", "ABSENT", "STALE", "FAILED", "-"]


@dataclass(frozen=True)
class SourceStatus:
    """How a source's refresh ended. `message`: why it did not, or "unchanged".

    OK; ABSENT: this Hub does not have it; STALE: it failed, and its last good records take part; FAILED: it failed
    and has none; "-": it was not refreshed in this run.
    """

    word: Word
    message: str = ""


NOT_REFRESHED: Final = SourceStatus("-", "not refreshed")
WRITTEN: Final = SourceStatus("-", "written in review")
REMOVED: Final = SourceStatus("-", "no longer a source")


@dataclass(frozen=True)
class RunOutcome:
    """What a walk of the graph came to. `recipes`: those published; `failures`: what went wrong, in words."""

    statuses: Mapping[str, SourceStatus]
    recipes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    failures: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Summary:
    """The numbers of one run, all of `published`: the last pass of one recipe, None where nothing is published.

    `recipe`: what it said then; None where the pass was made before recipes were kept, and its file is another now.
    `sources`: one row a source, in the order of the registry, with `source`, `word`, `message`, `repo`, `revision`,
    `license`, `files`, `bytes`, `rows`, `yielding`, `rejected`, `not_selected`, `records`, a column a family, and
    `kept` and `dropped` (null without a pass).
    `fates`: records by `source`, `family`, `fate`, `reason`. `kept_sides`: kept records by `family` and side.
    `recipes`: one row a recipe that has a pass: `recipe`, `pass`, `state`, `at`, `records`, `kept`, `dropped`, and a
    column a side.
    `rejects`: rows that yield nothing by `source`, `selected`, `family`, `reason`, with `rows` and the first `examples`
    (`file`, `row`, `excerpt`); rejects come before what was left out, the commonest first.
    `licences`: kept records by licence, as `kept_licences` counts them; None without a pass.
    `benchmarks`: which of them records were compared with, and which were NOT CHECKED.
    `review`: what people were asked and what came of it; None where `recipe` is.
    `between`: conflicts of records, and the largest component of ties, a line each.
    """

    workspace: Workspace
    outcome: RunOutcome
    at: datetime
    published: Pass | None
    recipe: Recipe | None
    sources: pl.DataFrame
    fates: pl.DataFrame
    kept_sides: pl.DataFrame
    recipes: pl.DataFrame
    rejects: pl.DataFrame
    defects: Defects | None
    benchmarks: Held
    licences: pl.DataFrame | None
    review: Reviewed | None
    between: list[str]

    @property
    def records(self) -> int:
        return int(self.fates["records"].sum())

    @property
    def kept(self) -> int:
        return int(self.fates.filter(pl.col("fate") == "kept")["records"].sum())

    @property
    def stages(self) -> list["Stage"]:
        """The funnel, from upstream rows to kept records."""
        return row_stages(self.sources) + record_stages(self.fates)


@dataclass(frozen=True)
class Stage:
    """One step of the funnel: `count` of `unit` (rows or records). `leaves`: they go here; else they are what is there.

    `before`: how many of the unit there were before the step; `whole`: at the start.
    """

    name: str
    count: int
    before: int
    whole: int
    unit: Literal["rows", "records"]
    leaves: bool


def summarise(workspace: Workspace, lake: Lake, outcome: RunOutcome) -> Summary:
    """Count everything that a run's summary shows. Reads the last pass of `CURATED`, else of another recipe."""
    recipes = _recipes(lake)
    published = last_pass(lake, _subject(recipes["recipe"].to_list())) if recipes.height else None
    fates = funnel(published.ledger()) if published else _NO_FATES
    recipe = _recipe(published)
    files = (published.state.scan("files") if published else lake.scan("files")).collect()
    return Summary(
        workspace=workspace,
        outcome=outcome,
        at=datetime.now(UTC),
        published=published,
        recipe=recipe,
        sources=_sources(files, fates if published else None, outcome.statuses),
        fates=fates,
        kept_sides=_kept_sides(published),
        recipes=recipes,
        rejects=_rejects(
            (published.state.scan if published else lake.scan)("rejects"),
            redaction_of(published) if published else KINDS,
        ),
        defects=defects(workspace, published) if published else None,
        benchmarks=held(lake),
        licences=kept_licences(published) if published else None,
        review=reviewed(lake, published, recipe) if published and recipe else None,
        between=between(published) if published else [],
    )


def row_stages(upstream: pl.DataFrame) -> list[Stage]:
    """The funnel of upstream rows, of `files` or of any frame with their counts: to the rows that yield records."""
    rows, yielding = int(upstream["rows"].sum()), int(upstream["yielding"].sum())
    gone = {name: int(upstream[column].sum()) for name, column in _GONE.items()}
    return [
        Stage("upstream rows", rows, rows, rows, "rows", leaves=False),
        *_leaving(gone, rows, "rows"),
        Stage("yielding rows", yielding, rows, rows, "rows", leaves=False),
    ]


def record_stages(fates: pl.DataFrame) -> list[Stage]:
    """The funnel of records by `fate`, in the order in which fates apply; those that no record has are left out."""
    counts = dict(fates.group_by("fate").agg(pl.col("records").sum()).iter_rows())
    records = sum(counts.values())
    dropped = {fate: counts.get(fate, 0) for fate in FATES if fate != "kept"}
    return [
        Stage("records", records, records, records, "records", leaves=False),
        *_leaving(dropped, records, "records"),
        Stage("kept", counts.get("kept", 0), records, records, "records", leaves=False),
    ]


def part_stages(parts: Mapping[str, int], whole: int) -> list[Stage]:
    """Parts of all records, such as the sides, as a picture beside each other."""
    every = Stage("records", whole, whole, whole, "records", leaves=False)
    return [every, *(Stage(name, count, whole, whole, "records", leaves=False) for name, count in parts.items())]


def _leaving(gone: Mapping[str, int], whole: int, unit: Literal["rows", "records"]) -> Iterator[Stage]:
    before = whole
    for name, count in gone.items():
        if count:
            yield Stage(name, count, before, whole, unit, leaves=True)
        before -= count


def label(fate: str, reason: str | None) -> str:
    """A fate and its reason as one short label: a rule by its name alone, as people know it."""
    if reason is None:
        return fate
    return reason if fate == "rule" else f"{fate}: {reason}"


def labelled(fates: pl.DataFrame) -> pl.DataFrame:
    """The dropped records with their `label`, by source: columns `source`, `fate`, `label`, `records`."""
    dropped = fates.filter(pl.col("fate") != "kept")
    named = (
        pl.when(pl.col("reason").is_null())
        .then("fate")
        .when(pl.col("fate") == "rule")
        .then("reason")
        .otherwise(pl.format("{}: {}", "fate", "reason"))
    )
    counted = dropped.group_by("source", "fate", label=named).agg(pl.col("records").sum())
    return counted.sort("records", "source", "label", descending=[True, False, False])


_NO_FATES: Final = pl.DataFrame(
    schema={"source": pl.String, "family": pl.String, "fate": pl.String, "reason": pl.String, "records": pl.Int64}
)
_EXAMPLES: Final = 3
_EXCERPT: Final = 300
_GONE: Final = {"rejected": "rejected", "not selected": "not_selected"}
_COUNTS: Final = ("bytes", "rows", "yielding", "rejected", "not_selected")


def _subject(published: list[str]) -> str:
    """The recipe that a report is about: `CURATED`, else one that is no baseline, else the one there is."""
    if CURATED in published:
        return CURATED
    return next((name for name in published if name != BASELINE), published[0])


def _recipe(published: Pass | None) -> Recipe | None:
    if published is None:
        return None
    said = said_in(published)
    if said is not None:
        return said
    now = recipes_now().get(published.recipe)
    return now if isinstance(now, Recipe) and now.hash == published.recipe_hash else None


def _sources(files: pl.DataFrame, fates: pl.DataFrame | None, statuses: Mapping[str, SourceStatus]) -> pl.DataFrame:
    counts = (
        files.sort("source", "position")
        .unnest("records")
        .group_by("source")
        .agg(
            pl.col("repo", "revision", "license").first(),
            pl.len().cast(pl.Int64).alias("files"),
            pl.col(*_COUNTS, *FAMILIES).sum(),
        )
        .with_columns(records=pl.sum_horizontal(*FAMILIES))
    )
    if fates is None:
        nothing = pl.lit(None, dtype=pl.Int64)
        counted = counts.with_columns(kept=nothing, dropped=nothing)
    else:
        is_kept = pl.col("fate") == "kept"
        fated = fates.group_by("source").agg(
            kept=pl.col("records").filter(is_kept).sum(), dropped=pl.col("records").filter(~is_kept).sum()
        )
        counted = counts.join(fated, on="source", how="left")
    names = [name for name in sources() if name in statuses or name in counted["source"]]
    names += sorted(set(counted["source"]) - set(names))
    unasked = {ARGILLA: WRITTEN} | dict.fromkeys(sources(), NOT_REFRESHED)
    said = [statuses.get(name, unasked.get(name, REMOVED)) for name in names]
    status = pl.DataFrame(
        {"source": names, "word": [s.word for s in said], "message": [s.message for s in said]},
        schema={"source": pl.String, "word": pl.String, "message": pl.String},
    )
    filled = ["files", *_COUNTS, "records", *FAMILIES, *([] if fates is None else ["kept", "dropped"])]
    return status.join(counted, on="source", how="left", maintain_order="left").with_columns(
        pl.col(*filled).fill_null(0)
    )


def _rejects(rejects: pl.LazyFrame, kinds: Sequence[Kind]) -> pl.DataFrame:
    clean = redacted(pl.element().struct.field("excerpt"), kinds).alias("excerpt")
    example = pl.struct("file", "row", pl.col("excerpt").str.head(_EXCERPT))
    return (
        rejects.group_by("source", "selected", "family", "reason")
        .agg(rows=pl.len(), examples=example.sort_by("file", "row").head(_EXAMPLES))
        .with_columns(pl.col("examples").list.eval(pl.element().struct.with_fields(clean)))
        .sort("selected", "rows", "source", "reason", descending=[True, True, False, False])
        .collect()
    )


def _kept_sides(published: Pass | None) -> pl.DataFrame:
    sides = [(pl.col("side") == side).sum().cast(pl.Int64).alias(side) for side in SIDES]
    if published is None:
        return pl.DataFrame(schema={"family": pl.String} | dict.fromkeys(SIDES, pl.Int64))
    kept = published.ledger().filter(pl.col("fate") == "kept").group_by("family").agg(sides).collect()
    order = pl.DataFrame({"family": list(FAMILIES)})
    return order.join(kept, on="family", how="inner", maintain_order="left")


def _recipes(lake: Lake) -> pl.DataFrame:
    """One row a recipe: what its last pass holds."""
    names = lake.scan("passes").select(pl.col("recipe").unique()).collect()["recipe"].sort()
    is_kept = pl.col("fate") == "kept"
    sides = [(is_kept & (pl.col("side") == side)).sum().cast(pl.Int64).alias(side) for side in SIDES]
    rows = []
    for name in names:
        published = last_pass(lake, name)
        assert published is not None, f"{name} stands in passes"
        counted = (
            published.ledger()
            .select(
                pl.len().cast(pl.Int64).alias("records"),
                is_kept.sum().cast(pl.Int64).alias("kept"),
                (~is_kept).sum().cast(pl.Int64).alias("dropped"),
                *sides,
            )
            .collect()
        )
        rows.append(
            counted.select(
                pl.lit(name).alias("recipe"),
                pl.lit(published.number).alias("pass"),
                pl.lit(published.state.number).alias("state"),
                pl.lit(published.at).alias("at"),
                pl.all(),
            )
        )
    return pl.concat(rows) if rows else pl.DataFrame(schema={"recipe": pl.String})
