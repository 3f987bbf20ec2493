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

DEFECTS: Final[dict[str, str]] = {
    "empty or placeholder": "nothing is said, or a placeholder stands where a text should",
    "repeats its prompt": "the answer gives back what was asked",
    "lacks what it speaks of": "a file, picture, link or table that nobody can see is needed",
    "broken turns": "a speaker twice in a row, an empty turn, sides that part too early",
    "cut off": "it stops in the middle, or never reaches its answer",
    "says it again and again": "lines, sentences or whole passages come back",
    "stray text": "tokens of a chat format, tags, another task, wrongly decoded characters",
    "reasoning not marked off": "the reasoning stands in the answer, or the answer in the reasoning",
    "wrong answer": "the final answer, the code or a fact is wrong",
    "wrong reasoning": "a step does not follow, or a calculation is wrong",
    "wrong gold": "the gold answer is wrong, or nothing can be checked against it",
    "guessable or given away": "the prompt tells the answer, or a guess has good odds",
    "sides too alike": "neither side is better than the other",
    "sides swapped": "the better side stands where the worse one should",
    "refusal": "it declines what it should have answered",
    "speaks as a model": "it names its maker, its rules, or the day its knowledge ends",
    "another language": "it answers, or thinks, in a language that nobody asked for",
    "abusive": "slurs, threats or obscenities, where the set is not about them",
    "personal data": "a living person's data, or a key or password",
    "item of a benchmark": "a model trained on it would know the test",
    "duplicate": "another record says the same",
    "poor quality": "well-formed, but nothing to learn from",
    "other": "none of these",
}
"""Kinds of defect that an annotator can tick, with what each means. Rules map to them (`pipelines.review.kinds`)."""

PREFERRED: Final = ("chosen", "rejected", "neither")
"""Which side of a pair an annotator can hold to be the better one."""

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

ARGILLA: Final = "argilla"
"""The source of what people write in review: corrections, better answers, and pairs whose sides they exchange."""
