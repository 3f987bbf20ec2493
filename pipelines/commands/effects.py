"""`tamis rules`, `sweep`, `diff` and `preview`: what rules and edits cost and give, before a run."""

from typing import Annotated

import typer

from pipelines.commands.options import ASK, Examples, Hub, RecipeName


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (rules, sweep, diff, preview):
        app.command(rich_help_panel=ASK)(command)


def rules(recipe: RecipeName = "default", hub: Hub = None) -> None:
    """List each rule with its effect alone and among the others, from the signals of the last pass.

    Takes seconds; no text is read. It tells the recipe as the pass was made by it, whatever its file says now.

    Examples:

    - `tamis rules`

    - `tamis rules --recipe raw`
    """
    from pipelines import corpus

    typer.echo(corpus.open(hub).rules(recipe))


def sweep(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name, as `tamis rules` lists it.")],
    start: Annotated[
        float | None, typer.Option("--from", metavar="A", help="The lowest threshold.", show_default="1 % of rows")
    ] = None,
    end: Annotated[
        float | None, typer.Option("--to", metavar="B", help="The highest threshold.", show_default="99 % of rows")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, metavar="N", help="Thresholds between the two.")] = 9,
    recipe: RecipeName = "default",
    examples: Examples = 1,
    hub: Hub = None,
) -> None:
    """Move a rule's threshold and see what is kept, lost and gained, with rows on both sides.

    Counts come from stored signals in seconds; only the text of the examples is read. Duplicates whose survivor is
    lost are counted as `may return`: a run alone verifies them.

    Examples:

    - `tamis sweep "answer loops"`

    - `tamis sweep "answer loops" --from 10 --to 200 --steps 20 --examples 3`
    """
    from pipelines import corpus

    opened = corpus.open(hub)
    typer.echo(opened.sweep(rule, recipe, start=start, end=end, steps=steps, examples=examples))


def diff(
    left: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe that has a pass.")],
    right: Annotated[str, typer.Argument(metavar="RECIPE", help="Another one.")],
    examples: Examples = 1,
    hub: Hub = None,
) -> None:
    """Tell what one recipe's last pass keeps that the other's does not, and why not.

    Examples:

    - `tamis diff default raw`

    - `tamis diff default mine --examples 3`
    """
    from pipelines import corpus

    typer.echo(corpus.open(hub).diff(left, right, examples=examples))


def preview(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="The recipe whose file was edited.")] = "default",
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="NAME", help="A recipe's pass.", show_default="its own, else default's"),
    ] = None,
    examples: Examples = 1,
    hub: Hub = None,
) -> None:
    """Tell what the recipe's file as it is now would change of its last pass, before a run.

    Compares with the recipe as the pass was made by it. Takes seconds and changes nothing.

    Examples:

    - `tamis preview`

    - `tamis preview mine --against default --examples 3`
    """
    from pipelines import corpus

    typer.echo(corpus.open(hub).preview(recipe, against=against, examples=examples))
