"""Two recipes' last passes side by side: what the one keeps that the other does not, and why not."""

from dataclasses import dataclass

import polars as pl

from pipelines.effects.examples import lines_of
from pipelines.recipe import Recipe
from pipelines.report.summary import label
from pipelines.states import Pass

NOT_THERE = "not in its lake state"
"""The fate of a record that the other recipe's pass does not have."""


@dataclass(frozen=True)
class Reason:
    """Records that one pass keeps and the other does not, by the other's `fate` and `reason` for them.

    `stood_for`: those of them that are duplicates there, of a record that both keep. `examples`: id -> one line.
    """

    fate: str
    reason: str | None
    records: int
    stood_for: int
    sources: tuple[tuple[str, int], ...]
    examples: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        return label(self.fate, self.reason)


@dataclass(frozen=True)
class Diff:
    """Two passes compared; `str()` of it is what `tamis diff` prints.

    `only_left`: what `left` keeps and `right` does not, by the reasons of `right`; `only_right`: the other way. `both`:
    records that both keep. The commonest reasons come first.
    """

    left: Pass
    right: Pass
    both: int
    only_left: tuple[Reason, ...]
    only_right: tuple[Reason, ...]

    def __str__(self) -> str:
        left, right = self.left, self.right
        lines = [f"{one.recipe}: pass {one.number}, lake state {one.state.number}" for one in (left, right)]
        if left.state.number != right.state.number:
            lines.append("The two are of different lake states: run both again to compare recipes alone.")
        lines += [f"{self.both:,} records are kept by both"]
        for one, other, reasons in ((left, right, self.only_left), (right, left, self.only_right)):
            total = sum(reason.records for reason in reasons)
            lines += ["", f"{total:,} kept by {one.recipe} only; what {other.recipe} says of them:"]
            for reason in reasons:
                stood = f", {reason.stood_for:,} of them of a record that both keep" if reason.stood_for else ""
                lines.append(f"{reason.records:>10,}  {reason.label}{stood}")
                shown = ", ".join(f"{source} {count:,}" for source, count in reason.sources)
                lines.append(f"{'':>12}{shown}")
                lines += [f"{'':>12}{id_}: {said}" for id_, said in reason.examples]
        return "\n".join(lines)

    __repr__ = __str__


def diff(left: Pass, right: Pass, left_recipe: Recipe, right_recipe: Recipe, *, examples: int = 1) -> Diff:
    """Compare what two passes keep, record by record. The recipes are those that made them: their redaction holds.

    `examples`: records of each reason that are shown, from different sources where there are such.
    """
    kinds = [*dict.fromkeys([*left_recipe.redact, *right_recipe.redact])]
    kept = pl.col("fate") == "kept"
    both = left.ledger().filter(kept).join(right.ledger().filter(kept), on="id", how="semi").select("id").collect()
    only = [_only(one, other, both) for one, other in ((left, right), (right, left))]
    reasons = [
        _reasons(rows, lines_of(one.state, _shown(rows, examples)["id"], kinds), examples)
        for rows, one in zip(only, (left, right), strict=True)
    ]
    return Diff(left, right, both.height, *reasons)


def _only(one: Pass, other: Pass, both: pl.DataFrame) -> pl.DataFrame:
    """What one keeps and the other does not: `id`, `source`, `content_hash`, and the other's `fate`, `reason` and
    whether a record that both keep stands for it (`stood_for`)."""
    kept = one.ledger().filter(pl.col("fate") == "kept").select("id", "source", "content_hash")
    said = other.ledger().select("id", "fate", "reason", "survivor")
    return (
        kept.join(both.lazy(), on="id", how="anti")
        .join(said, on="id", how="left")
        .join(both.lazy().select(survivor="id", stood_for=pl.lit(value=True)), on="survivor", how="left")
        .with_columns(pl.col("fate").fill_null(NOT_THERE), pl.col("stood_for").fill_null(value=False))
        .collect()
    )


def _shown(rows: pl.DataFrame, examples: int) -> pl.DataFrame:
    """Some records of each reason, in turns of its sources, by content hash."""
    ordered = rows.sort("content_hash", "id").with_columns(turn=pl.int_range(pl.len()).over("fate", "reason", "source"))
    return ordered.sort("turn", maintain_order=True).group_by("fate", "reason", maintain_order=True).head(examples)


def _reasons(rows: pl.DataFrame, said: dict[str, str], examples: int) -> tuple[Reason, ...]:
    by = ["fate", "reason"]
    counts = rows.group_by(by).agg(records=pl.len(), stood_for=pl.col("stood_for").sum())
    of_source = rows.group_by([*by, "source"]).agg(count=pl.len()).sort("count", "source", descending=[True, False])
    sources = of_source.group_by(by, maintain_order=True).agg(pl.struct("source", "count").alias("sources"))
    shown = _shown(rows, examples).group_by(by, maintain_order=True).agg(shown="id")
    told = (
        counts.join(sources, on=by, how="left", nulls_equal=True)
        .join(shown, on=by, how="left", nulls_equal=True)
        .sort("records", *by, descending=[True, False, False])
    )
    return tuple(
        Reason(
            fate=row["fate"],
            reason=row["reason"],
            records=row["records"],
            stood_for=row["stood_for"],
            sources=tuple((one["source"], one["count"]) for one in row["sources"]),
            examples=tuple((id_, said.get(id_, "")) for id_ in row["shown"] or []),
        )
        for row in told.to_dicts()
    )
