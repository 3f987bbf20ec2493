"""Exports: what anyone can train on, by family and side, in the columns that TRL's trainers take."""

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import TamisError
from pipelines.kept_licences import statement
from pipelines.quality.redaction import redacted_columns
from pipelines.recipe import ReasoningTags, Recipe
from pipelines.states import Pass
from pipelines.tool_calls import MESSAGES, calls_tools, with_calls
from pipelines.workspace import Workspace
from schemas.families import FAMILIES
from schemas.vocabulary import SIDES

_ROWS: Final = 4_096
"""Rows held at a time, and of a row group at most: some 40 MB of text, 200 where chains of thought are long."""

_MESSAGES: Final = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

COLUMNS: Final[dict[str, pa.Schema]] = {
    "instruction": pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES)]),
    "preference": pa.schema([("prompt", _MESSAGES), ("chosen", _MESSAGES), ("rejected", _MESSAGES)]),
    "cot": pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES)]),
    "grpo": pa.schema([("prompt", _MESSAGES), ("solution", pa.string())]),
}
"""What an exported file holds, by family."""

TOOLS: Final = "-tools"
"""Behind a family's name: the folder of its records that are offered tools or call some, with the columns for that."""

COLUMNS_WITH_TOOLS: Final[dict[str, pa.Schema]] = {
    family: pa.schema(
        [
            *(pa.field(field.name, MESSAGES if field.type == _MESSAGES else field.type) for field in schema),
            ("tools", pa.string()),
        ]
    )
    for family, schema in COLUMNS.items()
}
"""What such a file holds: calls in the messages, and definitions as JSON, as TRL takes them."""

IDS: Final = pa.schema([("id", pa.string()), ("source", pa.string()), ("license", pa.string())])
"""What the row-aligned file beside it holds."""

LICENCES: Final = "licences.json"
"""Name of the file in a recipe's folder that says under which licences its rows stand (`kept_licences.statement`)."""

_said = pl.element().struct


def _plain(part: str) -> pl.Expr:
    return pl.col(part).list.eval(pl.struct(role=_said.field("role"), content=_said.field("content")))


def trainer_columns(family: str, tags: ReasoningTags, *, tools: bool = False) -> dict[str, pl.Expr]:
    """The columns of a family as TRL's trainers take them: conversational, and nothing else.

    A chain of thought is rendered into the assistant's turn between the recipe's tags. `solution` of a task
    without a gold answer holds the arguments of its verifier. `tools`: of records that `with_calls` was applied to.
    """
    said = pl.col if tools else _plain
    beside = {"tools": pl.col("tools")} if tools else {}
    if family == "cot":
        final = pl.col("completion").list.first().struct.field("content")
        thought = pl.concat_str([pl.lit(tags.open), pl.col("reasoning"), pl.lit(tags.close), final])
        answer = pl.when(pl.col("reasoning").is_null()).then(final).otherwise(thought)
        first = pl.col("completion").list.first()
        turn = first.struct.with_fields(answer.alias("content")) if tools else None
        rendered = pl.concat_list(pl.struct(role=pl.lit("assistant"), content=answer) if turn is None else turn)
        return {"prompt": said("prompt"), "completion": rendered, **beside}
    solution = pl.coalesce("answer", "verifier_args") if family == "grpo" else None
    return {
        name: solution if solution is not None and name == "solution" else said(name) for name in COLUMNS[family].names
    } | beside


def curated(published: Pass, family: str, side: str | None = None) -> pl.LazyFrame:
    """Kept records of a family with all their columns and `side`, as the lake has them; the source of every export."""
    kept = published.ledger().filter((pl.col("fate") == "kept") & (pl.col("family") == family))
    if side is not None:
        kept = kept.filter(pl.col("side") == side)
    records = published.state.scan(f"records_{family}")
    return records.join(kept.select("id", "side"), on="id", how="inner", maintain_order="left")


def export(workspace: Workspace, published: Pass, recipe: Recipe) -> dict[Path, int]:
    """Write the pass's parquet files and return their rows by path.

    `<workspace>/exports/<recipe>/<family>/<side>.parquet`, so that `load_dataset` takes a family's folder as it is;
    the row-aligned ids lie at `ids_of` each, and what licences the rows stand under in `licences.json`. Rows come by
    source, in the order in which the lake has them; each is read once, and some thousand are held at a time. Personal
    data and secrets are redacted as the recipe says.

    A recipe's folder is a link, which is moved when all files are there; on any error the files of the pass before
    stay. Records with tools are exported apart, below `<family>-tools`, since their columns differ. TamisError if a
    gate fails: rows that upstream holds out stand on the side train, or the files do not hold what the ledger keeps.
    """
    place = workspace.exports / published.recipe
    passes = _passes(workspace, published.recipe)
    with workspace.lock(f"exports-{published.recipe}", f"the exports of {published.recipe}"):
        _refuse_pinned(published)
        try:
            passes.mkdir(parents=True, exist_ok=True)
            # A folder of its own for each time, since the same pass may be what the link shows now.
            folder = Path(tempfile.mkdtemp(prefix=f"{published.number:06d}-", dir=passes))
            try:
                folder.chmod(0o755)
                written = {
                    place / file: rows
                    for family in FAMILIES
                    for file, rows in _write(published, recipe, family, folder).items()
                }
                if written:
                    stated = json.dumps(statement(published), indent=2, ensure_ascii=False)
                    (folder / LICENCES).write_text(stated + "\n", encoding="utf-8")
                link = passes / "link"
                link.unlink(missing_ok=True)
                link.symlink_to(folder.relative_to(workspace.exports), target_is_directory=True)
                link.replace(place)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        except OSError as error:
            raise TamisError(
                f"cannot be written: {error.strerror or error}",
                where=str(place),
                cure="Free some space, or choose another disk with TAMIS_HOME; the exports before stand.",
            ) from error
        for old in passes.iterdir():
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
    return written


def exported(workspace: Workspace, published: Pass) -> Path:
    """The folder that holds the exports of this pass, by its own name. TamisError if they are another pass's."""
    folder = (workspace.exports / published.recipe).resolve()
    passes = _passes(workspace, published.recipe).resolve()
    if folder.parent != passes or not folder.name.startswith(f"{published.number:06d}-"):
        raise TamisError(
            f"the exports are not those of its last pass ({published.number})",
            where=f"recipe {published.recipe}",
            cure="Materialise its `exports`.",
        )
    return folder


def ids_of(file: Path) -> Path:
    """Where the ids of an exported file's rows lie: columns `id`, `source` and `license`, in its order."""
    return file.parent.parent / "ids" / file.parent.name / file.name


def _passes(workspace: Workspace, recipe: str) -> Path:
    return workspace.exports / ".passes" / recipe


def _refuse_pinned(published: Pass) -> None:
    """What upstream holds out for validation or test is never trained on."""
    held_out = (pl.col("fate") == "kept") & pl.col("pinned") & (pl.col("side") == "train")
    wrong = published.ledger().filter(held_out).select("id").sort("id").collect()["id"]
    if len(wrong):
        raise TamisError(
            f"{len(wrong):,} records that upstream holds out stand on the side train, {wrong[0]} among them",
            where=f"recipe {published.recipe}",
            cure="Nothing was exported. This is a defect of Tamis.",
        )


def _write(published: Pass, recipe: Recipe, family: str, folder: Path) -> dict[str, int]:
    """Write a family's files; rows by their paths in the folder, in the order of the sides, those with tools last."""
    kept = curated(published, family)
    redaction = redacted_columns(FAMILIES[family], recipe.redact)
    messages = [field.name for field in COLUMNS[family] if field.type == _MESSAGES]
    counts = {f"{family}{tools}/{side}.parquet": 0 for tools in ("", TOOLS) for side in SIDES}
    ledger = published.ledger().filter((pl.col("fate") == "kept") & (pl.col("family") == family))
    expected = ledger.group_by("source").len().sort("source").collect()
    with ExitStack() as files:
        writers: dict[Path, pq.ParquetWriter] = {}

        def append(path: Path, rows: pl.DataFrame, schema: pa.Schema) -> None:
            if path not in writers:
                path.parent.mkdir(parents=True, exist_ok=True)
                writers[path] = files.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            writers[path].write_table(rows.to_arrow().cast(schema), row_group_size=_ROWS)

        for source in expected["source"]:
            mine = kept.filter(pl.col("source") == source)
            for batch in mine.collect_batches(chunk_size=_ROWS, maintain_order=True, engine="streaming"):
                judged = batch.with_columns(redaction).with_columns(__tools=calls_tools(messages))
                for (tools, side), rows in judged.group_by("__tools", "side", maintain_order=True):
                    name = f"{family}{TOOLS if tools else ''}/{side}.parquet"
                    called = with_calls(rows, messages) if tools else rows
                    columns = trainer_columns(family, recipe.reasoning, tools=bool(tools))
                    schema = COLUMNS_WITH_TOOLS[family] if tools else COLUMNS[family]
                    append(folder / name, called.select(**columns), schema)
                    append(ids_of(folder / name), rows.select(IDS.names), IDS)
                    counts[name] += rows.height
    if sum(counts.values()) != expected["len"].sum():
        raise TamisError(
            f"{sum(counts.values()):,} records of {family} were found, and the ledger keeps {expected['len'].sum():,}",
            where=f"recipe {published.recipe}",
            cure="Materialise its `ledger` again.",
        )
    return {name: rows for name, rows in counts.items() if rows}
