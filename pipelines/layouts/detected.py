"""Conversations whose columns are known only once they are there: recognised by the layouts in use.

What has none of these layouts fails with the columns that were found, when it is read for the first time.
"""

from typing import Final

import polars as pl

from pipelines.columns import Column, Groups
from pipelines.layouts.messages import alternating, message, role, turns, unanswered, with_system

_TALKS: Final = ("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "turns")
_ASKED: Final = ("prompt", "instruction", "question", "query", "input")
_ANSWERED: Final = ("response", "output", "answer", "completion")
_SYSTEMS: Final = ("system", "system_prompt")
_TURNS: Final = (
    ("role", "content"),
    ("from", "value"),
    ("role", "text"),
    ("role", "message"),
    ("speaker", "content"),
    ("speaker", "text"),
    ("speaker", "message"),
)
"""How lists of turns name the speaker and what is said."""

_USER: Final = ("human", "user", "patient", "paciente", "患者", "病人")
_ASSISTANT: Final = ("assistant", "ai", "doctor", "physician", "arzt", "ärztin", "médecin", "læge", "医生", "医師")
ROLES: Final = dict.fromkeys(_USER, "user") | dict.fromkeys(_ASSISTANT, "assistant")
"""Who speaks: a role, or the mark at the beginning of a line in a conversation that is one text. Doctors answer."""

_MARK: Final = rf"(?mi)^[ \t]*\**({'|'.join(ROLES)})\**[ \t]*[:：]\**"
_BREAK: Final = "\ufdd0"

COLUMNS: Final[dict[str, Column]] = {
    **{
        f"{speaker}_{said}": Column(
            pl.List(pl.Struct({speaker: pl.String, said: pl.String})), _TALKS, optional=True, if_it_fits=True
        )
        for speaker, said in _TURNS
    },
    "texts": Column(pl.List(pl.String), _TALKS, optional=True, if_it_fits=True),
    "transcript": Column(pl.String, _TALKS, optional=True, if_it_fits=True),
    "asked": Column(pl.String, _ASKED, optional=True),
    "answered": Column(pl.String, _ANSWERED, optional=True),
    "system": Column(pl.String, _SYSTEMS, optional=True),
}
"""For `Read.columns`; `talks` reads them."""

ANY_OF: Final[Groups] = (("transcript",), ("asked", "answered"))
"""For `Read.any_of`: a conversation in any form, or a question and an answer."""


def talks(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds `messages`, the conversation of each row in whichever form it is; null where it is in none."""
    lists = [_spoken(f"{speaker}_{said}", speaker, said) for speaker, said in _TURNS]
    asked = turns(user=pl.col("asked"), assistant=pl.col("answered"))
    single = pl.when(pl.col("asked").is_not_null() & pl.col("answered").is_not_null()).then(asked)
    spoken = alternating(frame, "texts", "in_texts")
    return spoken.with_columns(
        messages=with_system(pl.col("system"), pl.coalesce(*lists, "in_texts", _marked("transcript"), single))
    )


REJECT: Final[dict[str, pl.Expr]] = {
    "the speakers of its text are not marked": pl.col("transcript").is_not_null() & pl.col("messages").is_null(),
    **unanswered(pl.col("messages")),
}


def _spoken(column: str, speaker: str, said: str) -> pl.Expr:
    turn = pl.element().struct
    who = role(turn.field(speaker)).replace(ROLES)
    return pl.col(column).list.eval(message(who, turn.field(said)))


def _marked(column: str) -> pl.Expr:
    """Turns of a text in which each begins with its speaker and a colon; null where it does not begin with one."""
    marked = pl.col(column).str.replace_all(_MARK, f"{_BREAK}${{1}}:")
    turn = pl.element().str.splitn(":", 2).struct
    who = turn.field("field_0").str.to_lowercase().replace(ROLES)
    spoken = marked.str.split(_BREAK).list.slice(1).list.eval(message(who, turn.field("field_1").str.strip_chars()))
    return pl.when(marked.str.strip_chars_start().str.starts_with(_BREAK)).then(spoken)
