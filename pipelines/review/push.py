"""The review queue into Argilla: one dataset a recipe and family, whose records are known by their content.

A push that is killed leaves nothing half done that the next one does not finish: what is there is compared with what
should be there, and only the difference is sent. Answers are never touched: a record that anybody answered is neither
written nor deleted, but for one of an old form, and for one that another has yet to answer and that is asked no more;
their answers are in `verdicts` by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import polars as pl

from pipelines.lake import Lake
from pipelines.recipe import Recipe
from pipelines.review import client as api
from pipelines.review.asked import asked, shown_records, varying_signals
from pipelines.review.client import Found
from pipelines.review.forms import FORMS, Form
from pipelines.review.pull import Pulled, keep_answers
from pipelines.review.verdicts import answers
from pipelines.states import Pass
from schemas.families import FAMILIES, Family

if TYPE_CHECKING:
    import argilla as rg

_COUNTS: Final = ("sent", "unchanged", "answered", "withdrawn")


@dataclass(frozen=True)
class Pushed:
    """What a push did, one row a family in `families`: `family`, `dataset`, and how many records were `sent` (new or
    changed), `unchanged`, `answered` (so left alone) and `withdrawn`. `pulled`: the answers that came back before."""

    families: pl.DataFrame
    pulled: Pulled


def push(
    client: "rg.Argilla",
    workspace: str,
    lake: Lake,
    published: Pass,
    recipe: Recipe,
    queue: pl.DataFrame,
) -> Pushed:
    """Make the datasets of a recipe hold its queue. `queue`: its rows of `review_queue`, of the pass `published`.

    Answers that were given meanwhile are pulled first, so that nothing that is withdrawn takes one along.
    """
    api.open_workspace(client, workspace)
    here = [found for found in api.datasets(client, workspace) if found.recipe == published.recipe]
    held = {found: api.records(client, found.id) for found in here if found.ready}
    pulled = keep_answers(lake, held, api.users(client))
    counts = []
    for family in FAMILIES.values():
        mine = {found: records for found, records in held.items() if found.family == family.name}
        wanted = _undecided(lake, recipe, queue.filter(pl.col("family") == family.name))
        done = _push_family(client, workspace, published, recipe, family, wanted, mine)
        counts += [done] if done is not None else []
    schema = {"family": pl.String, "dataset": pl.String, **dict.fromkeys(_COUNTS, pl.Int64)}
    return Pushed(pl.DataFrame(counts, schema=schema), pulled)


def _push_family(
    client: "rg.Argilla",
    workspace: str,
    published: Pass,
    recipe: Recipe,
    family: Family,
    wanted: pl.DataFrame,
    held: dict[Found, pl.DataFrame],
) -> dict[str, str | int] | None:
    form = FORMS[family.name]
    old = [found for found in held if found.form != form.identity]
    withdrawn = sum(_withdraw(client, found, held[found]) for found in old)
    current = next((found for found in held if found.form == form.identity), None)
    if current is None and wanted.is_empty():
        return None
    rows = shown_records(published, recipe, family, wanted)
    signals = varying_signals(rows, recipe, family)
    dataset = _dataset(client, workspace, form, published.recipe, recipe.review.overlap, signals)
    records = held.get(current, pl.DataFrame(schema=api.RECORDS)) if current else pl.DataFrame(schema=api.RECORDS)
    items = asked(rows, recipe, family, signals, {q.name: str(q.id) for q in dataset.settings.questions})
    both = items.join(_state_of(records), on="external_id", how="left", maintain_order="left")
    untouched = pl.col("responses") > 0
    same = pl.col("pushed") == pl.col("pushed_before")
    fresh = both.filter(pl.col("id").is_null() | ~(untouched | same))
    # Argilla never takes a suggestion away by an update.
    stale = fresh.filter(pl.col("suggestions") > pl.col("suggests"))
    gone = _state_of(records).join(items, on="external_id", how="anti")
    leaving = gone.filter((pl.col("responses") == 0) | (pl.col("status") == "pending") & ~pl.col("in_work"))
    number = str(dataset.id)
    api.delete(client, number, pl.concat([stale["id"], leaving["id"]]))
    api.send(client, number, fresh["json"])
    return {
        "family": family.name,
        "dataset": form.dataset(published.recipe),
        "sent": fresh.height,
        "unchanged": both.filter(same & ~untouched).height,
        "answered": both.filter(untouched).height + gone.height - leaving.height,
        "withdrawn": leaving.height + withdrawn,
    }


def _undecided(lake: Lake, recipe: Recipe, queue: pl.DataFrame) -> pl.DataFrame:
    """The rows that not as many people as the recipe asks have answered, in whatever form."""
    given = answers(lake.scan("verdicts").collect()).filter(pl.col("users") >= recipe.review.overlap)
    return queue.join(given, on=["content_hash", "family"], how="anti")


def _state_of(records: pl.DataFrame) -> pl.DataFrame:
    """How far each record is: `id`, `external_id`, `status`, `responses` and `suggestions` (how many), `pushed_before`,
    and `in_work`: whether a draft waits to be gone on with."""
    return records.select(
        "id",
        "external_id",
        "status",
        pl.col("responses").list.len().fill_null(0).cast(pl.Int64),
        pl.col("suggestions").list.len().fill_null(0).cast(pl.Int64),
        pushed_before=pl.col("metadata").struct.field("pushed"),
        in_work=pl.col("responses").list.eval(pl.element().struct.field("status") == "draft").list.any(),
    )


def _withdraw(client: "rg.Argilla", found: Found, records: pl.DataFrame) -> int:
    """Take what is open out of a dataset of an old form; the answers in it stay, and one that holds none goes."""
    leaving = _state_of(records).filter(pl.col("status") == "pending")
    api.delete(client, found.id, leaving["id"])
    if leaving.height == records.height:
        client.api.datasets.delete(UUID(found.id))
    return leaving.height


def _dataset(
    client: "rg.Argilla", workspace: str, form: Form, recipe: str, overlap: int, signals: Sequence[str]
) -> "rg.Dataset":
    """The published dataset of a form, made if it is not there; guidelines, overlap and metadata are brought up."""
    import argilla as rg

    name = form.dataset(recipe)
    wanted = form.settings(client, overlap, signals)
    there = client.api.datasets.get_by_name_and_workspace_id(name, api.workspace_id(client, workspace))
    if there is not None and there.status != "ready":
        client.api.datasets.delete(there.id)  # a push that was killed left it, before it could hold a record
        there = None
    if there is None:
        return rg.Dataset(name=name, workspace=workspace, settings=wanted, client=client).create()
    dataset = rg.Dataset.from_model(there, client).get()
    _bring_up(dataset.settings, wanted)
    return dataset


def _bring_up(settings: "rg.Settings", wanted: "rg.Settings") -> None:
    """Change what a published dataset can change, where it differs."""
    known = {property.name for property in settings.metadata}
    new = [property for property in wanted.metadata if property.name not in known]
    same = settings.guidelines == wanted.guidelines and settings.distribution == wanted.distribution
    if same and not new:
        return
    settings.guidelines, settings.distribution = wanted.guidelines, wanted.distribution
    for property in new:
        settings.metadata.add(property)
    settings.update()
