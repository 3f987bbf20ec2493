"""The command `tamis`: thin over `pipelines.corpus`, `pipelines.plan` and `pipelines.doctor`.

Modules that take long to import, or freeze the Hub's address when they are imported, are imported in the commands.
"""

import sys
import tomllib
from pathlib import Path
from typing import Annotated, Final

import typer

from pipelines.commands import effects, forget, new, review, score, unseen
from pipelines.errors import TamisError
from pipelines.workspace import ROOT

_ASK: Final = "Ask the corpus (reads the lake; changes nothing)"
_ALONE: Final = "On any files (no corpus needed)"
_RUN: Final = "Before a run (asks the Hub; fetches no data)"

app = typer.Typer(
    name="tamis",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""
Post-training data sets of the Hugging Face Hub, sieved: one schema, no junk, no duplicates, every row's fate explained.

`make run` builds the corpus, `make up` opens Dagster's page; this command answers questions about it. It works on the
workspace of the last `make run`; `--hub` names another: `sample`, `online`, or a folder laid out as repositories.

From Python: `from pipelines import corpus; corpus.open().curated("cot", side="train")`.
""",
)

Hub = Annotated[
    str | None,
    typer.Option(
        "--hub",
        metavar="HUB",
        help="sample, online, or a folder laid out as repositories.",
        show_default="TAMIS_HUB, else the last run's, else online",
    ),
]


Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Parquet or JSONL.", show_default=False)]
Columns = Annotated[
    list[str], typer.Option("--column", metavar="NAME", help="A column of text; may be given several times.")
]


@app.command(rich_help_panel=_ASK)
def why(
    what: Annotated[str, typer.Argument(metavar="ID", help="A record's id, or SOURCE:FILE:ROW of an upstream row.")],
    number: Annotated[
        int | None,
        typer.Option("--pass", min=1, metavar="N", help="Read this pass.", show_default="each recipe's last"),
    ] = None,
    hub: Hub = None,
) -> None:
    """Tell one record's story: where it came from, its fate in each recipe, and all that speaks against it.

    A row that gave no record is told as SOURCE:FILE:ROW, with rows counted from 0. Reads the lake; changes nothing.

    Examples:

    - `tamis why gsm8k/cot/main.train.0.5`

    - `tamis why gsm8k/cot/main.train.0.5 --pass 3`

    - `tamis why oasst1:data/validation.parquet:17`
    """
    from pipelines import corpus

    typer.echo(corpus.open(hub).why(what, number))


@app.command(rich_help_panel=_ASK)
def find(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A literal text; upper and lower case are the same.")],
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only records of this family.", show_default="all, and rejects")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Only this source.", show_default="all")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Stop after this many.")] = 20,
    hub: Hub = None,
) -> None:
    """Find the records that hold a text, with their fates; and rows that are none, by their first characters.

    Reads all text of the lake in a stream (some seconds a gigabyte); changes nothing.

    Examples:

    - `tamis find "as an AI language model" --family instruction --limit 5`

    - `tamis find "\\boxed{42}" --source sky_t1`
    """
    from pipelines import corpus

    typer.echo(corpus.open(hub).find(text, family=family, source=source, limit=limit))


@app.command(rich_help_panel=_RUN)
def plan(
    hub: Hub = None,
    sources: Annotated[
        str | None, typer.Option(metavar="A,B", help="Refresh these sources only.", show_default="all")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Read this many rows of each source.", show_default="all")
    ] = None,
) -> None:
    """Tell what a run would fetch, recompute and need, before anything is pulled.

    Asks the Hub for each source's commit and files (some requests each), and compares them with what was read. Fetches
    the cards of repositories and no data, takes no lock, and changes no table; what the Hub answered is kept beside its
    cache, so that the run need not ask again.

    Rows with a `~` are estimated from rows read before, or what `--limit` lets through; minutes from the past runs of
    this workspace. The exit code is 1 where a source or recipe would fail, or a disk is too small.

    Examples:

    - `tamis plan`

    - `tamis plan --hub online --sources gsm8k,alpaca`

    - `tamis plan --hub ../rows --limit 1000`
    """
    from pipelines import workspace
    from pipelines.catalogue import recipes_now, settings_now
    from pipelines.opening import served
    from pipelines.sources import named
    from pipelines.sources import sources as known

    only = named(sources.split(",")) if sources else None
    opened = workspace.current() if hub is None else workspace.workspace(hub)
    with served(opened):
        from pipelines.plan import make  # only now, since the Hub's libraries freeze their endpoint at import

        made = make.plan(opened, known(), recipes_now(), settings_now(), only=only, limit=limit, say=_aside)
    typer.echo(made)
    if not made.holds:
        raise typer.Exit(1)


@app.command(rich_help_panel=_RUN)
def benchmarks(
    hub: Hub = None,
    update: Annotated[
        bool, typer.Option("--update/--no-update", help="Ask the Hub first, or tell what the lake holds.")
    ] = True,
) -> None:
    """Build or update the index of benchmarks, and list which of them records are compared with.

    What the Hub no longer has stays as it was read last. A gated benchmark needs HF_TOKEN of an account that accepted
    its terms; of it the lake holds hashes only. A run does the same by itself.

    Examples:

    - `tamis benchmarks`

    - `tamis benchmarks --hub ../rows --no-update`
    """
    from pipelines import workspace
    from pipelines.opening import served

    opened = workspace.current() if hub is None else workspace.workspace(hub)
    from pipelines.benchmarks.held import held
    from pipelines.lake import Lake
    from pipelines.report.benchmarks import benchmarks_text

    lake = Lake(opened.lake)
    if not update:
        typer.echo(benchmarks_text(held(lake)))
        return
    with served(opened):
        from huggingface_hub import constants

        from pipelines.benchmarks.update import update as bring_up
        from pipelines.hub import Hub as Client

        with opened.lock("benchmarks", "tamis benchmarks", _aside):
            client = Client(None, Path(constants.HF_HUB_CACHE), online=opened.online)
            typer.echo(benchmarks_text(bring_up(lake, client, tell=_aside)))


@app.command(rich_help_panel=_ALONE)
def dedup(
    files: Files,
    column: Columns,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Gets the kept rows with all their columns (parquet).")],
    threshold: Annotated[float, typer.Option(metavar="J", help="Jaccard similarity of sets of 5 words.")] = 0.7,
    pairs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Gets `removed`, `survivor`, `similarity` (parquet).")
    ] = None,
    agree: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Rows that differ here are no duplicates: a gold answer.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Remove what this file has already; it is not changed.")
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="Names a row; else its number does.")
    ] = None,
) -> None:
    """Remove near-duplicates from any parquet or JSONL files; the first of similar rows stays.

    Each removed row has a kept row that is similar enough itself. Texts of under 5 words are compared by equality.
    Below a threshold of .7 not all that are similar enough are found. Needs no workspace.

    Examples:

    - `tamis dedup rows.parquet --column text --threshold 0.7 --out kept.parquet --pairs pairs.parquet`

    - `tamis dedup a.jsonl b.jsonl --column prompt --column answer --agree gold --out kept.parquet`

    - `tamis dedup new.parquet --column text --against old.parquet --out kept.parquet`
    """
    from pipelines.standalone import dedup as alone
    from pipelines.standalone.progress import steps

    with steps(alone.STEPS) as step:
        done = alone.deduplicate(
            files, column, threshold, out, pairs=pairs, agree=agree, against=against, id_=id_, step=step
        )
    typer.echo(done)


@app.command(rich_help_panel=_ALONE)
def decontaminate(
    files: Files,
    column: Columns,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Gets every hit with both spans (parquet).")],
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own benchmark: a file with the first --column.", show_default="all"),
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="Names a row; else its number does.")
    ] = None,
    hub: Hub = None,
) -> None:
    """Find what rows of any parquet or JSONL files share with benchmarks, by every rule, and with the evidence.

    Compares with the index that `tamis benchmarks` built, or with a file of your own.

    Examples:

    - `tamis decontaminate rows.parquet --column text --out hits.parquet`

    - `tamis decontaminate rows.jsonl --column prompt --column answer --against exam.jsonl --out hits.parquet`
    """
    from pipelines.standalone import decontaminate as alone
    from pipelines.standalone.progress import steps

    with steps(alone.STEPS) as step:
        items, missing = alone.items_of(against, column[0]) if against else alone.items_in_lake(hub)
        done = alone.decontaminate(files, column, out, items, id_=id_, against=against, step=step)
    typer.echo(done)
    for name, why in missing:
        typer.echo(f"NOT CHECKED: {name} ({why})")


@app.command(rich_help_panel=_RUN)
def doctor(hub: Hub = None) -> None:
    """Check this machine: Python, libraries, workspace, disk, recipes, Hub, token, Argilla, GPU, Dagster's port.

    One line each: OK, WARN or FAIL, with the cure. Asks the Hub and Argilla whether they answer, where they are not on
    this machine; shows no token and changes nothing. The exit code is 1 where a line says FAIL.
    """
    from pipelines import doctor as examination
    from pipelines import workspace

    opened = workspace.current() if hub is None else workspace.workspace(hub)
    failed = False
    for finding in examination.findings(opened):
        typer.echo(finding)
        failed |= finding.word == "FAIL"
    if failed:
        raise typer.Exit(1)


effects.register(app)
forget.register(app)
new.register(app)
review.register(app)
score.register(app)


def _aside(text: str) -> None:
    """Say how far it is, on a terminal only, so that what is piped on is the answer alone."""
    if sys.stderr.isatty():
        typer.echo(text, err=True)


@app.callback(invoke_without_command=True)
def _tamis(
    told: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if told:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        typer.echo(f"tamis {project['version']}")
        raise typer.Exit


unseen.register(app)


def main() -> None:
    """Run the command; an error that a user can act on is one line on stderr, and the exit code 1."""
    try:
        app()
    except TamisError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
