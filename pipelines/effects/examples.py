"""A few records as one line each, for tables of counts to point at."""

from collections.abc import Iterable, Sequence

from pipelines.quality.redaction import Kind
from pipelines.report.samples import Message, messages_of
from pipelines.states import State
from pipelines.story.words import shortened

_CHARACTERS = 90
"""Of what was asked, and of the answer."""


def lines_of(state: State, ids: Iterable[str], kinds: Sequence[Kind]) -> dict[str, str]:
    """Each record's last question and its answer, shortened on one line, with what `kinds` name redacted."""
    return {
        id_: " -> ".join(f'"{shortened(text, _CHARACTERS)}"' for text in _ends(messages) if text is not None)
        for id_, (messages, _) in messages_of(state, ids, kinds).items()
    }


def _ends(messages: Sequence[Message]) -> tuple[str | None, str | None]:
    asked = [m.text for m in messages if m.part == "prompt"]
    told = [m.text for m in messages if m.part not in ("prompt", "reasoning")]
    return (asked[-1] if asked else None), (told[-1] if told else None)
