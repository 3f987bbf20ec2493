"""Each rule of a recipe with its effect: on its own, and among the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipelines.effects.standing import leaked, reaching, twins
from pipelines.quality.rules import Rule, hits
from pipelines.recipe import Recipe
from pipelines.states import Pass
from schemas.families import FAMILIES, Family


@dataclass(frozen=True)
class RuleEffect:
    """What one rule does to the records that no earlier fate takes.

    Alone: `hits`, the records that it hits; `only`, those of them that no other rule drops. Together: `first`, those
    that the ledger says went by it, since it is the first that drops them; `returns`, those that would come back
    without it, and `twins`, those among them that may turn out to be duplicates of kept ones. Of a rule that only
    marks, `kept` of its hits are kept, and nothing goes by it.
    """

    rule: Rule
    hits: int
    only: int
    first: int
    returns: int
    twins: int
    kept: int


@dataclass(frozen=True)
class RuleEffects:
    """The rules of a recipe's pass, in the recipe's order; `str()` of it is what `tamis rules` prints.

    `reaching`: records that no earlier fate takes. `edited`: whether the recipe's file says something else now.
    """

    published: Pass
    effects: tuple[RuleEffect, ...]
    reaching: int
    edited: bool

    @property
    def frame(self) -> pl.DataFrame:
        """One row a rule: `rule`, `signal`, `comparison`, `threshold`, `action` and the counts of `RuleEffect`."""
        counts = ("hits", "only", "first", "returns", "twins", "kept")
        said = ("signal", "comparison", "threshold", "action")
        rows = [
            {"rule": one.rule.name}
            | {name: getattr(one.rule, name) for name in said}
            | {name: getattr(one, name) for name in counts}
            for one in self.effects
        ]
        schema = {"rule": pl.String, "signal": pl.String, "comparison": pl.String, "threshold": pl.Float64}
        return pl.DataFrame(rows, schema=schema | {"action": pl.String} | dict.fromkeys(counts, pl.Int64))

    def __str__(self) -> str:
        one = self.published
        lines = [
            f"recipe {one.recipe}, pass {one.number} of {one.at:%Y-%m-%d %H:%M} UTC: "
            f"{self.reaching:,} records that no earlier fate takes",
            "",
            f"{'':<34}{'alone':>21}{'among the others':>42}",
            f"{'rule':<34}{'hits':>10}{'only it':>11}{'first':>10}{'back without it':>18}{'(or twins)':>14}",
        ]
        for effect in self.effects:
            rule, name = effect.rule, effect.rule.name
            if rule.action == "mark":
                told = f"{effect.hits:>10,}{'':>11}  marks only; {effect.kept:,} of them are kept"
            else:
                told = f"{effect.hits:>10,}{effect.only:>11,}{effect.first:>10,}{effect.returns:>18,}"
                told += f"{effect.twins:>14,}" if effect.returns else ""
            lines += [f"{name:<34}{told}", f"  {rule.signal} {rule.comparison} {rule.threshold:g}{_where(rule)}"]
        lines += [
            "",
            "hits: dropped by it if it were the only rule; only it: no other rule drops them; first: the ledger names "
            "it; back without it: they would be kept, or be twins, duplicates of kept ones.",
        ]
        if self.edited:
            lines.append(
                f"The recipe was edited since this pass: `tamis preview {one.recipe}` tells what that changes."
            )
        return "\n".join(lines)

    __repr__ = __str__


def rule_effects(published: Pass, recipe: Recipe, *, edited: bool = False) -> RuleEffects:
    """The effect of each rule of the recipe that made a pass, from stored signals; no text is read."""
    found = [_of_family(published, recipe, family) for family in FAMILIES.values()]
    counts = [
        {name: sum(of_family[1].get(rule.name, {}).get(name, 0) for of_family in found) for name in _COUNTS}
        for rule in recipe.rules
    ]
    return RuleEffects(
        published,
        tuple(RuleEffect(rule, **count) for rule, count in zip(recipe.rules, counts, strict=True)),
        sum(reached for reached, _ in found),
        edited,
    )


_COUNTS = ("hits", "only", "first", "returns", "twins", "kept")


def _of_family(published: Pass, recipe: Recipe, family: Family) -> tuple[int, Mapping[str, Mapping[str, int]]]:
    """Records of a family that reach the rules, and each rule's counts among them."""
    rows = (
        reaching(published, family)
        .select("id", "fate", "reason", "content_hash")
        .join(leaked(published, recipe).with_columns(leaks=pl.lit(value=True)), on="content_hash", how="left")
        .select("id", "fate", "reason", leaks=pl.col("leaks").fill_null(value=False))
        .collect()
    )
    hit = hits(published.state.signals(family.name), recipe.rules, family).select("id", "rule", "action").collect()
    drops = pl.col("action") == "drop"
    told = hit.join(rows, on="id", how="inner").with_columns(others=drops.sum().over("id") - drops.cast(pl.UInt32))
    only = drops & (pl.col("others") == 0)
    returning = only & (pl.col("fate") == "rule") & ~pl.col("leaks")
    back = told.filter(returning)["id"]
    copies = twins(published, recipe, family, back)
    counts = told.group_by("rule").agg(
        hits=pl.len().cast(pl.Int64),
        only=only.sum().cast(pl.Int64),
        first=((pl.col("fate") == "rule") & (pl.col("reason") == pl.col("rule"))).sum().cast(pl.Int64),
        returns=returning.sum().cast(pl.Int64),
        twins=(returning & pl.col("id").is_in(copies.implode())).sum().cast(pl.Int64),
        kept=(pl.col("fate") == "kept").sum().cast(pl.Int64),
    )
    return rows.height, {str(row["rule"]): row for row in counts.to_dicts()}


def _where(rule: Rule) -> str:
    limits = [("families", rule.families), ("in", rule.sources), ("not in", rule.except_sources)]
    return "".join(f", {word} {', '.join(names)}" for word, names in limits if names)
