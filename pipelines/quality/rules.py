"""Rules: which values of which signals a recipe refuses, and which records they hit."""

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    """One rule of a recipe. A record is hit where `signal comparison threshold` holds.

    `signal` names a column (`completion_words`), a signal of parts (`mojibake`), which stands for all of them: it
    hits where one part does; or a score from outside (`lake.yaml`). Null, which is a score that is not there, is no hit
    unless `missing` says so. `families` and `sources` limit where the rule applies, `except_sources` takes some out;
    left out, it applies wherever the signal is. `action`: drop, or only mark. `why` is one sentence for the reader.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1)
    signal: str
    comparison: Comparison
    threshold: float
    action: Literal["drop", "mark"] = "drop"
    missing: Literal["ignore", "hit"] = "ignore"
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
        """The columns of the family's signals that the rule reads; empty where it does not apply.

        A signal that is not computed for any family is a score from outside, a column of its own.
        """
        if self.families is not None and family.name not in self.families:
            return []
        if self.signal not in _computed():
            return [self.signal]
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


@functools.cache
def _computed() -> frozenset[str]:
    """Signals, and their columns in all families."""
    return frozenset(name for family in FAMILIES.values() for name in signal.columns(family)) | frozenset(SIGNALS)


def faults(
    rules: Sequence[Rule], known_sources: Mapping[str, Any], scores: Collection[str] = ()
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What is wrong with rules that are well-formed: key in the recipe, what, and the cure. `scores`: from outside."""
    names: dict[str, int] = {}
    for position, rule in enumerate(rules):
        key = ("rules", position)
        if rule.name in names:
            yield (*key, "name"), f"a rule {rule.name!r} stands there already", "Give each rule a name of its own."
        names[rule.name] = position
        unknown = rule.signal not in _computed() and rule.signal not in scores
        if unknown or not any(rule.columns(family) for family in FAMILIES.values()):
            yield (*key, "signal"), *_unknown_signal(rule, scores)
        for field in ("sources", "except_sources"):
            for source in getattr(rule, field) or []:
                if source not in known_sources:
                    yield (*key, field), f"there is no source {source!r}", _nearest(source, list(known_sources))


def hits(signals: pl.LazyFrame, rules: Sequence[Rule], family: Family) -> pl.LazyFrame:
    """Every hit of every rule on the signals of a family: `id`, `order` (of the rule, from 0), `rule`, `value`,
    `threshold`, `action`. One pass over the signals, in no promised order.

    TamisError where the table lacks a column that the rules read, since it was made by older code.
    """
    columns = {position: rule.columns(family) for position, rule in enumerate(rules)}
    needed = sorted({column for names in columns.values() for column in names})
    if not held(signals, needed, family):
        return pl.LazyFrame(schema=_HITS)
    verdicts = [_verdict(position, rules[position], names) for position, names in columns.items() if names]
    if not verdicts:
        return pl.LazyFrame(schema=_HITS)
    # Few rows are hit, and a list of structs for each of the others would cost more than all the rest.
    some = pl.any_horizontal(is_hit(rules[position], names) for position, names in columns.items() if names)
    found = signals.filter(some).select("id", pl.concat_list(verdicts).list.drop_nulls().alias("hit"))
    return (
        found.filter(pl.col("hit").list.len() > 0)
        .explode("hit")
        .unnest("hit")
        .select(pl.col(name).cast(dtype) for name, dtype in _HITS.items())
    )


def held(signals: pl.LazyFrame, columns: Sequence[str], family: Family) -> bool:
    """Whether there is a table of a family's signals yet.

    TamisError where it lacks one of the columns, since it was made by older code.
    """
    stored = signals.collect_schema()
    if set(stored.names()) == set(TABLES[f"signals_{family.name}"].schema.names):
        return False
    missing = [column for column in columns if column not in stored]
    if missing:
        raise TamisError(
            f"the lake has no signal {missing[0]} yet",
            where=f"signals of the family {family.name}",
            cure="Materialise `signals` of each source; a score from outside is read by `state`.",
        )
    return True


def value_of(rule: Rule, columns: Sequence[str]) -> pl.Expr:
    """What a rule compares, of its columns (`Rule.columns`), as Float64: that of the part that is hit most easily."""
    return extreme(rule, [pl.col(column).cast(pl.Float64) for column in columns])


def is_hit(rule: Rule, columns: Sequence[str]) -> pl.Expr:
    """Whether the rule hits a row of signals (with `source`); never null."""
    hit = holds(value_of(rule, columns), rule.comparison, rule.threshold)
    return hit.fill_null(value=rule.missing == "hit") & rule.looks_at(pl.col("source"))


def _verdict(position: int, rule: Rule, columns: Sequence[str]) -> pl.Expr:
    """The hit of a rule as a struct, null where there is none."""
    verdict = pl.struct(
        order=pl.lit(position, dtype=pl.Int64),
        rule=pl.lit(rule.name),
        value=value_of(rule, columns),
        threshold=pl.lit(rule.threshold, dtype=pl.Float64),
        action=pl.lit(rule.action),
    )
    return pl.when(is_hit(rule, columns)).then(verdict)


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


def _unknown_signal(rule: Rule, scores: Collection[str]) -> tuple[str, str]:
    known = _computed() | set(scores)
    if rule.signal in known:
        return f"the families {rule.families} have no signal {rule.signal!r}", "Name families that have it."
    return f"there is no signal {rule.signal!r}", _nearest(rule.signal, sorted(known))


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, 1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
