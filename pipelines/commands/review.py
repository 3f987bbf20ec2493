"""`tamis review`: the review queue out into a file, and verdicts back from it."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import CHANGE, Hub

_group = typer.Typer(no_args_is_help=True, help="Review without Argilla: the queue as a file, and verdicts from it.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .parquet or .jsonl.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(_group, name="review", rich_help_panel=CHANGE)


@_group.command(name="export")
def export_(
    file: File,
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Its queue alone.", show_default="every recipe's")
    ] = None,
    hub: Hub = None,
) -> None:
    """Write the review queue into a file, a row a record: its texts, and empty columns for the answers.

    Fill in, as far as you like: `decision` (keep, drop or fix), `reasons` (kinds of defect, with semicolons between),
    `rating` (1 to 5), `preferred` (chosen, rejected or neither), `correction` (the better answer), `user`, `seconds`.
    Rows without an answer are left out when the file is imported. Overwrites FILE; changes nothing else.

    Examples:

    - `tamis review export queue.jsonl`

    - `tamis review export queue.parquet --recipe default`
    """
    from pipelines import workspace
    from pipelines.lake import Lake
    from pipelines.review.exchange import export_queue

    opened = workspace.current() if hub is None else workspace.workspace(hub)
    typer.echo(f"{export_queue(Lake(opened.lake), file, recipe):,} records to {file}")


@_group.command(name="import")
def import_(
    file: File,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="NAME", help="Who answered the rows that name nobody.", show_default="you"),
    ] = None,
    hub: Hub = None,
) -> None:
    """Take the answers of a filled-in file as verdicts: the next ledger of each recipe counts them.

    Importing a file twice adds nothing; an answer that was changed since takes the place of the one before. Where
    anything is wrong, the row and the column are named and nothing is imported.

    Examples:

    - `tamis review import queue.jsonl --user ana`
    """
    from pipelines import workspace
    from pipelines.lake import Lake
    from pipelines.review.exchange import import_verdicts

    opened = workspace.current() if hub is None else workspace.workspace(hub)
    typer.echo(import_verdicts(Lake(opened.lake), file, user=user))
