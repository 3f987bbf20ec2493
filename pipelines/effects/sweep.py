"""A rule's threshold moved: what is kept at each of some thresholds, with rows from between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import polars as pl

from pipelines.effects.examples import lines_of
from pipelines.effects.standing import dependents, hits_of_dropping, leaked, reaching
from pipelines.effects.thresholds import STEPS, thresholds
from pipelines.errors import TamisError
from pipelines.quality.rules import Rule, held, is_hit, value_of
from pipelines.recipe import Recipe
from pipelines.states import Pass
from schemas.families import FAMILIES, Family


@dataclass(frozen=True)
class Example:
    """A record between two thresholds, that goes, or else comes back, by the farther one. `said` is one line."""

    id: str
    value: float
    goes: bool
    said: str = ""


@dataclass(frozen=True)
class Point:
    """What a rule does at one threshold.

    `hits`: records that it hits; `kept`: those that the recipe would keep, before duplicates are looked at again;
    `lost` and `gained`, against the pass; `may_return`: duplicates whose survivor is lost, which only a ledger can
    verify. `between`: records that go or come where the threshold moves on to here from the one before, on the way
    from the recipe's own.
    """

    threshold: float
    hits: int
    kept: int
    lost: int
    gained: int
    may_return: int
    between: tuple[Example, ...]


@dataclass(frozen=True)
class Sweep:
    """A rule's threshold moved; `str()` of it is what `tamis sweep` prints. `points`: by threshold."""

    published: Pass
    rule: Rule
    points: tuple[Point, ...]

    @property
    def frame(self) -> pl.DataFrame:
        """One row a point: `threshold`, `hits`, `kept`, `lost`, `gained`, `may_return`."""
        names = ("hits", "kept", "lost", "gained", "may_return")
        rows = [{"threshold": p.threshold} | {name: getattr(p, name) for name in names} for p in self.points]
        return pl.DataFrame(rows, schema={"threshold": pl.Float64} | dict.fromkeys(names, pl.Int64))

    def __str__(self) -> str:
        rule, one = self.rule, self.published
        marks = "; it only marks: told as if it dropped" if rule.action == "mark" else ""
        lines = [
            f"rule {rule.name} of recipe {one.recipe}, pass {one.number}: drops where {rule.signal} {rule.comparison} "
            f"threshold{marks}",
            "",
            f"{'threshold':>12}{'hits':>12}{'kept':>12}{'lost':>10}{'gained':>10}{'may return':>13}",
        ]
        for point in self.points:
            here = "  <- the recipe's" if point.threshold == rule.threshold else ""
            lines.append(
                f"{point.threshold:>12g}{point.hits:>12,}{point.kept:>12,}{point.lost:>10,}{point.gained:>10,}"
                f"{point.may_return:>13,}{here}"
            )
        lines += ["", "may return: duplicates whose survivor is lost; a run verifies them, and those gained, anew"]
        for point in self.points:
            if point.between:
                lines += ["", f"on the way to {point.threshold:g}:"]
            for row in point.between:
                lines += [f"  {'goes' if row.goes else 'comes back'}: {row.id} ({row.value:g})", f"    {row.said}"]
        return "\n".join(lines)

    __repr__ = __str__


def sweep(
    published: Pass,
    recipe: Recipe,
    name: str,
    *,
    start: float | None = None,
    end: float | None = None,
    steps: int = STEPS,
    examples: int = 1,
) -> Sweep:
    """Move the threshold of the rule `name` of the recipe that made a pass, in `steps` from `start` to `end`.

    Left out, they reach over what 98 % of the records have, and over the threshold. The recipe's own threshold is
    always among them; of `==` they are values that records have, the nearest to it. Counts come from stored signals;
    the text of the `examples` between two thresholds alone is read. TamisError for a rule that is not there, and for
    an empty range.
    """
    rule = _named(recipe, name)
    if start is not None and end is not None and not start < end:
        raise TamisError(f"there is nothing from {start:g} to {end:g}", cure="--from is the smaller number.")
    families = [family for family in FAMILIES.values() if _reads(published, rule, family)]
    rows = [(family, _rows(published, recipe, rule, family)) for family in families]
    tried = thresholds(rule, _values(rule, rows), start, end, steps)
    kept = int(published.ledger().filter(pl.col("fate") == "kept").select(pl.len()).collect().item())
    points = [_point(rule, rows, threshold, before, kept, examples) for threshold, before in _steps(rule, tried)]
    ids = [example.id for point in points for example in point.between]
    said = lines_of(published.state, ids, recipe.redact)
    told = (
        replace(point, between=tuple(replace(one, said=said.get(one.id, "")) for one in point.between))
        for point in points
    )
    return Sweep(published, rule, tuple(told))


def _reads(published: Pass, rule: Rule, family: Family) -> bool:
    columns = rule.columns(family)
    return bool(columns) and held(published.state.signals(family.name), columns, family)


def _named(recipe: Recipe, name: str) -> Rule:
    known = [rule.name for rule in recipe.rules]
    if name not in known:
        near = get_close_matches(name, known, 1)
        cure = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(known) or 'none'}."
        raise TamisError(f"the recipe has no rule {name!r}", cure=cure)
    return recipe.rules[known.index(name)]


def _rows(published: Pass, recipe: Recipe, rule: Rule, family: Family) -> pl.DataFrame:
    """The records of a family that reach the rules: `id`, `source`, the rule's columns, `kept`, `free`, `stands_for`.

    `free`: nothing but the rule took it, so that it comes back where the rule lets it. `stands_for`: duplicates.
    """
    mine = reaching(published, family).select("id", "fate", "reason", "content_hash")
    by_rule = mine.filter((pl.col("fate") == "rule") & (pl.col("reason") == rule.name)).select("id")
    others = [other for other in recipe.rules if other.name != rule.name]
    taken = hits_of_dropping(published, others, family, by_rule).select("id").unique()
    free = by_rule.join(taken, on="id", how="anti").with_columns(free=pl.lit(value=True))
    stored = published.state.signals(family.name).select("id", "source", *rule.columns(family))
    leaks = leaked(published, recipe).with_columns(leaks=pl.lit(value=True))
    return (
        stored.join(mine, on="id", how="inner")
        .join(leaks, on="content_hash", how="left")
        .join(free, on="id", how="left")
        .join(dependents(published, family), on="id", how="left")
        .select(
            "id",
            "source",
            *rule.columns(family),
            kept=pl.col("fate") == "kept",
            free=pl.col("free").fill_null(value=False) & pl.col("leaks").is_null(),
            stands_for=pl.col("stands_for").fill_null(0),
        )
        .collect()
    )


def _values(rule: Rule, rows: Sequence[tuple[Family, pl.DataFrame]]) -> pl.Series:
    """What the rule compares, of all records that it applies to; of `==` the values of all its columns."""
    applies = pl.lit(value=True) if rule.sources is None else pl.col("source").is_in(rule.sources)
    applies &= ~pl.col("source").is_in(rule.except_sources or [])
    found = [pl.Series("value", [], pl.Float64)]
    for family, of_family in rows:
        mine, columns = of_family.filter(applies), rule.columns(family)
        if rule.comparison == "==":
            found += [mine[column].cast(pl.Float64).alias("value") for column in columns]
        else:
            found.append(mine.select(value=value_of(rule, columns))["value"])
    return pl.concat(found)


def _steps(rule: Rule, tried: Sequence[float]) -> list[tuple[float, float]]:
    """Each threshold, and its neighbour on the way to the recipe's own; that one has itself."""
    own = tried.index(rule.threshold)
    return [(threshold, tried[place + (place < own) - (place > own)]) for place, threshold in enumerate(tried)]


def _point(
    rule: Rule, rows: Sequence[tuple[Family, pl.DataFrame]], threshold: float, before: float, kept: int, examples: int
) -> Point:
    counts = {"hits": 0, "lost": 0, "gained": 0, "may_return": 0}
    between: list[pl.DataFrame] = []
    for family, of_family in rows:
        columns = rule.columns(family)
        here = rule.model_copy(update={"threshold": threshold})
        there = rule.model_copy(update={"threshold": before})
        hit, was_hit = is_hit(here, columns), is_hit(there, columns)
        lost, gained = pl.col("kept") & hit, pl.col("free") & ~hit
        found = of_family.select(
            hits=hit.sum(),
            lost=lost.sum(),
            gained=gained.sum(),
            may_return=pl.col("stands_for").filter(lost).sum(),
        ).row(0, named=True)
        counts = {name: counts[name] + int(found[name] or 0) for name in counts}
        goes = lost & ~was_hit
        value = value_of(there if rule.comparison == "==" else here, columns)
        between.append(of_family.filter(goes | (gained & was_hit)).select("id", goes=goes, value=value).head(examples))
    some = pl.concat(between).head(examples).rows() if between else []
    return Point(
        threshold=threshold,
        kept=kept - counts["lost"] + counts["gained"],
        between=tuple(Example(id_, float(value), goes) for id_, goes, value in some),
        **counts,
    )
