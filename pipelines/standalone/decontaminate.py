"""`tamis decontaminate`: what the rows of any files share with benchmarks, and the same on a frame."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from pipelines.benchmarks.held import held, indexable
from pipelines.decontaminate.evidence import around
from pipelines.decontaminate.index import ITEMS, Index, index
from pipelines.decontaminate.rules import HITS, hits, invisible
from pipelines.decontaminate.scan import scan
from pipelines.errors import TamisError
from pipelines.files import check_writable, whole
from pipelines.lake import Lake
from pipelines.standalone.files import columns_of, nameless, names_of
from pipelines.standalone.progress import Step
from pipelines.workspace import current, workspace
from schemas.vocabulary import CONTAMINATION

STEPS = 4
BATCH = 65_536
"""Rows that are scanned at once."""

OWN = "given file"
"""The benchmark's name of items that a user brings."""


@dataclass(frozen=True)
class Decontaminated:
    """What a command found. `rows_hit`: by rule; `benchmarks`: rows hit, by rule and benchmark; `nameless`: rows that
    the column of ids does not tell from others."""

    rows: int
    rows_hit: dict[str, int]
    benchmarks: pl.DataFrame
    unseen: pl.DataFrame
    nameless: int = 0

    def __str__(self) -> str:
        wide = max([len(name) for name in self.benchmarks["benchmark"]] + [len("any benchmark")])
        heads = "".join(f"{rule:>12}" for rule in CONTAMINATION)
        lines = [f"{self.rows:,} rows; of them hit by each rule:", "", f"{'':<{wide}}{heads}"]
        for row in self.benchmarks.to_dicts():
            counts = "".join(f"{row[rule]:>12,}" for rule in CONTAMINATION)
            lines.append(f"{row['benchmark']:<{wide}}{counts}")
        lines.append(f"{'any benchmark':<{wide}}{''.join(f'{self.rows_hit[rule]:>12,}' for rule in CONTAMINATION)}")
        total = {name: int(self.unseen[name].sum()) for name in ("items", "no rule")}
        lines += [
            "",
            f"compared with {total['items']:,} items; {total['no rule']:,} of them are too short for any rule",
        ]
        if self.nameless:
            lines.append(f"{self.nameless:,} rows have no id of their own: the hits do not tell which row is meant")
        return "\n".join(lines)


def shared_with(
    frame: pl.DataFrame, columns: str | Sequence[str], items: pl.Series | pl.DataFrame, *, ids: pl.Series | None = None
) -> pl.DataFrame:
    """Every hit of every rule between rows of a frame and items: `column`, and the schema `rules.HITS`.

    `items`: a column of texts (`ids` name them, else their numbers do), or a frame in the schema `index.ITEMS`. Each
    column is scanned by itself; the answers of short items are looked for in all of the row's columns.
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    known = items if isinstance(items, pl.DataFrame) else own_items(items, ids)
    return _hits(frame, names, index(known))


def decontaminate(
    files: Sequence[Path],
    columns: Sequence[str],
    out: Path,
    items: pl.DataFrame,
    *,
    id_: str | None = None,
    against: Path | None = None,
    step: Step = lambda _: None,
) -> Decontaminated:
    """Write every hit of the files' rows to `out`: `row` (its id, else its number), `column`, and as of `rules.HITS`.

    `items`: in the schema of `index.ITEMS`; `against`: the file that they are of, if any. Raises TamisError for files
    and columns that cannot be read.
    """
    if not columns:
        raise TamisError("no column is named", cure="Name the texts that are compared: --column text.")
    if out.resolve() in {path.resolve() for path in (*files, *([against] if against else []))}:
        raise TamisError("the file is read and would be written", where=str(out), cure="Name another one.")
    step("reading")
    rows = columns_of(files, columns, id_)
    check_writable(out)
    step("indexing")
    known = index(items)
    step("scanning")
    found = pl.concat(list(_of_batches(rows, columns, known)))
    step("writing")
    names = names_of(rows, files)
    told = found.with_columns(row=names.gather(found["row"]))
    with whole(out) as part:
        told.write_parquet(part)
    return replace(_summary(rows.height, found, known), nameless=nameless(rows))


def items_of(path: Path, column: str) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """A column of a file as items; nothing is left unchecked. TamisError where there are none."""
    items = own_items(columns_of([path], [column])[column])
    if items.is_empty():
        raise TamisError(f"the column {column!r} holds no text", where=str(path))
    return items, []


def items_in_lake(hub: str | None) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """The items that a workspace's lake holds, and which benchmarks are NOT CHECKED, with the reason.

    `hub`: as of `pipelines.corpus.open`. TamisError where the index was never built.
    """
    opened = workspace(hub) if hub is not None else current()
    lake = Lake(opened.lake)
    items = indexable(lake.scan("benchmarks"))
    if items.is_empty():
        cure = "`tamis benchmarks` builds it; or name a file of your own: --against FILE."
        raise TamisError("there is no index of benchmarks", where=str(opened.path), cure=cure)
    return items, held(lake).not_checked.rows()


def own_items(texts: pl.Series, ids: pl.Series | None = None) -> pl.DataFrame:
    """A column of texts as items of one benchmark; `ids` name them, else their numbers do. A null is no item."""
    names = pl.Series(range(len(texts)), dtype=pl.Int64) if ids is None else ids
    frame = pl.DataFrame({"item": names.cast(pl.String), "text": texts.cast(pl.String)})
    told = frame.with_columns(benchmark=pl.lit(OWN), field=pl.lit(texts.name or "text"))
    none = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in ITEMS.items() if name not in told.columns]
    return told.with_columns(none).filter(pl.col("text").is_not_null()).select(ITEMS.names())


def _of_batches(rows: pl.DataFrame, columns: Sequence[str], known: Index) -> Iterator[pl.DataFrame]:
    for start in range(0, max(rows.height, 1), BATCH):
        found = _hits(rows.slice(start, BATCH), columns, known)
        yield found.with_columns(pl.col("row") + start)


def _hits(frame: pl.DataFrame, columns: Sequence[str], known: Index) -> pl.DataFrame:
    texts = frame.select(pl.col(name).cast(pl.String) for name in dict.fromkeys(columns))
    parts = []
    for name in texts.columns:
        shared = scan(texts[name], known)
        answers = partial(_beside, texts.drop(name), shared.texts)
        parts.append(hits(shared, known, answers).with_columns(column=pl.lit(name)))
    return (
        pl.concat(parts)
        .select("row", "column", *(name for name in HITS if name != "row"))
        .sort("row", "column", maintain_order=True)
    )


def _beside(others: pl.DataFrame, texts: pl.Series, asked: pl.DataFrame) -> list[tuple[pl.Series, pl.Series]]:
    """What a row says beside an item in one of its texts: a question must not answer itself."""
    rows = asked["row"].unique().sort()
    joined = pl.concat_str(pl.all(), separator="\n\n", ignore_nulls=True)
    beside = around(texts, asked).drop("inside").select(joined).to_series()
    said = [(beside, pl.Series(range(asked.height), dtype=pl.Int64))]
    if others.width:
        said.append((others[rows].select(joined).to_series(), rows.search_sorted(asked["row"])))
    return said


def _summary(rows: int, found: pl.DataFrame, known: Index) -> Decontaminated:
    unseen = invisible(known.items)
    counted = found.group_by("benchmark", "rule").agg(rows=pl.col("row").n_unique().cast(pl.Int64))
    by_benchmark = unseen.select("benchmark")
    for rule in CONTAMINATION:
        of_rule = counted.filter(pl.col("rule") == rule).select("benchmark", pl.col("rows").alias(rule))
        by_benchmark = by_benchmark.join(of_rule, on="benchmark", how="left", maintain_order="left")
    hit = {rule: found.filter(pl.col("rule") == rule)["row"].n_unique() for rule in CONTAMINATION}
    return Decontaminated(rows, hit, by_benchmark.fill_null(0), unseen)
