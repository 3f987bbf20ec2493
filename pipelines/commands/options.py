"""Options and panels that commands share."""

from typing import Annotated, Final

import typer

ASK: Final = "Ask the corpus (reads the lake; changes nothing)"
ALONE: Final = "On any files (no corpus needed)"
CHANGE: Final = "Change what is kept"

Hub = Annotated[
    str | None,
    typer.Option(
        "--hub",
        metavar="HUB",
        help="sample, online, or a folder laid out as repositories.",
        show_default="TAMIS_HUB, else the last run's, else online",
    ),
]
RecipeName = Annotated[str, typer.Option("--recipe", metavar="NAME", help="The recipe whose last pass is read.")]
Examples = Annotated[int, typer.Option("--examples", min=0, metavar="N", help="Records shown of each.")]
