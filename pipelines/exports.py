"""Exports: what anyone can train on, by family and side, in the columns that TRL's trainers take."""

import shutil
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.errors import TamisError
from pipelines.recipe import ReasoningTags, Recipe
from pipelines.states import Pass
from pipelines.workspace import Workspace
from schemas.families import FAMILIES
from schemas.vocabulary import SIDES

_ROW_GROUP: Final = 16_384
_said = pl.element().struct


def _plain(part: str) -> pl.Expr:
    return pl.col(part).list.eval(pl.struct(role=_said.field("role"), content=_said.field("content")))


def trainer_columns(family: str, tags: ReasoningTags) -> dict[str, pl.Expr]:
    """The columns of a family as TRL's trainers take them: conversational, and nothing else.

    A chain of thought is rendered into the assistant's turn between the recipe's tags. `solution` of a task
    without a gold answer holds the arguments of its verifier.
    """
    if family == "instruction":
        return {"prompt": _plain("prompt"), "completion": _plain("completion")}
    if family == "preference":
        return {part: _plain(part) for part in ("prompt", "chosen", "rejected")}
    if family == "cot":
        final = pl.col("completion").list.first().struct.field("content")
        thought = pl.concat_str([pl.lit(tags.open), pl.col("reasoning"), pl.lit(tags.close), final])
        answer = pl.when(pl.col("reasoning").is_null()).then(final).otherwise(thought)
        rendered = pl.concat_list(pl.struct(role=pl.lit("assistant"), content=answer))
        return {"prompt": _plain("prompt"), "completion": rendered}
    return {"prompt": _plain("prompt"), "solution": pl.coalesce("answer", "verifier_args")}


def curated(published: Pass, family: str, side: str | None = None) -> pl.LazyFrame:
    """Kept records of a family with all their columns and `side`, sorted by id; the source of every export."""
    kept = published.ledger().filter((pl.col("fate") == "kept") & (pl.col("family") == family))
    if side is not None:
        kept = kept.filter(pl.col("side") == side)
    records = published.state.scan(f"records_{family}")
    return records.join(kept.select("id", "side"), on="id", how="inner").sort("id")


def export(workspace: Workspace, published: Pass, recipe: Recipe) -> dict[Path, int]:
    """Write the pass's parquet files and return their rows by path.

    `<workspace>/exports/<recipe>/<family>/<side>.parquet`, so that `load_dataset` takes a family's folder as it is;
    the row-aligned ids lie at `ids_of` each. The folder of a recipe is a link that is moved when all files are
    there.
    """
    place = workspace.exports / published.recipe
    folder = workspace.exports / ".passes" / f"{published.recipe}-{published.number:06d}"
    scratch = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    written: dict[Path, int] = {}
    try:
        for family in FAMILIES:
            for side in SIDES:
                rows = _write(published, recipe, family, scratch / family / f"{side}.parquet")
                if rows:
                    written[place / family / f"{side}.parquet"] = rows
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise TamisError(f"cannot be written: {error.strerror}", where=str(folder), cure="Free some space.") from error
    scratch.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    link = place.with_name(f".{place.name}.link")
    link.unlink(missing_ok=True)
    link.symlink_to(folder.relative_to(workspace.exports), target_is_directory=True)
    link.replace(place)
    for old in folder.parent.glob(f"{published.recipe}-*"):
        if old != folder and old.name.removeprefix(f"{published.recipe}-").removesuffix(".tmp").isdigit():
            shutil.rmtree(old, ignore_errors=True)
    return written


def ids_of(file: Path) -> Path:
    """Where the ids of an exported file's rows lie: columns `id`, `source` and `license`, in its order."""
    return file.parent.parent / "ids" / file.parent.name / file.name


def _write(published: Pass, recipe: Recipe, family: str, file: Path) -> int:
    rows = curated(published, family, file.stem)
    ids = rows.select("id", "source", "license").collect()
    if ids.is_empty():
        return 0
    for path in (file, ids_of(file)):
        path.parent.mkdir(parents=True, exist_ok=True)
    ids.write_parquet(ids_of(file))
    rows.select(**trainer_columns(family, recipe.reasoning)).sink_parquet(
        file, row_group_size=_ROW_GROUP, maintain_order=True
    )
    return ids.height
