"""`tamis new`: begin a recipe of your own."""

from typing import Annotated

import typer

from pipelines.commands.options import CHANGE


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=CHANGE)(new)


def new(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Its name, which will be the file's.")],
    base: Annotated[str, typer.Option("--from", metavar="RECIPE", help="The recipe that is copied.")] = "default",
) -> None:
    """Begin a recipe of your own as a copy of another one, with its comments. Nothing is overwritten.

    Examples:

    - `tamis new mine`

    - `tamis new permissive --from raw`
    """
    from pipelines.new_recipe import new_recipe

    path = new_recipe(recipe, base)
    typer.echo(
        f"{path}\n"
        f"Edit it; `tamis preview {recipe}` tells what it would lose and gain before a run; `make run` runs it "
        "with the others.\n"
        "Where `make up` runs already, press Reload definitions on the page Deployment: the recipe is a new partition."
    )
