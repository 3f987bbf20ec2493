"""The text parts of a record as expressions: stages iterate over parts, not over families."""

import polars as pl

from schemas.families import MESSAGES, Family

_element = pl.element()


def is_messages(family: Family, part: str) -> bool:
    """Whether `part` is a list of messages (else it is a plain string)."""
    return bool(family.schema.field(part).type == MESSAGES)


def text(family: Family, part: str, *, system: bool = True) -> pl.Expr:
    """All the text of a part as one string, messages a blank line apart.

    Null where the part is null. `system=False` leaves system messages out, as duplicates are compared.
    """
    if not is_messages(family, part):
        return pl.col(part)
    messages = pl.col(part)
    if not system:
        messages = messages.list.eval(_element.filter(_element.struct.field("role") != "system"))
    return messages.list.eval(_element.struct.field("content")).list.join("\n\n")


def compared(family: Family) -> pl.Expr:
    """The text that decides whether two records are near-duplicates: every compared part but system messages."""
    return pl.concat_str(
        [text(family, part, system=False) for part in family.compared], separator="\n\n", ignore_nulls=True
    )


def first_user_turn(family: Family) -> pl.Expr:
    """Content of the first message of the user; null where there is none."""
    user = pl.col("prompt").list.eval(_element.filter(_element.struct.field("role") == "user").struct.field("content"))
    return user.list.first()
