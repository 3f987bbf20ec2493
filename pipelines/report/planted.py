"""The pipeline's test of itself: of the defects planted in generated repositories, which a recipe caught."""

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from pipelines.sample_hub import manifest
from pipelines.states import Pass
from pipelines.workspace import Workspace

JUDGED: Final = ("rule", "contaminated", "exact duplicate", "near-duplicate")
"""Fates that judge what a record says. The others follow from policy, and wrong no clean row."""

REJECT: Final = "reject"
"""The outcome of a row that yields no record, as the manifest names it."""

_ROW: Final = ["source", "file", "row"]


@dataclass(frozen=True)
class Kind:
    """One kind of defect: `planted = caught + missed + not_read`.

    `not_read`: the row is not in the lake (its source failed, is absent, or was read up to a limit), which is no pass.
    `kept_apart`: the kind looks like a defect and is none, so that it is caught where everything was kept.
    `missed_ids`: a record of each missed row, or `source:file:row` where it has none, with what became of it.
    """

    name: str
    planted: int
    caught: int
    missed: int
    not_read: int
    kept_apart: bool
    missed_ids: tuple[str, ...]

    @property
    def verdict(self) -> Literal["all caught", "missed", "not read"]:
        """Where nothing was missed, an unknown outweighs what was caught."""
        if self.missed:
            return "missed"
        return "not read" if self.not_read else "all caught"


@dataclass(frozen=True)
class Defects:
    """What a recipe's pass did to the rows of generated repositories.

    `clean`: rows that are neither planted nor the original of a planted copy; `wronged`: those of them that were
    rejected or judged away, by `label` (rule, fate, or reason of the reject): columns `label`, `rows`, `example`.
    """

    kinds: tuple[Kind, ...]
    clean: int
    wronged_rows: int
    wronged: pl.DataFrame

    @property
    def planted(self) -> int:
        return sum(kind.planted for kind in self.kinds)

    @property
    def caught(self) -> int:
        return sum(kind.caught for kind in self.kinds)

    @property
    def looked_for(self) -> int:
        """Planted rows that the pipeline has read and could catch: caught and missed."""
        return sum(kind.caught + kind.missed for kind in self.kinds)


def defects(workspace: Workspace, published: Pass) -> Defects | None:
    """Compare the workspace's manifest with a pass; None where nothing was planted."""
    if not workspace.planted.exists():
        return None
    return compared(manifest.read(workspace.planted), published)


def compared(planted: pl.DataFrame, published: Pass) -> Defects:
    """Compare a manifest (`manifest.SCHEMA`) with the rejects and the ledger of a pass."""
    fated = _fated(published)
    rejects = published.state.scan("rejects").collect()
    judged = _judged(planted.with_row_index("plant"), fated, rejects)
    clean, wronged = _wronged(planted, fated, rejects)
    return Defects(
        kinds=tuple(_kind(str(name), rows) for (name,), rows in judged.group_by("kind", maintain_order=True)),
        clean=clean,
        wronged_rows=wronged.select(_ROW).unique().height,
        wronged=(
            wronged.group_by("label")
            .agg(rows=pl.struct(_ROW).n_unique().cast(pl.Int64), example=pl.col("id").min())
            .sort("rows", "label", descending=[True, False])
        ),
    )


def _fated(published: Pass) -> pl.DataFrame:
    """Every record of the state with where it comes from and its fate: `source`, `file`, `row`, `family`, `id`,
    `fate`, `reason`."""
    origin = pl.col("origin").struct
    records = published.state.records("id", "source", "origin").select(
        "id", "source", "family", file=origin.field("file"), row=origin.field("row")
    )
    return records.join(published.ledger().select("id", "fate", "reason"), on="id", how="inner").collect()


def _judged(planted: pl.DataFrame, fated: pl.DataFrame, rejects: pl.DataFrame) -> pl.DataFrame:
    """The manifest with `outcome` of each plant (caught, missed, not read) and `missed` ids."""
    own = _became(planted.select("plant", "family", "outcomes", *_ROW), fated, rejects)
    original = planted.filter(pl.col("of_source").is_not_null()).select(
        "plant", "family", "outcomes", source="of_source", file="of_file", row="of_row"
    )
    other = _became(original, fated, rejects)
    both = planted.join(own, on="plant", how="left").join(other, on="plant", how="left", suffix="_of")
    is_copy = pl.col("of_source").is_not_null()
    must_stay = pl.col("outcomes").list.eval(pl.element() == "kept").list.all()
    read = pl.col("read") & (pl.col("read_of") | ~is_copy)
    either = pl.col("fits") | (is_copy & pl.col("fits_of"))
    every = pl.col("fits") & (~is_copy | pl.col("fits_of"))
    outcome = (
        pl.when(~read)
        .then(pl.lit("not read"))
        .when(pl.when(must_stay).then(every).otherwise(either))
        .then(pl.lit("caught"))
        .otherwise(pl.lit("missed"))
    )
    copies = pl.when(is_copy).then(pl.format("{}, of {}", "names", "names_of")).otherwise("names")
    return both.with_columns(outcome=outcome, must_stay=must_stay, names=copies)


def _became(rows: pl.DataFrame, fated: pl.DataFrame, rejects: pl.DataFrame) -> pl.DataFrame:
    """For each of `rows` (`plant`, `family`, `outcomes`, and where it stands): `read`, whether the lake knows the row;
    `fits`, whether what became of it is one of its outcomes; `names`, what became of it in words."""
    of_family = pl.col("family").is_null() | (pl.col("family") == pl.col("family_found"))
    records = (
        rows.join(fated.rename({"family": "family_found"}), on=_ROW, how="inner")
        .filter(of_family)
        .group_by("plant")
        .agg(
            fit=pl.col("fate").is_in(pl.col("outcomes").first()).all(),
            ids=pl.format("{} ({})", "id", pl.coalesce("reason", "fate")).sort(),
        )
    )
    # A reject of the whole row has no family; one of a single family concerns the plants that mean this family.
    concerns = pl.col("family_found").is_null() | (pl.col("family") == pl.col("family_found"))
    left_out = (
        rows.join(rejects.rename({"family": "family_found"}), on=_ROW, how="inner")
        .filter(concerns)
        .group_by("plant")
        .agg(rejected=pl.col("selected").any(), why=pl.col("reason").first())
    )
    joined = rows.join(records, on="plant", how="left").join(left_out, on="plant", how="left")
    place = pl.format("{}:{}:{}", *_ROW)
    return joined.select(
        "plant",
        read=pl.col("ids").is_not_null() | pl.col("why").is_not_null(),
        fits=pl.when(pl.col("ids").is_not_null())
        .then(pl.col("fit"))
        .otherwise(pl.col("rejected").fill_null(value=False) & pl.col("outcomes").list.contains(REJECT)),
        names=pl.when(pl.col("ids").is_not_null())
        .then(pl.col("ids").list.join(", "))
        .otherwise(pl.format("{} ({})", place, pl.col("why").fill_null("not read"))),
    )


def _kind(name: str, rows: pl.DataFrame) -> Kind:
    counts = dict(rows["outcome"].value_counts().iter_rows())
    missed = rows.filter(pl.col("outcome") == "missed")
    return Kind(
        name=name,
        planted=rows.height,
        caught=counts.get("caught", 0),
        missed=missed.height,
        not_read=counts.get("not read", 0),
        kept_apart=bool(rows["must_stay"].all()),
        missed_ids=tuple(missed["names"].sort()),
    )


def _wronged(planted: pl.DataFrame, fated: pl.DataFrame, rejects: pl.DataFrame) -> tuple[int, pl.DataFrame]:
    """How many clean rows were read, and those among them that were rejected or judged away: `label`, `id`, the row."""
    touched = pl.concat(
        [
            planted.select(_ROW),
            planted.filter(pl.col("of_source").is_not_null()).select(source="of_source", file="of_file", row="of_row"),
        ]
    ).unique()
    planted_in = fated["source"].is_in(planted["source"].unique().implode())
    clean = fated.filter(planted_in).join(touched, on=_ROW, how="anti")
    refused = rejects.filter(pl.col("selected") & pl.col("source").is_in(planted["source"].unique().implode()))
    refused = refused.join(touched, on=_ROW, how="anti")
    dropped = clean.filter(pl.col("fate").is_in(JUDGED)).select(
        *_ROW, "id", label=pl.when(pl.col("fate") == "rule").then("reason").otherwise("fate")
    )
    lost = refused.select(*_ROW, id=pl.format("{}:{}:{}", *_ROW), label=pl.format("reject: {}", "reason"))
    rows = pl.concat([clean.select(_ROW), refused.select(_ROW)]).unique().height
    return rows, pl.concat([dropped, lost])
