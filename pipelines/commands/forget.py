"""`tamis forget`: a tombstone for a record's content."""

from typing import Annotated

import typer

from pipelines.commands.options import CHANGE, Hub


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=CHANGE)(forget)


def forget(
    what: Annotated[str, typer.Argument(metavar="ID|HASH", help="A record's id, or a content hash in hex.")],
    yes: Annotated[bool, typer.Option("--yes", help="Write the tombstone; else only tell what it would do.")] = False,
    hub: Hub = None,
) -> None:
    """Forget a record: no later pull stores its content, the next pass leaves it out, and nothing shows its text.

    Without --yes nothing is changed. It cannot be taken back. Old versions of the lake's tables, snapshots, exports of
    earlier passes, models and Argilla are not erased yet.

    Examples:

    - `tamis forget alpaca/instruction/default.train.0.12`

    - `tamis forget 3f2a9c0d5e6b7a81 --yes`
    """
    from pipelines import workspace
    from pipelines.forget import forget as bury
    from pipelines.lake import Lake

    opened = workspace.current() if hub is None else workspace.workspace(hub)
    typer.echo(bury(Lake(opened.lake), what, write=yes))
