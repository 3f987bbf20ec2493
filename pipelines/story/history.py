"""What became of a record from pass to pass, following its content where upstream gave it another id."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.lake import Lake


@dataclass(frozen=True)
class Move:
    """A change of fate in one pass of a recipe.

    `before` is null for a newcomer, `after` for a record that left. `came_from`: the id that the content had before,
    where this pass gave it another.
    """

    number: int
    id: str
    before: str | None
    after: str | None
    came_from: str | None = None

    def told(self, id_: str) -> str:
        """The move in words, to someone who asked for `id_`."""
        at = "" if self.id == id_ else f" as {self.id}"
        if self.came_from is not None:
            return f"pass {self.number}: {self.after}{at}; upstream had it as {self.came_from} before ({self.before})"
        if self.before is None:
            return f"pass {self.number}: {self.after}, new{at}"
        if self.after is None:
            return f"pass {self.number}: left{at}; {self.before} before"
        return f"pass {self.number}: {self.after}{at}; {self.before} before"


@dataclass(frozen=True)
class Past:
    """A record's past in one recipe, oldest first.

    `moves`: of its content, within source and family, under whatever id. `others`: of other content that its id held.
    """

    moves: tuple[Move, ...]
    others: tuple[tuple[bytes, Move], ...]


def past(lake: Lake, recipe: str, id_: str, content: bytes, until: int | None = None) -> Past:
    """The past of a record up to pass `until` (up to the last one, where it is None)."""
    within = f"{'/'.join(id_.split('/')[:2])}/"
    follows = (pl.col("content_hash") == content) & pl.col("id").str.starts_with(within)
    found = (
        lake.scan("fates")
        .filter((pl.col("recipe") == recipe) & (follows | (pl.col("id") == id_)))
        .filter(pl.lit(value=True) if until is None else pl.col("pass") <= until)
        .sort("pass", "id")
        .select("content_hash", "pass", "id", "from", "to")
        .collect()
    )
    moves = [(held, Move(number, at, before, after)) for held, number, at, before, after in found.rows()]
    return Past(
        moves=tuple(_followed([move for held, move in moves if held == content], id_)),
        others=tuple((held, move) for held, move in moves if held != content),
    )


def _followed(moves: Sequence[Move], id_: str) -> list[Move]:
    """The moves of one record among those of all records with its content.

    Where one id left and another entered in the same pass, the content went from the one to the other.
    """
    linked = {id_}
    while True:
        entered = {move.number for move in moves if move.id in linked and move.before is None}
        left = {move.number for move in moves if move.id in linked and move.after is None}
        met = {
            move.id
            for move in moves
            if (move.after is None and move.number in entered) or (move.before is None and move.number in left)
        }
        if met <= linked:
            break
        linked |= met
    mine = [move for move in moves if move.id in linked]
    gone = {move.number: move for move in mine if move.after is None}
    came = {move.number for move in mine if move.before is None}
    return [
        Move(move.number, move.id, gone[move.number].before, move.after, gone[move.number].id)
        if move.before is None and move.number in gone
        else move
        for move in mine
        if not (move.after is None and move.number in came)
    ]
