"""What two versions of a recipe say differently, in words."""

from collections.abc import Iterator, Mapping

from pipelines.quality.rules import Rule
from pipelines.recipe import Recipe


def changed_rules(before: Recipe, after: Recipe) -> list[str]:
    """Names of the rules that were added, taken out or changed, whatever their place."""
    old, new = _by_name(before), _by_name(after)
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def changes(before: Recipe, after: Recipe) -> list[str]:
    """A line for each thing that is said differently; empty where nothing but comments was edited."""
    lines = [*_rules(_by_name(before), _by_name(after)), *_sources(before, after)]
    for key in ("licence", "contamination", "duplicates", "reasoning"):
        old, new = (getattr(recipe, key).model_dump() for recipe in (before, after))
        lines += [f"{key}.{name}: {old[name]} -> {new[name]}" for name in new if old[name] != new[name]]
    if before.redact != after.redact:
        lines.append(f"redact: {', '.join(before.redact) or 'nothing'} -> {', '.join(after.redact) or 'nothing'}")
    runs = {**before.training, **after.training}
    lines += [f"training.{run} changed" for run in runs if before.training.get(run) != after.training.get(run)]
    return lines


def _by_name(recipe: Recipe) -> dict[str, Rule]:
    return {rule.name: rule for rule in recipe.rules}


def _rules(old: Mapping[str, Rule], new: Mapping[str, Rule]) -> Iterator[str]:
    for name in {**old, **new}:
        if name not in new:
            yield f"rule {name}: taken out"
        elif name not in old:
            yield f"rule {name}: added: {new[name].action} where {_said(new[name])}"
        elif old[name] != new[name]:
            was, now = old[name].model_dump(exclude={"why"}), new[name].model_dump(exclude={"why"})
            moved = [f"{key} {was[key]} -> {now[key]}" for key in now if was[key] != now[key]]
            yield f"rule {name}: {', '.join(moved) or 'why'}"
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield "rules: in another order, so the ledger may name another one of several that hit"


def _said(rule: Rule) -> str:
    return f"{rule.signal} {rule.comparison} {rule.threshold:g}"


def _sources(before: Recipe, after: Recipe) -> Iterator[str]:
    for source in {**before.sources, **after.sources}:
        if source not in after.sources:
            yield f"source {source}: taken out"
        elif source not in before.sources:
            yield f"source {source}: added"
        elif before.limit(source) != after.limit(source):
            yield f"source {source}: limit {before.limit(source)} -> {after.limit(source)}"
    common = [[name for name in one.sources if name in other.sources] for one, other in _both_ways(before, after)]
    if common[0] != common[1]:
        yield "sources: in another order, so other copies of equal records may stay"


def _both_ways(before: Recipe, after: Recipe) -> list[tuple[Recipe, Recipe]]:
    return [(before, after), (after, before)]
