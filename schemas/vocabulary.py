"""The closed lists: every value that a column of a fixed vocabulary may hold."""

from typing import Final

ROLES: Final = ("system", "user", "assistant", "tool")
"""Roles of a message. Upstream's other names (human, gpt, prompter, ...) are mapped by the layouts."""

VERIFIERS: Final = ("math", "exact", "choice", "code", "countdown", "instruction")
"""How an answer of the family grpo is checked."""

OUTCOMES: Final = ("verified", "refuted", "unverifiable", "timed out")
"""What verification can find of an answer; the last two say that it is not known."""

FATES: Final = (
    "forgotten",
    "source removed",
    "not in recipe",
    "licence",
    "split bridge",
    "verdict",
    "replaced",
    "rule",
    "contaminated",
    "exact duplicate",
    "near-duplicate",
    "kept",
)
"""What becomes of a record, in order of precedence: the first that applies is its fate."""

GROUNDS: Final = (
    "conflict",
    "disputed duplicate",
    "contamination",
    "rules disagree",
    "near a threshold",
    "random kept",
    "random dropped",
)
"""Why a record is in the review queue. The two random ones are controls: nothing is shown with them."""

DECISIONS: Final = ("keep", "drop", "fix")
"""What an annotator can say of a record."""

CONTAMINATION: Final = ("8-gram", "13-gram", "coverage", "short item")
"""Rules by which a record repeats an item of a benchmark, from the one that hits most to the one that hits least."""

SIDES: Final = ("train", "validation", "test")
"""Sides of a split, lowest first: where two meet, test stands above validation above train."""

INVALID: Final = (
    "no prompt",
    "no messages",
    "ends with the user",
    "unknown role",
    "null content",
    "not one completion",
    "completion is not the assistant's",
    "no verifier",
    "unknown verifier",
    "null value",
)
"""Why the validator refuses a row: what the family's schema cannot represent."""
