"""The forms that annotators fill in, one a family: fields, questions and guidelines, as data.

A published dataset of Argilla can change neither its fields, nor its questions, nor their labels: a form that changes
gets another identity, and with it a dataset of its own.

Fields are chats without Markdown, and texts that hold HTML of ours. Argilla 2.8.0 puts the first into the page as they
are, and sanitises the second; its custom fields are not used, since they write the whole record into a script, where a
text with `</script>` runs and one with `$$` is damaged. What data goes into either is escaped: see
`pipelines.review.fields`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from pipelines.review.guidelines import guidelines
from schemas.families import FAMILIES
from schemas.vocabulary import DEFECTS

if TYPE_CHECKING:
    import argilla as rg

_NAME: Final = re.compile(rf"(?P<recipe>.+) (?P<family>{'|'.join(FAMILIES)}) (?P<form>[0-9a-f]{{6}})")

VECTOR: Final = "hashed_words"
VECTOR_SIZE: Final = 256

TERMS: Final = {"source": "Source", "language": "Language", "side": "Side", "ground": "Why it is here", "fate": "Fate"}
"""Metadata to filter by, beside the rules and the signals."""


@dataclass(frozen=True)
class Field:
    """What is shown. A chat holds messages; a text holds HTML of ours."""

    name: str
    title: str
    kind: Literal["chat", "text"]
    required: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked. `options`: value -> what the annotator reads."""

    name: str
    title: str
    kind: Literal["label", "labels", "rating", "text"]
    description: str
    required: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """One family's form."""

    family: str
    fields: tuple[Field, ...]
    questions: tuple[Question, ...]

    @property
    def identity(self) -> str:
        """6 hex digits that change with whatever a published dataset cannot change."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=False).encode()).hexdigest()[:6]

    def dataset(self, recipe: str) -> str:
        """Name of the Argilla dataset that holds a recipe's records in this form."""
        return f"{recipe} {self.family} {self.identity}"

    def labels(self, question: str) -> list[str]:
        """The values that an answer to a question can have."""
        return next(list(q.options) for q in self.questions if q.name == question)

    def settings(self, client: "rg.Argilla", overlap: int, signals: Sequence[str]) -> "rg.Settings":
        """The form as Argilla's client takes it. `overlap`: submitted answers that complete a record."""
        import argilla as rg

        return rg.Settings(
            guidelines=guidelines(self.family, self.questions_titles()),
            fields=[
                rg.ChatField(f.name, title=f.title, use_markdown=False, required=f.required, _client=client)
                if f.kind == "chat"
                else rg.TextField(f.name, title=f.title, use_markdown=True, required=f.required, client=client)
                for f in self.fields
            ],
            questions=[_question(question, client) for question in self.questions],
            metadata=[
                *(rg.TermsMetadataProperty(name, title=title, client=client) for name, title in TERMS.items()),
                rg.TermsMetadataProperty("rules", title="Rules that hit it", client=client),
                rg.IntegerMetadataProperty("priority", title="Priority (1 first)", client=client),
                *(rg.FloatMetadataProperty(name, title=spelled(name), client=client) for name in signals),
            ],
            vectors=[
                rg.VectorField(
                    VECTOR, dimensions=VECTOR_SIZE, title="Same words (hashed, no embedding)", _client=client
                )
            ],
            distribution=rg.TaskDistribution(min_submitted=overlap),
            allow_extra_metadata=True,  # such is shown to no annotator
        )

    def questions_titles(self) -> dict[str, str]:
        """Title of each question by its name."""
        return {question.name: question.title for question in self.questions}


def parsed(name: str) -> tuple[str, str, str] | None:
    """Recipe, family and identity of the form from a dataset's name; None where it is none of ours."""
    found = _NAME.fullmatch(name)
    return (found["recipe"], found["family"], found["form"]) if found else None


def spelled(signal: str) -> str:
    """A signal's column as a title: `completion_words` -> `Completion words`."""
    return signal.replace("_", " ").capitalize()


def _question(asked: Question, client: "rg.Argilla") -> "rg.settings.QuestionType":
    import argilla as rg

    name, title, said, needed = asked.name, asked.title, asked.description, asked.required
    options = dict(asked.options)
    if asked.kind == "label":
        return rg.LabelQuestion(name, options, title=title, description=said, required=needed, client=client)
    if asked.kind == "labels":
        return rg.MultiLabelQuestion(
            name, options, title=title, description=said, required=needed, visible_labels=None, client=client
        )
    if asked.kind == "rating":
        return rg.RatingQuestion(name, [1, 2, 3, 4, 5], title=title, description=said, required=needed, client=client)
    return rg.TextQuestion(name, title=title, description=said, required=needed, client=client)


def _form(family: str, fields: Sequence[Field], verb: str, correction: tuple[str, str], *more: Question) -> Form:
    """`verb`: what a model is to do with the record; `correction`: title and description of that question."""
    only_cot = {"wrong reasoning", "reasoning not marked off"}
    only_golds = {"wrong gold", "guessable or given away"}
    only_pairs = {"sides too alike", "sides swapped"}
    left_out = {
        "instruction": only_cot | only_golds | only_pairs,
        "preference": only_cot | only_golds,
        "cot": only_pairs,
        "grpo": only_cot | only_pairs | {"wrong answer", "reasoning not marked off"},
    }[family]
    return Form(
        family=family,
        fields=(
            Field("why", "Why you are asked", "text"),
            *fields,
            Field("other", "The record it is compared with", "text"),
        ),
        questions=(
            Question(
                "decision",
                f"Should a model {verb}?",
                "label",
                "Keep: fit as it is. Fix: fit once it is corrected; write the correction below. Drop: not fit.",
                required=True,
                options={"keep": "Keep", "fix": "Fix", "drop": "Drop"},
            ),
            *more,
            Question(
                "reasons",
                "What is wrong with it?",
                "labels",
                "Tick what holds, whatever you decided; nothing where nothing is wrong.",
                options={kind: kind for kind in DEFECTS if kind not in left_out},
            ),
            Question(
                "rating",
                "How good is it, from 1 (worst) to 5?",
                "rating",
                "1: harmful to learn from. 5: an example to all.",
            ),
            Question("correction", correction[0], "text", correction[1]),
        ),
    )


_PROMPT: Final = Field("prompt", "Prompt", "chat", required=True)
_TOOLS: Final = Field("tools", "Tools that may be called", "text")

FORMS: Final[dict[str, Form]] = {
    form.family: form
    for form in (
        _form(
            "instruction",
            [_PROMPT, _TOOLS, Field("completion", "Answer", "chat")],
            "learn to answer like this",
            ("A better answer, or this one corrected", "The whole answer, not only what changes."),
        ),
        _form(
            "preference",
            [_PROMPT, _TOOLS, Field("sides", "Two answers", "text")],
            "learn from this comparison",
            ("A better answer than both", "The whole answer, not only what changes."),
            Question(
                "preferred",
                "Which answer is better?",
                "label",
                "Which of the two upstream holds to be better is not told; left and right are drawn.",
                options={"left": "Left", "right": "Right", "neither": "Neither"},
            ),
        ),
        _form(
            "cot",
            [
                _PROMPT,
                _TOOLS,
                Field("reasoning", "Reasoning", "text"),
                Field("completion", "Answer", "chat"),
                Field("answer", "Gold answer", "text"),
            ],
            "learn to think and answer like this",
            ("A better answer, or this one corrected", "The whole answer without the reasoning."),
        ),
        _form(
            "grpo",
            [
                _PROMPT,
                _TOOLS,
                Field("answer", "Gold answer", "text"),
                Field("check", "How an answer is checked", "text"),
            ],
            "practise on this task",
            ("The gold answer corrected", "The answer alone, as the gold one is written."),
        ),
    )
}
"""The form of each family. Any edit of it makes a new dataset at the next push."""
