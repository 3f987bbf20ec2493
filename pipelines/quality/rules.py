"""Rules: which values of which signals a recipe refuses, and which records they hit."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.errors import TamisError
from pipelines.quality import signal
from pipelines.quality.signals import SIGNALS
from schemas.families import FAMILIES, Family
from schemas.tables import TABLES

Comparison = Literal[">", ">=", "<", "<=", "=="]
FamilyName = Literal["instruction", "preference", "cot", "grpo"]

_HITS: Final = {
    "id": pl.String,
    "order": pl.Int64,
    "rule": pl.String,
    "value": pl.Float64,
    "threshold": pl.Float64,
    "action": pl.String,
}


class Rule(BaseModel):
    """One rule of a recipe. A record is hit where `signal comparison threshold` holds; null is never a hit.

    `signal` names a column (`completion_words`), or a signal of parts (`mojibake`), which stands for all of them: it
    hits where one part does. `families` and `sources` limit where the rule applies, `except_sources` takes some out;
    left out, it applies wherever the signal is. `action`: drop, or only mark. `why` is one sentence for the reader.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1)
    signal: str
    comparison: Comparison
    threshold: float
    action: Literal["drop", "mark"] = "drop"
    families: list[FamilyName] | None = None
    sources: list[str] | None = None
    except_sources: list[str] | None = None
    why: str

    @model_validator(mode="after")
    def _one_list_of_sources(self) -> "Rule":
        if self.sources is not None and self.except_sources is not None:
            raise ValueError("sources and except_sources exclude each other")
        return self

    def columns(self, family: Family) -> list[str]:
        """The columns of the family's signals that the rule reads; empty where it does not apply."""
        if self.families is not None and family.name not in self.families:
            return []
        known = signal.columns(family)
        return [c for c, of in known.items() if self.signal in (c, of.name)]

    def applies_to(self, source: str) -> bool:
        """Whether the rule looks at records of the source."""
        if self.sources is not None:
            return source in self.sources
        return source not in (self.except_sources or [])

    def looks_at(self, source: pl.Expr) -> pl.Expr:
        """`applies_to` as an expression."""
        if self.sources is not None:
            return source.is_in(self.sources)
        return ~source.is_in(self.except_sources) if self.except_sources else pl.lit(value=True)


def faults(rules: Sequence[Rule], known_sources: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What is wrong with rules that are well-formed: key in the recipe, what, and the cure."""
    names: dict[str, int] = {}
    for position, rule in enumerate(rules):
        key = ("rules", position)
        if rule.name in names:
            yield (*key, "name"), f"a rule {rule.name!r} stands there already", "Give each rule a name of its own."
        names[rule.name] = position
        if not any(rule.columns(family) for family in FAMILIES.values()):
            yield (*key, "signal"), *_unknown_signal(rule)
        for field in ("sources", "except_sources"):
            for source in getattr(rule, field) or []:
                if source not in known_sources:
                    yield (*key, field), f"there is no source {source!r}", _nearest(source, list(known_sources))


def hits(signals: pl.LazyFrame, rules: Sequence[Rule], family: Family) -> pl.LazyFrame:
    """Every hit of every rule on the signals of a family: `id`, `order` (of the rule, from 0), `rule`, `value`,
    `threshold`, `action`. One pass over the signals, in no promised order.

    TamisError where the table lacks a column that the rules read, since it was made by older code.
    """
    stored = signals.collect_schema()
    columns = {position: rule.columns(family) for position, rule in enumerate(rules)}
    needed = sorted({column for names in columns.values() for column in names})
    if set(stored.names()) == set(TABLES[f"signals_{family.name}"].schema.names):
        # The table is not there yet.
        return pl.LazyFrame(schema=_HITS)
    missing = [column for column in needed if column not in stored]
    if missing:
        raise TamisError(
            f"the lake has no signal {missing[0]} yet",
            where=f"signals of the family {family.name}",
            cure="Materialise `signals` of each source.",
        )
    verdicts = [_verdict(position, rules[position], names) for position, names in columns.items() if names]
    if not verdicts:
        return pl.LazyFrame(schema=_HITS)
    found = signals.select("id", pl.concat_list(verdicts).list.drop_nulls().alias("hit"))
    return (
        found.filter(pl.col("hit").list.len() > 0)
        .explode("hit")
        .unnest("hit")
        .select(pl.col(name).cast(dtype) for name, dtype in _HITS.items())
    )


def _verdict(position: int, rule: Rule, columns: Sequence[str]) -> pl.Expr:
    """The hit of a rule as a struct, null where there is none."""
    value = extreme(rule, [pl.col(column).cast(pl.Float64) for column in columns])
    hit = holds(value, rule.comparison, rule.threshold) & rule.looks_at(pl.col("source"))
    verdict = pl.struct(
        order=pl.lit(position, dtype=pl.Int64),
        rule=pl.lit(rule.name),
        value=value,
        threshold=pl.lit(rule.threshold, dtype=pl.Float64),
        action=pl.lit(rule.action),
    )
    return pl.when(hit).then(verdict)


def extreme(rule: Rule, values: list[pl.Expr]) -> pl.Expr:
    """The part's value that is most likely to be hit; nulls aside."""
    if rule.comparison in (">", ">="):
        return pl.max_horizontal(values)
    if rule.comparison in ("<", "<="):
        return pl.min_horizontal(values)
    equal = [pl.when(value == rule.threshold).then(value) for value in values]
    return pl.coalesce([*equal, *values])


def holds(value: pl.Expr, comparison: Comparison, threshold: float) -> pl.Expr:
    """Whether a value is on the side of a threshold that a rule hits."""
    return {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
        "==": value == threshold,
    }[comparison]


def _unknown_signal(rule: Rule) -> tuple[str, str]:
    known = {name for family in FAMILIES.values() for name in signal.columns(family)} | set(SIGNALS)
    if rule.signal in known:
        return f"the families {rule.families} have no signal {rule.signal!r}", "Name families that have it."
    return f"there is no signal {rule.signal!r}", _nearest(rule.signal, sorted(known))


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
