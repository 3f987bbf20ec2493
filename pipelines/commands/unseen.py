"""`tamis inspect` and `tamis add`: data sets that no source knows. Thin over `pipelines.unseen`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from pipelines.unseen.inspection import Inspection

_NEW: Final = "A data set that is new (reads some rows; fetches no more)"

What = Annotated[
    str, typer.Argument(metavar="REPO|FILE|FOLDER", help="org/name of the Hub, or a path.", show_default=False)
]
Config = Annotated[
    str | None, typer.Option("--config", metavar="NAME", help="This config.", show_default="the default, or the first")
]
Splits = Annotated[list[str] | None, typer.Option("--split", metavar="NAME", help="This split; may be given again.")]
Revision = Annotated[
    str | None, typer.Option("--revision", metavar="COMMIT", help="At this commit, tag or branch.", show_default="main")
]
Hub = Annotated[
    str | None,
    typer.Option(
        "--hub",
        metavar="HUB",
        help="sample, online, or a folder laid out as repositories.",
        show_default="TAMIS_HUB, else the last run's, else online",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=_NEW)(inspect)
    app.command(rich_help_panel=_NEW)(add)


def inspect(
    what: What, config: Config = None, split: Splits = None, revision: Revision = None, hub: Hub = None
) -> None:
    """Show what is in a data set, and which layout fits its rows.

    Configs, splits, columns with their types, some rows, licence and size; then every layout that Tamis knows, with
    how well it fits, or why it does not. Of a repository it fetches a file up to 32 MB, or the first rows of it.

    Examples:

    - `tamis inspect GAIR/lima`

    - `tamis inspect rows/chats.jsonl.gz`

    - `tamis inspect org/name --config code --split train`
    """
    with _looked_at(what, config, split, revision, hub) as seen:
        typer.echo(seen)


def add(
    what: What,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What it is called.", show_default="made from its own name")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its layout.", show_default="the one that fits best")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=NAME", help="Which column plays a role of the layout; may be given again."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A column for `meta`; may be given again.", show_default="numbers and short texts"
        ),
    ] = None,
    config: Config = None,
    split: Splits = None,
    revision: Revision = None,
    licence: Annotated[
        str | None, typer.Option(metavar="SPDX", help="Where the card states none.", show_default="the card's")
    ] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="BCP 47, where all rows have one.")] = None,
    file: Annotated[
        bool, typer.Option("--file", help="Write a file of the catalogue, to be edited, instead of to lake.yaml.")
    ] = False,
    hub: Hub = None,
) -> None:
    """Make a repository, a file or a folder a source, after a trial on its first rows.

    It is appended to `lake.yaml` with its layout and columns, and the whole graph takes it from then on. Comments stay.

    Examples:

    - `tamis add org/name`

    - `tamis add rows/support.csv --name support --licence cc-by-4.0`

    - `tamis add org/name --layout prompt-completion --column prompt=ask --column completion=reply`
    """
    from pipelines.unseen.adding import Wish, keys, write_file
    from pipelines.unseen.adding import add as append

    said = keys(column or ())
    with _looked_at(what, config, split, revision, hub) as seen:
        wish = Wish(
            name=name,
            layout=layout,
            columns=said,
            keep=None if keep is None else tuple(keep),
            splits=tuple(split or ()),
            licence=licence,
            language=language,
        )
        typer.echo(write_file(seen, wish) if file else append(seen, wish))


@contextmanager
def _looked_at(
    what: str, config: str | None, split: list[str] | None, revision: str | None, hub: str | None
) -> Iterator["Inspection"]:
    """The inspection, with the Hub served while it is needed; for files none is."""
    from pipelines import workspace
    from pipelines.opening import served
    from pipelines.unseen.place import is_local

    opened = workspace.current() if hub is None else workspace.workspace(hub)
    if is_local(what):
        from pipelines.unseen.inspection import inspect as look

        yield look(what, None, opened, splits=tuple(split or ()))
        return
    with served(opened):
        from huggingface_hub import constants

        from pipelines.hub import Hub as Client
        from pipelines.unseen.inspection import inspect as look

        client = Client(None, Path(constants.HF_HUB_CACHE), online=opened.online)
        yield look(what, client, opened, config=config, splits=tuple(split or ()), revision=revision)
