"""`tamis score`: signals of any file."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.options import ALONE


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=ALONE)(score)


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet, JSONL or a JSON array.", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Gets a row a record: `row` and each signal (parquet).")],
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="preference, reasoning, conversation, task or text.",
            show_default="by the columns",
        ),
    ] = None,
    copy: Annotated[
        Path | None, typer.Option("--redacted", metavar="FILE", help="Gets the records, redacted (parquet).")
    ] = None,
    redact: Annotated[
        list[str] | None,
        typer.Option(
            "--redact", metavar="KIND", help="What is redacted there; may be given several times.", show_default="all"
        ),
    ] = None,
) -> None:
    """Compute every signal of the records of any parquet or JSONL file. Needs no workspace.

    A row of the file gives one record; rows that give none are counted by reason. --redacted writes the records with
    placeholders for personal data and secrets: emails, phones, ip_addresses, secrets, card_numbers, ibans.

    Examples:

    - `tamis score rows.parquet --out signals.parquet`

    - `tamis score pairs.jsonl --layout preference --out signals.parquet --redacted clean.parquet`
    """
    from pipelines.errors import TamisError
    from pipelines.quality.redaction import KINDS
    from pipelines.standalone import score as alone
    from pipelines.standalone.progress import steps

    unknown = [kind for kind in redact or [] if kind not in KINDS]
    if unknown:
        raise TamisError(f"{unknown[0]!r} is no kind of personal data", cure=f"There are {', '.join(KINDS)}.")
    kinds = [kind for kind in KINDS if not redact or kind in redact]
    with steps(alone.STEPS) as step:
        typer.echo(alone.score(file, out, layout=layout, copy=copy, kinds=kinds, step=step))
