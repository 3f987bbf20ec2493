"""The source `argilla`: what people wrote in review, as records that pass every stage like any other.

Its upstream is the table `verdicts`. Each record whose verdicts come to `fix` yields one row: a corrected text takes
the place of the answer (of the last message of a pair's chosen side; of the gold of a grpo task), and where the
rejected side is preferred the sides are exchanged first. The rows are written as files in the workspace, one for each
family and split of what they correct, and are read by the code that reads any source, so that rows are counted,
validated and rejected as everywhere.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import polars as pl

from pipelines.files import write_whole
from pipelines.lake import Lake
from pipelines.lake_settings import LakeSettings
from pipelines.refresh import Progress, Refreshed, refresh
from pipelines.review.verdicts import resolved
from pipelines.sources.source import Read, Source
from pipelines.states import unpublished
from pipelines.wanted import Snapshot, UpstreamFile
from pipelines.workspace import Workspace
from schemas.families import FAMILIES, Family
from schemas.vocabulary import ARGILLA

UNCHANGED: Final = "says what its parent says"
"""Why a row yields nothing: `fix` was said of the record, and nothing else was written."""

_INHERITED: Final = ("group", "license", "language", "tools", "template_kwargs")
_LOCAL: Final = ("split", "changed")

_corrected = (pl.col("correction").str.strip_chars() != "").fill_null(value=False)
_exchanged = (pl.col("preferred") == "rejected").fill_null(value=False)


@dataclass(frozen=True)
class Corrected:
    """`refreshed`: what reading the corrections did; None where there never were any. `orphans`: corrections of content
    that no table has any more, which yield nothing until it comes back."""

    refreshed: Refreshed | None
    orphans: int


def refresh_corrections(
    workspace: Workspace, lake: Lake, settings: LakeSettings, progress: Progress = lambda _: None
) -> Corrected:
    """Bring the records of the source `argilla` up to the table `verdicts` as it is now."""
    verdicts = lake.scan("verdicts").collect()
    found = {name: corrections(verdicts, lake, family) for name, family in FAMILIES.items()}
    fixed = resolved(verdicts).filter(pl.col("says") == "fix")
    living = pl.concat([frame["content_hash"] for frame in found.values()])
    orphans = int((~fixed["content_hash"].is_in(living.implode())).sum())
    files = tuple(_files(workspace, found))
    if not files and ARGILLA not in lake.scan("files").select("source").collect()["source"]:
        return Corrected(None, orphans)
    digest = hashlib.sha256("".join(file.etag for file in files).encode()).hexdigest()
    snapshot = Snapshot(ARGILLA, ARGILLA, digest[:40], None, files, ())
    # That a person's text cannot be a record says nothing of the layout of a source.
    lenient = settings.model_copy(update={"rejects_at_most": 1.0})
    done = refresh(workspace, lake, ARGILLA, SOURCE, snapshot, settings=lenient, progress=progress)
    return Corrected(done, orphans)


def corrections(verdicts: pl.DataFrame, lake: Lake, family: Family) -> pl.DataFrame:
    """The corrections of a family that stand, a row for each record that one corrects, in the order of their giving.

    Columns: `content_hash` of what is corrected, the family's own columns and `prompt` as they are to be, what is
    inherited, `meta`, `split`, and `changed`: whether it says anything that its parent does not. Several records with
    one content yield a correction each, which inherits licence, group and place from its own parent.
    """
    fixed = resolved(verdicts).filter((pl.col("says") == "fix") & (pl.col("family") == family.name))
    asked = fixed["content_hash"].implode()
    parents = unpublished(lake).scan(f"records_{family.name}").filter(pl.col("content_hash").is_in(asked)).collect()
    said = parents.join(fixed.select("content_hash", "correction", "preferred", "users", "at"), on="content_hash")
    written = _written(family)
    changed = [expression.ne_missing(pl.col(name)) for name, expression in written.items()]
    return said.sort("at", "id").select(
        "content_hash",
        "prompt",
        *(written.get(field.name, pl.col(field.name)).alias(field.name) for field in family.own),
        *(pl.col(name) for name in _INHERITED if name != "group"),
        group=pl.when(pl.col("source") == ARGILLA).then("group").otherwise(pl.format("{}/{}", "source", "group")),
        meta=_meta(),
        split=pl.col("origin").struct.field("split"),
        changed=pl.any_horizontal(changed),
    )


def _written(family: Family) -> dict[str, pl.Expr]:
    """The columns of a family that a correction can change, as they are to be."""
    if family.name == "grpo":
        gold = pl.col("correction").str.strip_chars()
        return {"answer": pl.when(_corrected).then(gold).otherwise("answer")}
    if family.name != "preference":
        return {"completion": pl.when(_corrected).then(_said_last(pl.col("completion"))).otherwise("completion")}
    chosen = pl.when(_exchanged).then("rejected").otherwise("chosen")
    scores = ("chosen_score", "rejected_score")
    return {
        "chosen": pl.when(_corrected).then(_said_last(chosen)).otherwise(chosen),
        "rejected": pl.when(_exchanged).then("chosen").otherwise("rejected"),
        # Upstream's scores are of other sides than these, or of another order.
        **{name: pl.when(~_corrected & ~_exchanged).then(name) for name in scores},
    }


def _said_last(messages: pl.Expr) -> pl.Expr:
    """The messages with the correction as the content of the last one."""
    last = messages.list.last().struct.with_fields(content=pl.col("correction"))
    return pl.concat_list(messages.list.slice(0, messages.list.len() - 1), last)


def _meta() -> pl.Expr:
    """Who wrote it and when, the record that it corrects, and where upstream has the row behind both: see `lineage`."""
    origin = pl.col("origin").struct
    own = {"source": pl.col("source"), "file": origin.field("file"), "row": origin.field("row").cast(pl.String)}
    of = {
        name: pl.when(pl.col("source") == ARGILLA)
        .then(pl.col("meta").str.json_path_match(f"$.of.{name}"))
        .otherwise(is_)
        for name, is_ in own.items()
    }
    named = [expression.alias(name) for name, expression in of.items()]
    return pl.struct(parent="id", of=pl.struct(named), by="users", at=pl.col("at").dt.to_string()).struct.json_encode()


def _read(family: Family) -> Read:
    """What becomes of the rows of a family's files: each column as it was written."""
    types = pl.DataFrame(pl.from_arrow(family.schema.empty_table())).schema
    taken = ["prompt", *(field.name for field in family.own), *_INHERITED, "meta"]
    return Read(
        config=family.name,
        splits=("*",),
        families={family.name: {name: pl.col(name) for name in taken}},
        columns={**{name: types[name] for name in taken}, "split": pl.String, "changed": pl.Boolean},
        skip={UNCHANGED: ~pl.col("changed")},
    )


SOURCE: Final = Source(repo=ARGILLA, reads=tuple(_read(family) for family in FAMILIES.values()), license=None)


def _files(workspace: Workspace, found: dict[str, pl.DataFrame]) -> Iterator[UpstreamFile]:
    """The corrections as files, one for each family and split; a file whose rows are the same keeps its etag."""
    for name, rows in found.items():
        for split in rows["split"].unique().sort():
            buffer = io.BytesIO()
            rows.filter(pl.col("split") == split).drop("content_hash").write_parquet(buffer)
            content = buffer.getvalue()
            path = f"{name}/{quote(split, safe='')}.parquet"
            local = workspace.path / "corrections" / path
            write_whole(local, content)
            yield UpstreamFile(name, split, 0, path, local, len(content), hashlib.sha256(content).hexdigest())
