"""A fate in one sentence, and a record in a few lines."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.families import Family

_PART_CHARACTERS: Final = 300
_SPAN_CHARACTERS: Final = 160
_TURNS: Final = 4
"""Messages of a part that are shown: the first one and the last ones."""


def sentence(row: Mapping[str, Any]) -> str:
    """The fate of a row of the ledger: `dropped by the rule answer_words: 0 < 1`.

    `row` has `fate`, `reason`, `value`, `threshold`, `survivor` and `similarity`, and `item`
    where a benchmark decided.
    """
    fate, reason = str(row["fate"]), row["reason"]
    if fate == "rule":
        return f"dropped by the {rule_hit(reason, row['value'], row['threshold'])}"
    if fate == "not in recipe" and reason == "row limit":
        number, limit = int(row["value"]), int(row["threshold"])
        return f"not in recipe: it is row {number:,} of its source (from 0), and the recipe takes {limit:,}"
    if fate == "contaminated" and row.get("item") is not None:
        return f"contaminated: {reason}, item {row['item']} ({comparison(row['value'], row['threshold'])})"
    if fate in ("exact duplicate", "near-duplicate"):
        similarity = f", {row['similarity']:.3f} similar" if fate == "near-duplicate" else ""
        return f"{fate} of {row['survivor']}{similarity}"
    if fate == "replaced":
        return f"replaced by {row['survivor']}, which corrects it"
    if fate == "verdict":
        return "turned down by people" + (f": {reason}" if reason else "")
    if fate == "not in recipe" and reason == "verdicts":
        return "not in recipe: people wrote it, and the recipe takes no verdicts"
    said = {
        "not in recipe": "not in recipe: the recipe does not take its source",
        "licence": f"licence: the recipe does not take {reason}",
        "split bridge": "split bridge: it is tied to two sides, so it may stand on neither",
        "source removed": "its source is no longer configured",
    }
    return said.get(fate, f"{fate}: {reason}" if reason else fate)


def verdict_sentence(row: Mapping[str, Any]) -> str:
    """`ana said drop (repeats itself), 2026-11-01 09:00 UTC`. `row`: of the table `verdicts`."""
    says = row["decision"] or "nothing of the whole"
    reasons = f" ({', '.join(row['reasons'])})" if row["reasons"] else ""
    preferred = f"; prefers {row['preferred']}" if row["preferred"] else ""
    wrote = "; wrote another answer" if row["correction"] else ""
    blind = "" if row["shown"] else "; no hit was shown"
    return f"{row['user']} said {says}{reasons}{preferred}{wrote}{blind}, {row['at']:%Y-%m-%d %H:%M} UTC"


def verification_sentence(outcome: str, by: str | None, said: str | None) -> str:
    r"""`refuted by Math-Verify: the answer is \boxed{17}`."""
    return f"{outcome}{f' by {by}' if by else ''}{f': the answer is {shortened(said)}' if said else ''}"


def rule_hit(rule: str, value: float | None, threshold: float | None) -> str:
    """`rule answer_words: 0 < 1`."""
    if value is None:
        return f"rule {rule}"
    if threshold is None:
        return f"rule {rule}: {value:g}"
    return f"rule {rule}: {comparison(value, threshold)}"


def comparison(value: float, threshold: float) -> str:
    """`0 < 1`."""
    sign = "<" if value < threshold else ">" if value > threshold else "="
    return f"{value:.3g} {sign} {threshold:g}" if value < 1 else f"{value:g} {sign} {threshold:g}"


def leak(row: Mapping[str, Any]) -> str:
    """What a record shares with an item of a benchmark, by which rules, and where.

    `row` is of the table `contamination`, with `rule` a list, and `drops`: whether the recipe drops by one of them.
    """
    turn = "" if row["turn"] is None else f", turn {row['turn']}"
    by = ", ".join(row["rule"]) + ("" if row["drops"] else "; no ground to drop it here")
    said = (
        f"shares {row['tokens']:,} tokens in a row with item {row['item']} of {row['benchmark']} and covers "
        f"{row['coverage']:.0%} of it ({by}); "
        f"{row['part']}{turn}, characters {row['start']:,} to {row['end']:,}"
    )
    if row["text"] is None:
        return f"{said}; the item may not be shown"
    mine, its = (shortened(row[name], _SPAN_CHARACTERS) for name in ("text", "item_text"))
    return f'{said}: "{mine}"' + (f'; the item says "{its}"' if its != mine else "")


def shortened(text: str, characters: int = _PART_CHARACTERS) -> str:
    """A text on one line, cut behind `characters`."""
    flat = " ".join(text.split())
    return flat if len(flat) <= characters else f"{flat[:characters].rstrip()} ..."


def parts_of(record: Mapping[str, Any], family: Family) -> list[tuple[str, str]]:
    """The parts of a record, each shortened, and how its answer is checked: (`prompt user`, `What is ...`)."""
    lines: list[tuple[str, str]] = []
    for part in family.parts:
        value = record[part]
        if isinstance(value, str):
            lines.append((part, shortened(value)))
        elif value is not None:
            lines += _turns(part, value)
    lines += [(name, shortened(record[name])) for name in ("answer", "verifier", "verifier_args") if record.get(name)]
    return lines


def _turns(part: str, messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    said = [(f"{part} {m['role']}", shortened(m["content"]) or "(empty)") for m in messages]
    said = said or [(part, "(no messages)")]
    left_out = len(said) - _TURNS
    return said if left_out <= 0 else [said[0], (part, f"({left_out} turns)"), *said[1 - _TURNS :]]
