"""Which kind of defect a hit speaks of: what is suggested to an annotator.

A published dataset of Argilla can change neither its questions nor their labels, so rules, which come and go with the
recipe, are mapped to a fixed list by the signal that they read.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from pipelines.quality import signal
from pipelines.quality.rules import Rule
from schemas.families import FAMILIES

_SIGNALS: Final[dict[str, tuple[str, ...]]] = {
    "empty or placeholder": ("visible_chars", "placeholder", "placeholder_input"),
    "repeats its prompt": ("echoed_chars", "echoed_words"),
    "lacks what it speaks of": ("missing_attachment",),
    "broken turns": ("same_role_turns", "empty_turns", "prompt_turns", "chosen_turns", "rejected_turns"),
    "cut off": ("ends_midway", "ends_open", "fence_open", "boxed_in_tail"),
    "says it again and again": (
        "loop_words",
        "repeated_10gram_share",
        "repeated_5gram_share",
        "repeated_line_share",
        "repeated_paragraph_share",
        "repeated_input_chars",
        "distinct_word_share",
    ),
    "stray text": (
        "next_tasks",
        "chat_tokens",
        "mojibake",
        "mojibake_share",
        "non_printing",
        "non_printing_share",
        "boilerplate",
        "html_remains",
        "minor_script_share",
    ),
    "reasoning not marked off": ("reasoning_tags", "reasoning_marked"),
    "wrong answer": ("broken_code_blocks", "boxed_differs", "gold_in_last_line", "refuted", "verified"),
    "wrong reasoning": ("wrong_equations",),
    "wrong gold": ("gold_parses", "asks_for_proof"),
    "guessable or given away": ("gold_stated", "gold_options"),
    "sides too alike": ("equal_sides", "common_prefix_share", "common_prefix_chars"),
    "sides swapped": ("score_margin",),
    "refusal": ("refusal",),
    "speaks as a model": ("model_identity", "knowledge_cutoff"),
    "another language": ("switches_language", "language_mix", "other_language"),
    "abusive": ("slurs", "obscenities", "threats"),
    "personal data": ("secrets", "card_numbers", "ibans", "emails", "phones", "ip_addresses"),
}

_KIND: Final = {name: kind for kind, names in _SIGNALS.items() for name in names}

_OTHER: Final = "other"


def kind_of(rule: Rule) -> str:
    """The kind of defect that a rule speaks of; "other" where its signal is of none (lengths, shares of characters)."""
    if rule.signal == "score_margin" and rule.comparison == "==":
        return "sides too alike"
    read = {of.name for family in FAMILIES.values() for column, of in signal.columns(family).items()
            if rule.signal in (column, of.name)}  # fmt: skip
    return next((_KIND[name] for name in sorted(read) if name in _KIND), _OTHER)


def kinds_shown(shown: str, rules: Sequence[Rule], labels: Sequence[str]) -> pl.Expr:
    """The kinds of the hits in a list column, each once, sorted: those among `labels`, "other" for what is not.

    `shown`: the column's name, of hits as `pipelines.review.shown` writes them. An empty list stays empty.
    """
    kinds = {rule.name: kind_of(rule) for rule in rules}
    allowed = {name: kind if kind in labels else _OTHER for name, kind in kinds.items()}
    hit = pl.element()
    kind = (
        pl.when(hit.str.starts_with("rule:"))
        .then(hit.str.strip_prefix("rule:").replace_strict(allowed, default=_OTHER, return_dtype=pl.String))
        .when(hit.str.starts_with("contamination:"))
        .then(pl.lit("item of a benchmark"))
        .otherwise(pl.lit("duplicate"))
    )
    return pl.col(shown).list.eval(kind).list.unique().list.sort()
