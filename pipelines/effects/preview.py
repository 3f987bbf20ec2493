"""What the edit of a recipe would change, before a run: its file as it is now against the pass as it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.dedup.pairs import NEAR
from pipelines.effects.changes import changed_rules, changes
from pipelines.effects.examples import lines_of
from pipelines.effects.standing import DUPLICATES
from pipelines.fates import evidence, first_of, grounds
from pipelines.recipe import Recipe
from pipelines.report.summary import label
from pipelines.review.effect import read_by
from pipelines.sources.source import Source
from pipelines.states import Pass
from schemas.families import FAMILIES, Family

_SCHEMA: Final = {"id": pl.String, "source": pl.String, "move": pl.String, "fate": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Move:
    """Records that the edit moves, by one fate and reason: that which takes what is lost, or took what is gained."""

    fate: str
    reason: str | None
    records: int
    examples: tuple[tuple[str, str], ...]

    @property
    def label(self) -> str:
        return label(self.fate, self.reason)


@dataclass(frozen=True)
class Preview:
    """The effect of an edit on a pass; `str()` of it is what `tamis preview` prints.

    `lost`: kept in the pass, and taken by a fate now. `gained`: taken then, by no fate but perhaps as a duplicate now.
    `may_return`: duplicates in the pass whose survivor is lost, or that are none any more; `may_go`: kept records with
    a pair that a lower threshold makes duplicates. Which of these a run keeps, it alone can say.
    """

    recipe: str
    published: Pass
    changes: tuple[str, ...]
    rules: int
    kept: int
    lost: tuple[Move, ...]
    gained: tuple[Move, ...]
    may_return: int
    may_go: int

    @property
    def headline(self) -> str:
        """`3 rules changed: 1,204 rows lost, 310 gained`."""
        if not self.changes:
            return "nothing changed"
        others = len(self.changes) - self.rules
        what = [f"{self.rules} rule{'s' if self.rules > 1 else ''} changed"] if self.rules else []
        what += [f"{others} other change{'s' if others > 1 else ''}"] if others > 0 else []
        lost, gained = (sum(move.records for move in moves) for moves in (self.lost, self.gained))
        more = [f"{self.may_return:,} duplicates may return"] if self.may_return else []
        more += [f"{self.may_go:,} may go as duplicates"] if self.may_go else []
        return ", ".join([f"{' and '.join(what)}: {lost:,} rows lost", f"{gained:,} gained", *more])

    def __str__(self) -> str:
        one = self.published
        of = "" if one.recipe == self.recipe else f" of {one.recipe}, since {self.recipe} has none yet"
        lines = [f"{self.headline}", f"against pass {one.number}{of}, which keeps {self.kept:,} records", ""]
        lines += [f"  {line}" for line in self.changes]
        for title, moves in (("lost, since they are now", self.lost), ("gained; they were", self.gained)):
            if moves:
                lines += ["", f"{title}:"]
            for move in moves:
                lines.append(f"{move.records:>10,}  {move.label}")
                lines += [f"{'':>12}{id_}: {said}" for id_, said in move.examples]
        if self.changes:
            lines += ["", "Duplicates are looked at again by a run alone: what is gained may be one of a kept record."]
        return "\n".join(lines)

    __repr__ = __str__


def preview(
    published: Pass, before: Recipe, name: str, after: Recipe, known_sources: Mapping[str, Source], *, examples: int = 1
) -> Preview:
    """What the recipe `name` would do to the records of a pass if it said `after`. `before`: what the pass was made by.

    The fates that need no other record are counted as a ledger counts them, over the pass's lake state; nothing is
    written, and no text is read but that of the `examples`.
    """
    said = changes(before, after)
    moved = (
        [_of_family(published, before, after, known_sources, family) for family in FAMILIES.values()] if said else []
    )
    rows = pl.concat([frame for frame, _, _ in moved]) if moved else pl.DataFrame(schema=_SCHEMA)
    shown = rows.sort("id").group_by("move", "fate", "reason", maintain_order=True).head(examples)
    texts = lines_of(published.state, shown["id"], after.redact)
    kept = published.ledger().filter(pl.col("fate") == "kept").select(pl.len()).collect().item()
    reordered = any(line.startswith("rules: ") for line in said)
    return Preview(
        recipe=name,
        published=published,
        changes=tuple(said),
        rules=len(changed_rules(before, after)) + reordered,
        kept=int(kept),
        lost=_moves(rows, shown, "lost", texts),
        gained=_moves(rows, shown, "gained", texts),
        may_return=sum(returning for _, returning, _ in moved),
        may_go=sum(going for _, _, going in moved),
    )


def _of_family(
    published: Pass, before: Recipe, after: Recipe, known_sources: Mapping[str, Source], family: Family
) -> tuple[pl.DataFrame, int, int]:
    """The records of a family that move (`_SCHEMA`), and how many may return and may go as duplicates."""
    now = (
        evidence(published.state, after, family, known_sources, said=read_by(published, after))
        .with_columns(decided=first_of(grounds(after, known_sources)))
        .select(
            "id",
            taken=pl.col("decided").struct.field("fate"),
            because=pl.col("decided").struct.field("reason"),
        )
    )
    mine = published.ledger().filter(pl.col("family") == family.name)
    both = mine.select("id", "source", "content_hash", "fate", "reason", "survivor", "similarity").collect()
    both = both.join(now, on="id", how="inner")
    kept, duplicate, free = pl.col("fate") == "kept", pl.col("fate").is_in(DUPLICATES), pl.col("taken").is_null()
    lost = both.filter(kept & ~free)
    gained = both.filter(~kept & ~duplicate & free)
    moved = [
        lost.select("id", "source", move=pl.lit("lost"), fate="taken", reason="because"),
        gained.select("id", "source", move=pl.lit("gained"), fate="fate", reason="reason"),
    ]
    return pl.concat(moved), _may_return(both, lost, after), _may_go(published, both, before, after, family)


def _may_return(both: pl.DataFrame, lost: pl.DataFrame, after: Recipe) -> int:
    """Duplicates that no fate takes and whose survivor is lost, or that are none by the recipe any more."""
    exact = (pl.col("fate") == "exact duplicate") & pl.lit(value=not after.duplicates.exact)
    # An exact duplicate is a pair of similarity 1 where only near-duplicates are dropped.
    exact &= pl.lit(value=after.duplicates.near is None)
    near = (pl.col("fate") == "near-duplicate") & (pl.col("similarity") < (after.duplicates.near or 2))
    orphaned = pl.col("survivor").is_in(lost["id"].implode())
    free = pl.col("taken").is_null()
    return both.filter(free & pl.col("fate").is_in(DUPLICATES) & (orphaned | exact | near)).height


def _may_go(published: Pass, both: pl.DataFrame, before: Recipe, after: Recipe, family: Family) -> int:
    """Kept records in a pair between kept ones that only the new threshold makes duplicates: one of each pair goes."""
    was, now = before.duplicates.near or 2, after.duplicates.near
    if now is None or now >= was:
        return 0
    fresh = (pl.col("similarity") >= now) & (pl.col("similarity") < was) & (pl.col("kind") == NEAR)
    pairs = published.state.scan(f"pairs_{family.name}").filter(fresh).collect()
    kept = both.filter((pl.col("fate") == "kept") & pl.col("taken").is_null()).select("content_hash").unique()
    between = pairs.join(kept, left_on="left", right_on="content_hash", how="semi").join(
        kept, left_on="right", right_on="content_hash", how="semi"
    )
    return between["right"].n_unique()


def _moves(rows: pl.DataFrame, shown: pl.DataFrame, move: str, texts: dict[str, str]) -> tuple[Move, ...]:
    mine = rows.filter(pl.col("move") == move)
    counts = mine.group_by("fate", "reason").agg(records=pl.len())
    told = counts.sort("records", "fate", "reason", descending=[True, False, False]).rows()
    return tuple(
        Move(
            fate,
            reason,
            records,
            tuple(
                (id_, texts.get(id_, ""))
                for id_ in shown.filter(
                    (pl.col("move") == move) & (pl.col("fate") == fate) & pl.col("reason").eq_missing(pl.lit(reason))
                )["id"]
            ),
        )
        for fate, reason, records in told
    )
