"""How a plan is made: the Hub is asked what it has, and the lake what of that was read.

It imports the Hub's libraries: set the process up for its Hub first (`pipelines.opening`).
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import httpx2
import polars as pl
from huggingface_hub import constants

from pipelines import timings
from pipelines.as_published import edited_since, made_by
from pipelines.catalogue import row_limit
from pipelines.effects.preview import preview
from pipelines.errors import TamisError
from pipelines.fates import shut_out
from pipelines.hub import Absent, Hub
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.lake_wide import built_with
from pipelines.plan.read import reading
from pipelines.plan.what import EXPORTS, TABLES, Disk, Plan, RecipePlan, RunPlan, SourcePlan
from pipelines.recipe import Recipe, Unreadable
from pipelines.scores import changed_scores
from pipelines.sources.source import Source
from pipelines.states import Pass, State, last_pass, last_state
from pipelines.tombstones import forgotten_since
from pipelines.upstream import planned as what_of
from pipelines.workspace import Workspace


def plan(
    workspace: Workspace,
    sources: Mapping[str, Source],
    recipes: Mapping[str, Recipe | Unreadable],
    settings: LakeSettings,
    *,
    only: Sequence[str] | None = None,
    limit: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Plan:
    """What a run of the sources `only` (all, where it is None) would do, reading `limit` upstream rows of each.

    Nothing is fetched but the cards of repositories, and nothing is written but the Hub's answers beside the cache.
    What a Hub refuses stands in the plan of its source; TamisError where it cannot be reached at all.
    """
    lake, notes = Lake(workspace.lake), timings.noted(workspace)
    cache = Path(constants.HF_HUB_CACHE)
    hub = Hub(None, cache, online=workspace.online)
    files = lake.scan("files").collect()
    planned = []
    for name, source in sources.items():
        if only is None or name in only:
            say(f"looking at {source.repo}")
            mine = files.filter(pl.col("source") == name)
            planned.append(_source(hub, workspace, name, source, mine, limit or row_limit(name), notes))
    others = tuple(name for name in sources if only is not None and name not in only)
    upstream = sum(one.upstream for one in planned)
    upstream += int(files.filter(pl.col("source").is_in(others))["bytes"].sum())
    state = _why_new_state(last_state(lake, ready=True), planned, settings)
    curated = tuple(
        replace(
            _recipe(lake, name, said, bool(state), upstream, notes, sources), shut_out=_shut_out(said, planned, sources)
        )
        for name, said in recipes.items()
    )
    return Plan(
        hub=workspace.hub,
        sources=tuple(planned),
        others=others,
        lake=tuple(state),
        recipes=curated,
        disks=tuple(_disks(workspace, cache, planned, upstream * sum(bool(one.why) for one in curated))),
    )


def _source(
    hub: Hub,
    workspace: Workspace,
    name: str,
    source: Source,
    known: pl.DataFrame,
    limit: int | None,
    notes: pl.DataFrame,
) -> SourcePlan:
    try:
        snapshot, to_fetch = what_of(hub, workspace, source)
    except Absent:
        return SourcePlan(name, "ABSENT", "this Hub does not have it")
    except TamisError as error:
        if isinstance(error.__cause__, (httpx2.TransportError, ConnectionError)):
            raise  # it would be the same for every source
        return SourcePlan(name, "FAILED", str(error))
    read = reading(name, source, snapshot, known, limit)
    seconds = timings.estimate(notes, "refresh", name, read.to_read)
    return replace(read, to_fetch=to_fetch, seconds=seconds)


def _why_new_state(last: State | None, planned: Sequence[SourcePlan], settings: LakeSettings) -> list[str]:
    if last is None:
        return ["the first one"]
    changing = [one.name for one in planned if one.why or one.leaving]
    why = [f"a new one, since {', '.join(changing)} change{'s' if len(changing) == 1 else ''}"] if changing else []
    moved = changed_scores(last.lake, settings.scores)
    if moved:
        said = f"the scores {', '.join(moved)} changed"
        why.append(said if why else f"a new one, since {said}")
    if last.built_with != built_with(settings):
        why.append("pairs and sides are built again, since lake.yaml or their code was edited")
    return why


def _recipe(
    lake: Lake,
    name: str,
    said: Recipe | Unreadable,
    moves: bool,
    upstream: int,
    notes: pl.DataFrame,
    sources: Mapping[str, Source],
) -> RecipePlan:
    if isinstance(said, Unreadable):
        return RecipePlan(name, problem=f"cannot be read: {said.error}")
    last = last_pass(lake, name)
    why = ["its first ledger"] if last is None else ["a new ledger"] if moves else []
    effect = ""
    if last is not None and forgotten_since(last):
        why = ["a new ledger", f"records were forgotten since pass {last.number}"]
    if last is not None and edited_since(last, said):
        why = ["a new ledger", f"the recipe was edited since pass {last.number}"]
        effect = _effect(last, name, said, sources)
    runs = (
        RunPlan(
            name=f"{name}.{run}",
            tokens=settings.tokens,
            model="the tiny model" if settings.model == "tiny" else f"{settings.model} (fetched unless it is cached)",
            seconds=timings.estimate(notes, "train", f"{name}.{run}", settings.tokens),
        )
        for run, settings in said.training.items()
    )
    seconds = timings.estimate(notes, "curate", name, upstream)
    return RecipePlan(name, tuple(why), effect, seconds=seconds, runs=tuple(runs))


def _effect(last: Pass, name: str, said: Recipe, sources: Mapping[str, Source]) -> str:
    try:
        found = preview(last, made_by(last, {}), name, said, sources, examples=0)
    except TamisError as error:  # the pass lacks the signals of a new rule, or was made by an older Tamis
        return f"what that changes is not known: {error}"
    return found.headline


def _shut_out(
    said: Recipe | Unreadable, planned: Sequence[SourcePlan], sources: Mapping[str, Source]
) -> tuple[str, ...]:
    """Sources of a recipe that its licence policy drops, with why, by the licence of the commit that is there now."""
    if isinstance(said, Unreadable):
        return ()
    asked = [one for one in planned if one.name in said.sources and not one.problem]
    reasons = {one.name: shut_out(said.licence, one.license, sources[one.name]) for one in asked}
    return tuple(f"{name}: {reason}" for name, reason in reasons.items() if reason)


def _disks(workspace: Workspace, cache: Path, planned: Sequence[SourcePlan], exported: int) -> Iterator[Disk]:
    """What is written where: snapshots to the cache, tables and exports to the workspace; once, if that is one disk."""
    fetched = sum(one.to_fetch for one in planned)
    written = round(TABLES * sum(one.to_read for one in planned) + EXPORTS * exported)
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if there.stat().st_dev == workspace.path.stat().st_dev:
        yield Disk(workspace.path, fetched + written, shutil.disk_usage(workspace.path).free)
    else:
        yield Disk(cache, fetched, shutil.disk_usage(there).free)
        yield Disk(workspace.path, written, shutil.disk_usage(workspace.path).free)
